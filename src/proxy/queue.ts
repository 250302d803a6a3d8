/** A request in the queue. */
export interface Queued {
  /** The network of its client: requests of one network stand in one line. */
  readonly network: string;
}

/** The requests of one client. */
interface Line<R> {
  readonly network: string;
  /** Connections that the client's requests hold. */
  held: number;
  /** In the order in which they came; null: none has ever waited. */
  waiting: Set<R> | null;
}

/**
 * The requests that wait for a connection, and how many connections each client holds. The next one served is that of
 * the client which holds the fewest; within one client, and between two that hold equally many, the first that came.
 * A request that finds a connection free costs two look-ups in a map, and one that waits a constant time more.
 */
export class FairQueue<R extends Queued> {
  /** Most connections of one client. */
  readonly #share: number;
  /** Of every client that holds a connection or waits for one. */
  readonly #lines = new Map<string, Line<R>>();
  /** The lines in which a request waits, by the connections that their clients hold. */
  readonly #byHeld: Set<Line<R>>[] = [];
  /** No line waits that holds fewer. */
  #fewest = 0;
  #size = 0;

  constructor(share: number) {
    this.#share = share;
  }

  /** Requests that wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether a client may have one more connection, if there is one. */
  admits(network: string): boolean {
    return this.held(network) < this.#share;
  }

  /** Connections that a client holds. */
  held(network: string): number {
    return this.#lines.get(network)?.held ?? 0;
  }

  /** A client has got a connection. */
  took(network: string): void {
    this.#hold(this.#lineOf(network), 1);
  }

  /** A client has given a connection back. */
  gave(network: string): void {
    const line = this.#lines.get(network);
    if (line !== undefined) this.#hold(line, -1);
  }

  /** Lets a request wait, at the end of its client's line. */
  add(request: R): void {
    const line = this.#lineOf(request.network);
    line.waiting ??= new Set();
    if (line.waiting.size === 0) this.#enter(line);
    line.waiting.add(request);
    this.#size++;
  }

  /** Takes a request out, if it waits. */
  delete(request: R): void {
    const line = this.#lines.get(request.network);
    if (line?.waiting?.delete(request) !== true) return;
    this.#size--;
    if (line.waiting.size > 0) return;
    this.#byHeld[line.held]?.delete(line);
    this.#forget(line);
  }

  /** The request to serve next, which goes on waiting; null: none may have a connection. */
  next(): R | null {
    for (; this.#fewest < Math.min(this.#byHeld.length, this.#share); this.#fewest++) {
      for (const { waiting } of this.#byHeld[this.#fewest] ?? []) {
        for (const request of waiting ?? []) return request;
      }
    }
    return null;
  }

  /**
   * Who is to make room where no more may wait: the request that came last of the client with the most waiting. Null:
   * that is the client which asks.
   */
  crowding(network: string): R | null {
    let longest = (this.#lines.get(network)?.waiting?.size ?? 0) + 1;
    let crowd: Set<R> | null = null;
    for (const { waiting } of this.#lines.values()) {
      if (waiting === null || waiting.size <= longest) continue;
      longest = waiting.size;
      crowd = waiting;
    }
    return crowd === null ? null : ([...crowd].at(-1) ?? null);
  }

  /** Every request that waits. */
  all(): R[] {
    return [...this.#lines.values()].flatMap(({ waiting }) => [...(waiting ?? [])]);
  }

  #lineOf(network: string): Line<R> {
    const found = this.#lines.get(network);
    if (found !== undefined) return found;
    const line: Line<R> = { network, held: 0, waiting: null };
    this.#lines.set(network, line);
    return line;
  }

  #hold(line: Line<R>, change: 1 | -1): void {
    const { waiting } = line;
    const waits = waiting !== null && waiting.size > 0;
    if (waits) this.#byHeld[line.held]?.delete(line);
    line.held += change;
    if (waits) this.#enter(line);
    else this.#forget(line);
  }

  #enter(line: Line<R>): void {
    const lines = this.#byHeld[line.held];
    if (lines === undefined) this.#byHeld[line.held] = new Set([line]);
    else lines.add(line);
    this.#fewest = Math.min(this.#fewest, line.held);
  }

  #forget(line: Line<R>): void {
    if (line.held === 0 && !line.waiting?.size) this.#lines.delete(line.network);
  }
}
