import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Reason } from '../errors.ts';
import { ClientAnswer } from './client-answer.ts';
import type { Failure, ForwardInput } from './forward.ts';
import type { Connection, Waiter } from './pool.ts';
import { RequestBody } from './request-body.ts';
import { readResponseHeaders } from './response-headers.ts';
import { createResponseRewrite } from './response-rewrite.ts';
import type { Watched } from './slow-clients.ts';
import { faultOf, isClosed, upstreamReason } from './upstream-error.ts';

type Controller = Dispatcher.DispatchController;

/** RFC 9110 section 9.2.2. */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * One request on its way to the upstream and back: undici's handler, what waits for a connection, and what may have to
 * give it up.
 * Two things end independently: the exchange with the upstream, whose connection is kept or dropped, and the answer
 * to the client, which is sent, refused or cut.
 */
export class Transfer implements Dispatcher.DispatchHandler, Waiter, Watched {
  readonly network: string;
  readonly socket: Socket;
  readonly #input: ForwardInput;
  #startedAt: number;
  readonly #answer: ClientAnswer;
  #path = '';
  #body: RequestBody | null = null;
  #connection: Connection | null = null;
  /** The connection had carried a request before this one. */
  #reused = false;
  #retried = false;
  /** A byte of the upstream's answer has come. */
  #answered = false;
  /** Refused, cut, complete, or nobody is there any more. */
  #over = false;
  #parked = false;
  #settled = false;
  /** What the connection has become, if the upstream accepted an upgrade. */
  #tunnel: { readonly bytes: number } | null = null;
  #upstreamMs: number | null = null;
  #reason: Failure | null = null;
  #fault: string | null = null;

  constructor(input: ForwardInput) {
    this.network = input.network;
    this.socket = input.request.socket;
    this.#input = input;
    this.#startedAt = input.clock.elapsed();
    this.#answer = new ClientAnswer(input, {
      onStall: () => {
        this.#abandon();
        this.#cut('answer_not_read');
      },
      onPause: () => input.upstream.pool.slowClients.watch(this),
    });
    // Where an answer still waits for the one before it, Node 20 tells the request alone of a dead connection.
    input.request.on('close', this.#onClose);
    input.response.on('close', this.#onClose);
    if (this.#isGone()) this.#settle();
  }

  /** Whether the transfer has ended, as it has at once where the client left before it began. */
  get settled(): boolean {
    return this.#settled;
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  get waitsFor(): 'body' | 'reader' | null {
    if (this.#over) return null;
    if (this.#answer.begun && this.#answer.paused) return 'reader';
    // The upstream is gone, and what it was to have of the body is read and thrown away.
    if (this.#parked) return this.#input.request.complete ? null : 'body';
    return this.#body?.starving === true ? 'body' : null;
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
      if (coding !== undefined) this.#body = this.#readBody(null);
      else if (Number(length) > 0) this.#body = this.#readBody(Number(length));
      if (this.#body?.short !== true) upstream.pool.take(this);
      else {
        this.#body.readWhole(() => {
          // How long the client takes says nothing about the upstream.
          this.#startedAt = this.#input.clock.elapsed();
          upstream.pool.take(this);
        });
      }
    }
  }

  /** Ends a transfer whose answer has not begun: the caller writes one. */
  refuse(reason: Reason): void {
    this.#over = true;
    this.#reason = reason;
    this.#body?.destroy();
    this.#input.refuse(reason);
  }

  /** Its connection to the upstream is needed elsewhere; the client learns of it when it moves, or when its time is over. */
  park(): void {
    this.#parked = true;
    this.#abandon();
  }

  /** The client was too slow for too long. */
  giveUp(): void {
    const { begun, paused } = this.#answer;
    this.#abandon();
    this.#fail(begun && (paused || this.#input.request.complete) ? 'answer_not_read' : 'request_timeout');
  }

  onConnected(connection: Connection): void {
    const { method, headers, upstream, upgrade } = this.#input;
    this.#connection = connection;
    const options = {
      path: this.#path,
      method,
      headers,
      body: this.#body?.payload() ?? null,
      servername: upstream.serverName,
      upgrade: upgrade?.protocol ?? null,
    };
    connection.client.dispatch(options, this);
  }

  onNotConnected(reason: Reason): void {
    this.refuse(reason);
  }

  onRequestStart(): void {
    const connection = this.#connection as Connection;
    this.#reused = connection.served > 0;
    connection.begin();
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(controller: Controller, status: number, headers: { link?: unknown }, message = ''): void {
    if (status === 103) this.#answer.hint(headers.link);
    if (status < 200) return;
    this.#upstreamMs = this.#input.clock.elapsed() - this.#startedAt;
    if (this.#answer.begin(controller.rawHeaders as Buffer[], status, message)) return;
    this.#abandon();
    this.#fault = 'an answer whose head cannot be passed on';
    this.#fail('upstream_protocol');
  }

  onRequestUpgrade(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    const { upgrade } = this.#input;
    const connection = this.#connection;
    this.#connection = null;
    // Its socket has left it: the place in the pool is free.
    if (connection !== null) this.#input.upstream.pool.drop(connection);
    socket.on('error', () => socket.destroy());
    if (this.#over) {
      socket.destroy();
      return;
    }
    this.#upstreamMs = this.#input.clock.elapsed() - this.#startedAt;
    // Twice, it is a list.
    if (upgrade !== null && String(headers.upgrade).toLowerCase() === upgrade.protocol) {
      const rewrite = createResponseRewrite(this.#input);
      const head = readResponseHeaders(controller.rawHeaders as Buffer[], status, rewrite);
      this.#tunnel = head && upgrade.accepted(socket as Socket, head.headers);
    }
    if (this.#tunnel !== null) {
      this.#over = true;
      return;
    }
    socket.destroy();
    this.#fail('upstream_protocol');
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#answer.write(chunk, controller);
  }

  onResponseEnd(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#over = true;
    this.#answer.end();
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
    this.#fault = faultOf(error);
    this.#fail(upstreamReason(error));
  }

  /** RFC 9110 section 9.2.2: only what may be sent twice, and was not taken up. A new connection tells the truth. */
  #mayRetry(error: Error): boolean {
    const repeatable = this.#body === null && idempotent.has(this.#input.method);
    return repeatable && this.#reused && !this.#answered && !this.#retried && isClosed(error);
  }

  #readBody(length: number | null): RequestBody {
    const { request, response, maxBodySize, expectsContinue, upstream } = this.#input;
    return new RequestBody(request, {
      length,
      maxSize: maxBodySize,
      onRead: () => {
        // A short one holds no connection while it comes.
        if (this.#body?.short !== true) upstream.pool.slowClients.watch(this);
        if (expectsContinue && request.httpVersion === '1.1' && !response.headersSent)
          response.writeContinue();
      },
      onTooLarge: () => {
        this.#abandon();
        this.#fail('body_too_large');
      },
    });
  }

  #fail(reason: Failure): void {
    // An answer without a body is whole before the upstream has done.
    if (this.#over || this.#answer.over) return;
    if (this.#answer.begun || reason === 'answer_not_read') this.#cut(reason);
    else this.refuse(reason);
  }

  #cut(reason: Failure): void {
    this.#over = true;
    this.#reason = reason;
    this.#body?.destroy();
    this.#answer.cut();
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
    return this.#input.response.closed || this.socket.destroyed;
  }

  readonly #onClose = (): void => {
    if (this.#isGone()) this.#settle();
    // A request that was read to its end closes too, and then tells nothing more.
    else this.socket.once('close', this.#onClose);
  };

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#over = true;
    this.#answer.close();
    this.#input.upstream.pool.slowClients.forget(this);
    this.socket.off('close', this.#onClose);
    this.#abandon();
    this.#input.done({
      upstreamMs: this.#upstreamMs,
      reason: this.#reason,
      fault: this.#fault,
      bytes: this.#tunnel?.bytes ?? this.#answer.bytes,
      eventStream: this.#answer.eventStream,
    });
  }
}
