import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { readSendQueues } from './send-queue.ts';

/** Bytes that a transfer must move within `patience`, while it waits for its client. */
const leastMoved = 1024;
/** Milliseconds. */
const patience = 5000;
/** Milliseconds without so many bytes, after which a connection may be needed more elsewhere. */
const grace = 250;
/** Milliseconds between two looks at the transfers: usually, and while requests wait for a connection. */
const pace = { usual: 250, pressed: 50 };
/** Milliseconds between two looks at what the kernel still holds for a client. */
const kernelPace = 1000;

/** A transfer that may have to wait for its client. */
export interface Watched {
  readonly network: string;
  /** Its client's connection. */
  readonly socket: Socket;
  /** Whether it holds a connection to the upstream. */
  readonly connected: boolean;
  /** What the client has to do next: send more of the body, read more of the answer, or nothing. */
  readonly waitsFor: 'body' | 'reader' | null;
  /** Gives the connection to the upstream up, and says nothing yet. */
  park(): void;
  /** Ends it: 408, or a cut answer. */
  giveUp(): void;
}

/** How far a transfer had come, and when. */
interface Mark {
  /** `Clock.elapsed` when it last had moved `leastMoved` bytes, or did not wait for its client. */
  since: number;
  waitedFor: Watched['waitsFor'];
  bytes: number;
  /** What the kernel held then for a reader; null: nobody has looked. */
  queued: number | null;
  /** It has moved so many bytes before. */
  proven: boolean;
  /** It has given its connection up, and only its client does not know yet. */
  parked: boolean;
  /** Milliseconds after `since` at which it ends. */
  endsAfter: number;
}

export interface SlowClientsOptions {
  /** Connections of the pool. */
  readonly limit: number;
  readonly clock: Clock;
  /** Requests that wait because every connection is in use. */
  waiting(): number;
  /** Connections that a client holds. */
  held(network: string): number;
}

/**
 * Takes connections from transfers that wait for their own client, so that no client can hold what others need:
 *
 * 1. Whatever moves less than 1 KiB in 5 s gives up.
 * 2. While requests wait for a connection, at most half of all may be held by transfers that have moved less than 1 KiB
 *    for 250 ms. Any more give theirs up at once, but end only when their clients move again or the 5 s are over:
 *    a client that would come back at once finds nothing to take before.
 *
 * Nothing is done for a transfer when bytes move. They are all looked at some times a second, as long as there are any.
 */
export class SlowClients {
  readonly #options: SlowClientsOptions;
  readonly #readQueues: typeof readSendQueues;
  readonly #marks = new Map<Watched, Mark>();
  #timer: NodeJS.Timeout | null = null;
  #delay = pace.usual;
  #relievedAt = Number.NEGATIVE_INFINITY;
  #kernelAskedAt = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(options: SlowClientsOptions, readQueues = readSendQueues) {
    this.#options = options;
    this.#readQueues = readQueues;
  }

  /** Looks after a transfer until `forget`. */
  watch(transfer: Watched): void {
    if (this.#marks.has(transfer)) return;
    const since = this.#options.clock.elapsed();
    const { waitsFor } = transfer;
    const bytes = movedBy(transfer, waitsFor);
    this.#marks.set(transfer, {
      since,
      waitedFor: waitsFor,
      bytes,
      queued: null,
      proven: false,
      parked: false,
      endsAfter: patience,
    });
    this.#schedule(pace.usual);
  }

  /** The transfer has ended. */
  forget(transfer: Watched): void {
    this.#marks.delete(transfer);
  }

  /** A request has found no connection free. */
  relieve(): void {
    if (this.#marks.size <= this.#tolerated || this.#options.waiting() === 0) return;
    const now = this.#options.clock.elapsed();
    if (now - this.#relievedAt >= pace.pressed) this.#look(now);
    this.#schedule(pace.pressed);
  }

  get #tolerated(): number {
    return Math.ceil(this.#options.limit / 2);
  }

  #schedule(delay: number): void {
    if (this.#timer !== null) {
      if (this.#delay <= delay) return;
      clearTimeout(this.#timer);
    }
    this.#delay = delay;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#look(this.#options.clock.elapsed());
      if (this.#marks.size > 0) this.#schedule(this.#options.waiting() > 0 ? pace.pressed : pace.usual);
    }, delay).unref();
  }

  #look(now: number): void {
    const slow: Watched[] = [];
    const unread: Watched[] = [];
    for (const [transfer, mark] of this.#marks) {
      if (this.#moves(transfer, mark, now)) continue;
      const age = now - mark.since;
      if (age >= mark.endsAfter) this.#end(transfer);
      else {
        if (age >= grace && transfer.connected) slow.push(transfer);
        if (age >= kernelPace && transfer.waitsFor === 'reader') unread.push(transfer);
      }
    }
    if (unread.length > 0) this.#askKernel(unread, now);
    this.#evict(slow, now);
  }

  /** Whether a transfer goes on, or waits for something else than its client. */
  #moves(transfer: Watched, mark: Mark, now: number): boolean {
    const { waitsFor } = transfer;
    const bytes = movedBy(transfer, waitsFor);
    const same = waitsFor !== null && waitsFor === mark.waitedFor;
    if (same && bytes - mark.bytes < leastMoved) return false;
    this.#advance(transfer, mark, now, same);
    return true;
  }

  #advance(transfer: Watched, mark: Mark, now: number, moved: boolean): void {
    if (mark.parked) {
      this.#end(transfer);
      return;
    }
    mark.since = now;
    mark.waitedFor = transfer.waitsFor;
    mark.bytes = movedBy(transfer, mark.waitedFor);
    mark.queued = null;
    if (moved) mark.proven = true;
  }

  #end(transfer: Watched): void {
    this.#marks.delete(transfer);
    transfer.giveUp();
  }

  /** Those first whose clients hold the most, then those that have never moved, then those that stand still longest. */
  #evict(slow: readonly Watched[], now: number): void {
    const { limit, waiting, held } = this.#options;
    const needed = waiting();
    if (needed === 0) return;
    this.#relievedAt = now;
    // Some more than are waited for: the next request must not wait for the next look.
    const most = Math.min(slow.length - this.#tolerated, needed + Math.ceil(limit / 8));
    if (most <= 0) return;
    const ranked = slow.map((transfer) => {
      const mark = this.#marks.get(transfer) as Mark;
      return { transfer, mark, holds: held(transfer.network) };
    });
    ranked.sort(
      (a, b) =>
        b.holds - a.holds || Number(a.mark.proven) - Number(b.mark.proven) || a.mark.since - b.mark.since,
    );
    ranked.slice(0, most).forEach(({ transfer, mark }, rank) => {
      // Clients that were cut off together would come back together.
      mark.endsAfter = patience * (1 + rank / most / 4);
      mark.parked = true;
      transfer.park();
    });
  }

  /** A reader moves as long as the kernel gets rid of what it holds for it. */
  async #askKernel(unread: readonly Watched[], now: number): Promise<void> {
    if (this.#asking || now - this.#kernelAskedAt < kernelPace) return;
    this.#asking = true;
    this.#kernelAskedAt = now;
    const queues = await this.#readQueues(unread.map(({ socket }) => socket));
    this.#asking = false;
    for (const transfer of unread) {
      const mark = this.#marks.get(transfer);
      const queued = queues.get(transfer.socket);
      if (mark === undefined || queued === undefined) continue;
      // It grows as well where the kernel has taken more from us.
      if (mark.queued === null) mark.queued = queued;
      else if (Math.abs(mark.queued - queued) >= leastMoved) {
        this.#advance(transfer, mark, this.#options.clock.elapsed(), true);
        mark.queued = queued;
      }
    }
  }
}

/** While the body is awaited an answer that the client reads counts as well; what it sends says nothing of what it reads. */
function movedBy({ socket }: Watched, waitsFor: Watched['waitsFor']): number {
  return waitsFor === 'body' ? socket.bytesRead + socket.bytesWritten : socket.bytesWritten;
}
