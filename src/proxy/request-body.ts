import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

export interface RequestBodyEvents {
  /** Right before the first byte is read: the moment to answer `Expect: 100-continue`. */
  onRead(): void;
  /** More than maxSize bytes have come. None of the surplus was passed on. */
  onTooLarge(): void;
}

/**
 * The body of a request for undici to read: as it comes, with backpressure, counted. A stream of its own so that undici,
 * which destroys what it has read, never touches the client's connection.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #maxSize: number;
  readonly #events: RequestBodyEvents;
  #size = 0;
  #begun = false;

  constructor(request: IncomingMessage, maxSize: number | null, events: RequestBodyEvents) {
    super();
    this.#request = request;
    this.#maxSize = maxSize ?? Number.POSITIVE_INFINITY;
    this.#events = events;
    // Whoever destroys it with an error has told the transfer of it.
    this.on('error', () => {});
  }

  override _read(): void {
    if (!this.#begun) this.#begin();
    this.#request.resume();
  }

  /** What is left is read and thrown away: else it would stand before the next request of the connection. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd);
    this.#request.resume();
    callback(error);
  }

  #begin(): void {
    this.#begun = true;
    this.#events.onRead();
    this.#request.on('data', this.#onData).on('end', this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#size += chunk.length;
    if (this.#size > this.#maxSize) this.#events.onTooLarge();
    else if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };
}
