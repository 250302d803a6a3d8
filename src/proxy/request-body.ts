import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

export interface RequestBodyEvents {
  /** Right before the first byte is read: the moment to answer `Expect: 100-continue`. */
  onRead(): void;
  /** More than maxSize bytes have come. None of the surplus was passed on. */
  onTooLarge(): void;
}

export interface RequestBodyOptions extends RequestBodyEvents {
  /** Bytes that the request announces; null: it is chunked. */
  readonly length: number | null;
  /** Most bytes; null: unlimited. */
  readonly maxSize: number | null;
}

/** A body of at most so many bytes is read whole before it needs a connection to the upstream. */
const longestShort = 64 * 1024;

/**
 * The body of a request for undici to read: as it comes, with backpressure, counted. A stream of its own so that undici,
 * which destroys what it has read, never touches the client's connection.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #options: RequestBodyOptions;
  #size = 0;
  #begun = false;
  /** No byte will come any more. */
  #done = false;
  #onWhole: (() => void) | null = null;

  constructor(request: IncomingMessage, options: RequestBodyOptions) {
    super({ highWaterMark: longestShort });
    this.#request = request;
    this.#options = options;
    // Whatever destroys it with an error has told the transfer of it.
    this.on('error', () => {});
  }

  /** Whether the next byte has to come from the client, rather than go to the upstream. */
  get starving(): boolean {
    return this.#begun && !this.#done && !this.#request.isPaused() && this.readableLength === 0;
  }

  /** Whether it is read whole, by `readWhole`, before anything of it is sent. */
  get short(): boolean {
    const { length } = this.#options;
    return length !== null && length <= longestShort;
  }

  /** Reads a short body; `then` is called once, when all of it has come, and not where it never does. */
  readWhole(then: () => void): void {
    this.#onWhole = then;
    this.#begin();
    this.#request.resume();
  }

  /** What undici is to send: the bytes of a short body, which go out in one piece with the head, or the stream. */
  payload(): Buffer | this {
    if (!this.short) return this;
    const chunks: Buffer[] = [];
    // Since Node 26 each call gives one chunk alone.
    for (let chunk = this.read(); chunk !== null; chunk = this.read()) chunks.push(chunk);
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }

  override _read(): void {
    if (!this.#begun) this.#begin();
    if (!this.#done) this.#request.resume();
  }

  /** What is left is read and thrown away: otherwise it would stand before the next request of the connection. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#finish();
    this.#onWhole = null;
    this.#request.resume();
    callback(error);
  }

  #begin(): void {
    this.#begun = true;
    this.#options.onRead();
    this.#request.on('data', this.#onData).on('end', this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { length, maxSize, onTooLarge } = this.#options;
    this.#size += chunk.length;
    if (maxSize !== null && this.#size > maxSize) return onTooLarge();
    const wantsMore = this.push(chunk);
    if (this.#size === length) this.#onEnd();
    else if (!wantsMore) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.#finish();
    this.push(null);
    this.#onWhole?.();
  };

  #finish(): void {
    this.#done = true;
    this.#request.off('data', this.#onData).off('end', this.#onEnd);
  }
}
