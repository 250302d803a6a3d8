import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Dispatcher } from 'undici';
import { endAfter } from './last-request.ts';
import { readResponseHeaders } from './response-headers.ts';
import { createResponseRewrite, type ResponseRewriteOptions } from './response-rewrite.ts';

export interface ClientAnswerInput extends ResponseRewriteOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly upstream: ResponseRewriteOptions['upstream'] & { readonly bodyTimeout: number };
  closing(): boolean;
}

export interface ClientAnswerEvents {
  /** The client has read nothing for bodyTimeout. */
  onStall(): void;
  /** The upstream is held back until the client reads. */
  onPause(): void;
}

/** The upstream's answer on its way to the client: begun, passed on with backpressure, then ended or cut. */
export class ClientAnswer {
  readonly #input: ClientAnswerInput;
  readonly #events: ClientAnswerEvents;
  #begun = false;
  /** The head was sent, by itself or with what follows it. */
  #headSent = false;
  #over = false;
  #paused = false;
  #stall: NodeJS.Timeout | undefined;
  #bytes = 0;
  #eventStream = false;

  constructor(input: ClientAnswerInput, events: ClientAnswerEvents) {
    this.#input = input;
    this.#events = events;
    // A write to a connection that has just died is no fault of the process.
    input.response.on('error', ignore);
  }

  get begun(): boolean {
    return this.#begun;
  }
  get over(): boolean {
    return this.#over;
  }
  /** Whether the upstream is held back, since the client does not read. */
  get paused(): boolean {
    return this.#paused;
  }
  /** Bytes of the body passed on. */
  get bytes(): number {
    return this.#bytes;
  }
  get eventStream(): boolean {
    return this.#eventStream;
  }

  /** Hands the head to Node. False when it cannot be sent; then nothing was. */
  begin(rawHeaders: readonly Buffer[], status: number, message: string): boolean {
    const { request, response, method, closing } = this.#input;
    const head = readResponseHeaders(rawHeaders, status, createResponseRewrite(this.#input));
    if (head === null) return false;
    // An answer that ends first would leave the rest of the body on the connection.
    const last = !request.complete || closing();
    if (last) head.headers.push('Connection', 'close');
    try {
      response.writeHead(status, phrase(status, message), head.headers);
    } catch {
      return false;
    }
    if (last) endAfter(request);
    this.#begun = true;
    this.#eventStream = head.eventStream;
    if (method === 'HEAD' || status === 204 || status === 304) this.end();
    // What comes in one piece leaves in one piece; a head that comes alone must not wait for its body.
    else process.nextTick(() => this.#sendHead());
    return true;
  }

  /** Passes a piece of the body on, and holds the upstream back while the client does not read. */
  write(chunk: Buffer, controller: Dispatcher.DispatchController): void {
    if (this.#over) return;
    this.#headSent = true;
    this.#bytes += chunk.length;
    const { response } = this.#input;
    if (response.write(chunk)) return;
    controller.pause();
    this.#paused = true;
    this.#watch();
    this.#events.onPause();
    response.once('drain', () => {
      this.#paused = false;
      clearTimeout(this.#stall);
      controller.resume();
    });
  }

  /** 103 Early Hints, RFC 8297. They are only hints: what Node will not send is left out. */
  hint(link: unknown): void {
    const { request, response } = this.#input;
    if (request.httpVersion !== '1.1' || response.writableNeedDrain || this.#over) return;
    try {
      response.writeEarlyHints({ link: link as string | string[] });
    } catch {}
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    const { response } = this.#input;
    response.end();
    if (response.writableLength > 0) this.#watch();
  }

  /** Ends an answer that has begun so that nobody takes it for a whole one. */
  cut(): void {
    const { request, response } = this.#input;
    this.#over = true;
    const { socket } = request;
    if (request.httpVersion !== '1.0' || socket instanceof TLSSocket) {
      response.destroy();
      return;
    }
    // To HTTP/1.0 the end of the connection is the end of the answer; only a reset tells them apart. Node 20 makes
    // an ordinary end of one that comes in the same turn as a write.
    setImmediate(() => socket.resetAndDestroy());
  }

  /** The response has closed. */
  close(): void {
    this.#over = true;
    clearTimeout(this.#stall);
  }

  #sendHead(): void {
    if (this.#headSent || this.#over) return;
    this.#headSent = true;
    // Not flushHeaders, which would write bytes beyond ASCII as UTF-8: a head goes out as latin1 with a buffer alone.
    this.#input.response.write(nothing);
  }

  /** A client that reads nothing must not hold a connection for ever. */
  #watch(): void {
    const { bodyTimeout } = this.#input.upstream;
    if (bodyTimeout > 0) this.#stall = setTimeout(() => this.#events.onStall(), bodyTimeout);
  }
}

const nothing = Buffer.alloc(0);

function ignore(): void {}

/** The upstream's reason phrase, where Node takes it. */
function phrase(status: number, message: string): string {
  return /^[\t\x20-\x7e]*$/.test(message) ? message : (STATUS_CODES[status] ?? '');
}
