import { type buildConnector, Client } from 'undici';

/** Durations in milliseconds. */
export interface PoolOptions {
  readonly connections: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly keepAliveTimeout: number;
}

/** Who needs a connection. Called once, at once where a connection is free. */
export interface Waiter {
  connected(connection: Connection): void;
  notConnected(reason: 'overloaded' | 'upstream_unreachable'): void;
}

/** A place in the pool, for one request at a time; undici opens its socket anew whenever it was closed. */
export class Connection {
  readonly client: Client;
  /** Requests that the present socket has carried before. */
  served = 0;

  constructor(client: Client) {
    this.client = client;
    client.on('connect', () => {
      this.served = 0;
    });
  }
}

/** Most requests that wait for a connection of one upstream; Envoy's default too. */
const maxWaiting = 1024;
/** Most bytes of an answer's headers. */
const maxHeaderSize = 64 * 1024;

/**
 * The connections to one upstream. Ours rather than undici's Pool because that one holds on to requests whose client
 * is gone, lets any number wait for any time, tells nobody whether a connection was used before, and never uses a
 * connection again whose request was refused before it was sent.
 */
export class ConnectionPool {
  readonly #open: () => Connection;
  readonly #limit: number;
  readonly #patience: number;
  readonly #all = new Set<Connection>();
  /** The one used last is used next, so that those not needed run into keepAliveTimeout. */
  readonly #idle: Connection[] = [];
  readonly #waiting = new Map<Waiter, NodeJS.Timeout | null>();
  readonly #onEmpty: (() => void)[] = [];
  #closing = false;
  #destroyed = false;

  constructor(origin: string, options: PoolOptions, connect: buildConnector.connector) {
    const clientOptions = {
      connect,
      maxHeaderSize,
      headersTimeout: Math.ceil(options.headersTimeout),
      bodyTimeout: Math.ceil(options.bodyTimeout),
      pipelining: options.keepAliveTimeout > 0 ? 1 : 0,
      keepAliveTimeout: Math.max(1, options.keepAliveTimeout),
      keepAliveMaxTimeout: Math.max(1, options.keepAliveTimeout),
    };
    this.#open = () => {
      const connection = new Connection(new Client(origin, clientOptions));
      this.#all.add(connection);
      return connection;
    };
    this.#limit = options.connections;
    this.#patience = options.headersTimeout;
  }

  /** Asks for a connection. Where none is free the request waits, up to headersTimeout. */
  take(waiter: Waiter): void {
    if (this.#destroyed) {
      waiter.notConnected('upstream_unreachable');
      return;
    }
    const connection = this.#idle.pop() ?? (this.#all.size < this.#limit ? this.#open() : null);
    if (connection !== null) waiter.connected(connection);
    else if (this.#waiting.size >= maxWaiting) waiter.notConnected('overloaded');
    else this.#waiting.set(waiter, this.#limitWait(waiter));
  }

  /** Forgets a request that waits no longer. */
  leave(waiter: Waiter): void {
    clearTimeout(this.#waiting.get(waiter) ?? undefined);
    this.#waiting.delete(waiter);
  }

  /** Takes back a connection whose request has ended well. */
  keep(connection: Connection): void {
    if (!this.#all.has(connection)) return;
    const next = this.#next();
    if (next !== null) next.connected(connection);
    else if (this.#closing) this.#remove(connection);
    else this.#idle.push(connection);
  }

  /** Ends a connection, and whatever is on it. */
  drop(connection: Connection): void {
    if (!this.#all.has(connection)) return;
    const next = this.#next();
    if (next === null) this.#remove(connection);
    else this.renew(connection, next);
  }

  /** A connection that nothing was sent on before, in place of one that is dropped. */
  renew(connection: Connection, waiter: Waiter): void {
    if (this.#destroyed) {
      waiter.notConnected('upstream_unreachable');
      return;
    }
    const fresh = this.#open();
    this.#remove(connection);
    waiter.connected(fresh);
  }

  /** Connections that carry a request, and requests that wait for one. */
  get usage(): { readonly inUse: number; readonly waiting: number } {
    return { inUse: this.#all.size - this.#idle.length, waiting: this.#waiting.size };
  }

  /** Keeps no idle connection any more; resolves when the last request has ended. */
  close(): Promise<void> {
    this.#closing = true;
    for (const connection of this.#idle.splice(0)) this.#remove(connection);
    if (this.#all.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Ends every connection at once, and every request on or waiting for one. */
  destroy(): void {
    this.#destroyed = true;
    this.#idle.length = 0;
    for (const waiter of [...this.#waiting.keys()]) {
      this.leave(waiter);
      waiter.notConnected('upstream_unreachable');
    }
    for (const connection of [...this.#all]) this.#remove(connection);
  }

  #next(): Waiter | null {
    for (const waiter of this.#waiting.keys()) {
      this.leave(waiter);
      return waiter;
    }
    return null;
  }

  #limitWait(waiter: Waiter): NodeJS.Timeout | null {
    if (this.#patience === 0) return null;
    return setTimeout(() => {
      this.leave(waiter);
      waiter.notConnected('overloaded');
    }, this.#patience);
  }

  #remove(connection: Connection): void {
    this.#all.delete(connection);
    connection.client.destroy(() => {});
    if (this.#all.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
