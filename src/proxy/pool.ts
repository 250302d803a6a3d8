import { type buildConnector, Client } from 'undici';
import { type Clock, systemClock } from '../clock.ts';
import { type AnswerStart, watchAnswerStart } from './answer-start.ts';
import { FairQueue, type Queued } from './queue.ts';
import { SlowClients } from './slow-clients.ts';

/** Durations in milliseconds. */
export interface PoolOptions {
  readonly connections: number;
  /** Most connections of one client; null: as many as there are. */
  readonly connectionsPerClient: number | null;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly keepAliveTimeout: number;
}

/** Who needs a connection. Called once, at once where a connection is free. */
export interface Waiter extends Queued {
  onConnected(connection: Connection): void;
  onNotConnected(reason: 'overloaded' | 'upstream_unreachable'): void;
}

/** A place in the pool, for one request at a time; undici opens its socket anew whenever it was closed. */
export class Connection {
  readonly client: Client;
  /** Requests that the present socket has carried before. */
  served = 0;
  /** The network of the client whose request holds it, or held it last. */
  network = '';

  #answerStart: AnswerStart | null = null;

  constructor(open: (connect: buildConnector.connector) => Client, connect: buildConnector.connector) {
    this.client = open((options, callback) =>
      connect(options, (...result) => {
        const [, socket] = result;
        this.#answerStart = socket && watchAnswerStart(socket);
        callback(...result);
      }),
    );
    this.client.on('connect', () => {
      this.served = 0;
    });
  }

  /** A request is sent on it. */
  begin(): void {
    this.served++;
    this.#answerStart?.expect();
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
  readonly #queue: FairQueue<Waiter>;
  /** What ends the wait of those in the queue; null: nothing does. */
  readonly #patienceOf = new Map<Waiter, NodeJS.Timeout | null>();
  /** The transfers that may have to wait for their own clients. */
  readonly slowClients: SlowClients;
  readonly #onEmpty: (() => void)[] = [];
  #closing = false;
  #destroyed = false;

  constructor(
    origin: string,
    options: PoolOptions,
    connect: buildConnector.connector,
    clock: Clock = systemClock,
  ) {
    const clientOptions = {
      maxHeaderSize,
      headersTimeout: Math.ceil(options.headersTimeout),
      bodyTimeout: Math.ceil(options.bodyTimeout),
      pipelining: options.keepAliveTimeout > 0 ? 1 : 0,
      keepAliveTimeout: Math.max(1, options.keepAliveTimeout),
      keepAliveMaxTimeout: Math.max(1, options.keepAliveTimeout),
    };
    this.#open = () => {
      const connection = new Connection(
        (connector) => new Client(origin, { ...clientOptions, connect: connector }),
        connect,
      );
      this.#all.add(connection);
      return connection;
    };
    this.#limit = options.connections;
    this.#patience = options.headersTimeout;
    this.#queue = new FairQueue(options.connectionsPerClient ?? Number.POSITIVE_INFINITY);
    this.slowClients = new SlowClients({
      limit: options.connections,
      clock,
      waiting: () => (this.#queue.next() === null ? 0 : this.#queue.size),
      held: (network) => this.#queue.held(network),
    });
  }

  /**
   * Asks for a connection. Where none is free, or the client has its share already, the request waits up to
   * headersTimeout: the client that has the fewest connections is served first, and its own requests in their order.
   */
  take(waiter: Waiter): void {
    if (this.#destroyed) {
      waiter.onNotConnected('upstream_unreachable');
      return;
    }
    const connection = this.#queue.admits(waiter.network) ? this.#free() : null;
    if (connection === null) this.#wait(waiter);
    else this.#hand(connection, waiter);
  }

  /** Forgets a request that waits no longer. */
  leave(waiter: Waiter): void {
    const timer = this.#patienceOf.get(waiter);
    if (timer === undefined) return;
    if (timer !== null) clearTimeout(timer);
    this.#patienceOf.delete(waiter);
    this.#queue.delete(waiter);
  }

  /** Takes back a connection whose request has ended well. */
  keep(connection: Connection): void {
    if (!this.#all.has(connection)) return;
    const next = this.#release(connection);
    if (next !== null) this.#hand(connection, next);
    else if (this.#closing) this.#remove(connection);
    else this.#idle.push(connection);
  }

  /** Ends a connection, and whatever is on it. */
  drop(connection: Connection): void {
    if (!this.#all.has(connection)) return;
    const next = this.#release(connection);
    if (next === null) this.#remove(connection);
    else this.#replace(connection, next);
  }

  /** A connection that nothing was sent on before, in place of one that is dropped. */
  renew(connection: Connection, waiter: Waiter): void {
    if (this.#destroyed) {
      waiter.onNotConnected('upstream_unreachable');
      return;
    }
    this.#queue.gave(connection.network);
    this.#replace(connection, waiter);
  }

  /** Connections that carry a request, and requests that wait for one. */
  get usage(): { readonly inUse: number; readonly waiting: number } {
    return { inUse: this.#all.size - this.#idle.length, waiting: this.#queue.size };
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
    for (const waiter of this.#queue.all()) {
      this.leave(waiter);
      waiter.onNotConnected('upstream_unreachable');
    }
    for (const connection of [...this.#all]) this.#remove(connection);
  }

  #free(): Connection | null {
    return this.#idle.pop() ?? (this.#all.size < this.#limit ? this.#open() : null);
  }

  #hand(connection: Connection, waiter: Waiter): void {
    connection.network = waiter.network;
    this.#queue.took(waiter.network);
    waiter.onConnected(connection);
  }

  #replace(connection: Connection, waiter: Waiter): void {
    const fresh = this.#open();
    this.#remove(connection);
    this.#hand(fresh, waiter);
  }

  /** Whose turn it is, now that a request has given its connection back. */
  #release(connection: Connection): Waiter | null {
    this.#queue.gave(connection.network);
    const next = this.#queue.next();
    if (next !== null) this.leave(next);
    return next;
  }

  #wait(waiter: Waiter): void {
    if (this.#queue.size >= maxWaiting) {
      const crowding = this.#queue.crowding(waiter.network);
      if (crowding === null) {
        waiter.onNotConnected('overloaded');
        return;
      }
      this.leave(crowding);
      crowding.onNotConnected('overloaded');
    }
    this.#queue.add(waiter);
    this.#patienceOf.set(waiter, this.#limitWait(waiter));
    this.slowClients.relieve();
  }

  #limitWait(waiter: Waiter): NodeJS.Timeout | null {
    if (this.#patience === 0) return null;
    return setTimeout(() => {
      this.leave(waiter);
      waiter.onNotConnected('overloaded');
    }, this.#patience);
  }

  #remove(connection: Connection): void {
    this.#all.delete(connection);
    connection.client.destroy(() => {});
    if (this.#all.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
