import type { Socket } from 'node:net';
import type { WebSocketRelay } from './websocket.ts';

/** The WebSockets that are open, and the connections of clients that asked for one. */
export class WebSockets {
  readonly #all = new Set<WebSocketRelay>();
  /** Node's server does not know them any more, whatever becomes of them. */
  readonly #clients = new Set<Socket>();

  get open(): number {
    return this.#all.size;
  }

  /** Takes note of a connection until it closes, so that `destroy` reaches it before it is a WebSocket. */
  hold(client: Socket): void {
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
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

  /** Ends every one at once, and every request for one. */
  destroy(): void {
    for (const relay of this.#all) relay.destroy();
    for (const client of this.#clients) client.destroy();
  }
}
