import type { WebSocketRelay } from './websocket.ts';

/** The WebSockets that are open. */
export class WebSockets {
  readonly #all = new Set<WebSocketRelay>();

  get open(): number {
    return this.#all.size;
  }

  add(relay: WebSocketRelay): void {
    this.#all.add(relay);
  }

  delete(relay: WebSocketRelay): void {
    this.#all.delete(relay);
  }

  /** Tells every one to close: the process goes away (1001). */
  close(): void {
    for (const relay of this.#all) relay.close(1001, 'going away');
  }

  /** Ends every one at once. */
  destroy(): void {
    for (const relay of this.#all) relay.destroy();
  }
}
