import { STATUS_CODES } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Dispatcher } from 'undici';
import type { Reason } from '../errors.ts';
import type { ForwardInput } from './forward.ts';
import type { Connection, Waiter } from './pool.ts';
import { RequestBody } from './request-body.ts';
import { readResponseHeaders } from './response-headers.ts';
import { createResponseRewrite } from './response-rewrite.ts';
import { isClosed, upstreamReason } from './upstream-error.ts';

type Controller = Dispatcher.DispatchController;

/** RFC 9110 section 9.2.2. */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * One request on its way to the upstream and back: undici's handler, and the one who waits for a connection.
 * Two things end independently: the exchange with the upstream, whose connection is kept or dropped, and the answer
 * to the client, which is sent, refused or cut.
 */
export class Transfer implements Dispatcher.DispatchHandler, Waiter {
  readonly #input: ForwardInput;
  readonly #startedAt: number;
  #path = '';
  #body: RequestBody | null = null;
  #connection: Connection | null = null;
  /** The connection had carried a request before this one. */
  #reused = false;
  #retried = false;
  /** A byte of the upstream's answer has come. */
  #answered = false;
  /** The head of the answer was handed to Node... */
  #begun = false;
  /** ...and sent, by itself or with what follows it. */
  #headSent = false;
  /** Nothing more is to be said to the client. */
  #over = false;
  #settled = false;
  #stall: NodeJS.Timeout | undefined;
  #upstreamMs: number | null = null;
  #reason: Reason | null = null;
  #bytes = 0;
  #eventStream = false;

  constructor(input: ForwardInput) {
    this.#input = input;
    this.#startedAt = input.clock.elapsed();
    // Where an answer still waits for the one before it, Node 20 tells the request alone of a dead connection.
    input.request.once('close', this.#onClose);
    input.response.once('close', this.#onClose);
    input.response.on('error', ignore);
    if (this.#isGone()) this.#settle();
  }

  /** Whether the transfer has ended, as it has at once where the client left before it began. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Sends the request to a path of the upstream, as soon as there is a connection. */
  start(path: string): void {
    const { request, maxBodySize, upstream } = this.#input;
    const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      this.refuse('request_malformed');
    } else if (maxBodySize !== null && Number(length) > maxBodySize) {
      this.refuse('body_too_large');
    } else {
      this.#path = path;
      if (coding !== undefined || Number(length) > 0) this.#body = this.#readBody();
      upstream.pool.take(this);
    }
  }

  /** Ends a transfer whose answer has not begun: the caller writes one. */
  refuse(reason: Reason): void {
    this.#over = true;
    this.#reason = reason;
    this.#body?.destroy();
    this.#input.refuse(reason);
  }

  connected(connection: Connection): void {
    const { method, headers, upstream } = this.#input;
    this.#connection = connection;
    const options = { path: this.#path, method, headers, body: this.#body, servername: upstream.serverName };
    connection.client.dispatch(options, this);
  }

  notConnected(reason: Reason): void {
    this.refuse(reason);
  }

  onRequestStart(): void {
    const connection = this.#connection as Connection;
    this.#reused = connection.served > 0;
    connection.served++;
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(controller: Controller, status: number, headers: { link?: unknown }, message = ''): void {
    if (status >= 200) this.#begin(controller.rawHeaders as Buffer[], status, message);
    else if (status === 103) this.#hint(headers.link);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#over) return;
    this.#headSent = true;
    this.#bytes += chunk.length;
    const { response } = this.#input;
    if (response.write(chunk)) return;
    controller.pause();
    this.#watchReader();
    response.once('drain', () => {
      clearTimeout(this.#stall);
      controller.resume();
    });
  }

  onResponseEnd(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#end();
    if (connection !== null) this.#input.upstream.pool.keep(connection);
  }

  onResponseError(_controller: Controller, error: Error): void {
    const connection = this.#connection;
    // Dropped by ourselves.
    if (connection === null) return;
    this.#connection = null;
    const { pool } = this.#input.upstream;
    if (this.#mayRetry(error)) {
      this.#retried = true;
      pool.renew(connection, this);
      return;
    }
    pool.drop(connection);
    this.#fail(upstreamReason(error));
  }

  /** RFC 9110 section 9.2.2: only what may be sent twice, and was not taken up. A new connection tells the truth. */
  #mayRetry(error: Error): boolean {
    const sendable = !this.#over && this.#body === null && idempotent.has(this.#input.method);
    return sendable && this.#reused && !this.#answered && !this.#retried && isClosed(error);
  }

  #readBody(): RequestBody {
    const { request, response, maxBodySize, expectsContinue } = this.#input;
    return new RequestBody(request, maxBodySize, {
      onRead: () => {
        if (expectsContinue && request.httpVersion === '1.1' && !response.headersSent)
          response.writeContinue();
      },
      onTooLarge: () => {
        this.#abandon();
        this.#fail('body_too_large');
      },
    });
  }

  #begin(rawHeaders: readonly Buffer[], status: number, message: string): void {
    const { request, response, clock, method } = this.#input;
    const head = readResponseHeaders(rawHeaders, createResponseRewrite(this.#input));
    this.#upstreamMs = clock.elapsed() - this.#startedAt;
    try {
      if (head === null) throw new Error('a transfer coding that the client would not learn of');
      // An answer that ends first leaves the rest of the body on the connection.
      if (!request.complete) head.headers.push('Connection', 'close');
      response.writeHead(status, phrase(status, message), head.headers);
      this.#eventStream = head.eventStream;
      this.#begun = true;
    } catch {
      this.#abandon();
      this.#fail('upstream_protocol');
      return;
    }
    if (method === 'HEAD' || status === 204 || status === 304) this.#end();
    // What comes in one piece leaves in one piece; a head that comes alone must not wait for its body.
    else process.nextTick(() => this.#sendHead());
  }

  #sendHead(): void {
    if (this.#headSent || this.#over) return;
    this.#headSent = true;
    this.#input.response.flushHeaders();
  }

  /** 103 Early Hints, RFC 8297: only hints, so what Node will not send is left out. */
  #hint(link: unknown): void {
    const { request, response } = this.#input;
    if (request.httpVersion !== '1.1' || response.writableNeedDrain || this.#over) return;
    try {
      response.writeEarlyHints({ link: link as string | string[] });
    } catch {}
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#watchReader();
    this.#input.response.end();
  }

  #fail(reason: Reason | null): void {
    if (this.#over) return;
    if (!this.#begun && reason !== null) this.refuse(reason);
    else this.#cut(reason);
  }

  /** Ends an answer that has begun so that nobody takes it for a whole one. */
  #cut(reason: Reason | null): void {
    const { request, response } = this.#input;
    this.#over = true;
    this.#reason = reason;
    this.#body?.destroy();
    // To HTTP/1.0 the end of the connection is the end of the answer; only a reset tells them apart.
    if (request.httpVersion === '1.0' && !(request.socket instanceof TLSSocket))
      request.socket.resetAndDestroy();
    response.destroy();
  }

  /** A client that reads nothing must not hold a connection for ever. */
  #watchReader(): void {
    const { bodyTimeout } = this.#input.upstream;
    if (bodyTimeout === 0) return;
    this.#stall = setTimeout(() => {
      this.#abandon();
      this.#cut(null);
    }, bodyTimeout);
  }

  /** Gives up the upstream, at whatever stage. */
  #abandon(): void {
    const connection = this.#connection;
    this.#connection = null;
    const { pool } = this.#input.upstream;
    if (connection === null) pool.leave(this);
    else pool.drop(connection);
  }

  #isGone(): boolean {
    return this.#input.response.closed || this.#input.request.socket.destroyed;
  }

  readonly #onClose = (): void => {
    if (this.#isGone()) this.#settle();
    // A request that was read to its end closes too, and then tells nothing more.
    else this.#input.request.socket.once('close', this.#onClose);
  };

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#over = true;
    clearTimeout(this.#stall);
    this.#input.request.socket.off('close', this.#onClose);
    this.#abandon();
    this.#input.done({
      upstreamMs: this.#upstreamMs,
      reason: this.#reason,
      bytes: this.#bytes,
      eventStream: this.#eventStream,
    });
  }
}

function ignore(): void {}

/** The upstream's reason phrase, where Node takes it. */
function phrase(status: number, message: string): string {
  return /^[\t\x20-\x7e]*$/.test(message) ? message : (STATUS_CODES[status] ?? '');
}
