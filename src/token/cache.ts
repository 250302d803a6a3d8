import { ageOf, type Clock, type Moment, readMoment } from '../clock.ts';
import { createFifo } from '../fifo.ts';
import type { Validity } from './check.ts';
import type { KeyFinder, VerificationKey } from './key.ts';

/** How much the cache may hold and for how long. */
export interface CacheOptions {
  /** 0 switches the cache off. */
  readonly maxEntries: number;
  /** Bytes of memory, as `CachedVerdict.bytes` estimates them. */
  readonly maxBytes: number;
  /** Milliseconds, however long the token itself is valid. */
  readonly maxAge: number;
}

/** A verdict and what it rests on. */
export interface CachedVerdict<T extends Validity> {
  readonly token: T;
  readonly key: Pick<VerificationKey, 'withdrawn'>;
  readonly keys: Pick<KeyFinder, 'usable'>;
  /** What it is taken to weigh in memory. */
  readonly bytes: number;
}

export interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Verdicts that were dropped: for room, for age or because their key was withdrawn. */
  readonly evictions: number;
}

interface Entry<T extends Validity> extends CachedVerdict<T> {
  readonly storedAt: Moment;
  used: boolean;
}

/** More of them, and one new token could make all that are cached pass by. */
const maxSecondChances = 32;

/**
 * Verdicts by token, oldest first. A hit sets a mark and moves nothing; the marked are spared once when room is
 * needed (second chance), so that a flood of tokens seen once does not push out those in use.
 */
export class VerdictCache<T extends Validity> {
  readonly #options: CacheOptions;
  readonly #clock: Clock;
  readonly #entries = createFifo<Entry<T>>();
  #bytes = 0;
  #hits: number;
  #misses: number;
  #evictions: number;

  /** @param counted - counts to go on from */
  constructor(options: CacheOptions, clock: Clock, counted?: CacheStats) {
    this.#options = options;
    this.#clock = clock;
    this.#hits = counted?.hits ?? 0;
    this.#misses = counted?.misses ?? 0;
    this.#evictions = counted?.evictions ?? 0;
  }

  /** Undefined unless the verdict still holds at this moment. */
  get(token: string): T | undefined {
    const entry = this.#entries.get(token);
    if (entry !== undefined) {
      const now = this.#clock.now();
      if (this.#isOver(entry, now)) this.#evict(token, entry);
      else if (now >= entry.token.notBefore && entry.keys.usable()) {
        entry.used = true;
        this.#hits++;
        return entry.token;
      }
    }
    this.#misses++;
    return undefined;
  }

  /** Stores nothing that rests on a withdrawn key: the verification may have begun before the withdrawal. */
  set(token: string, verdict: CachedVerdict<T>): void {
    const { maxEntries, maxBytes } = this.#options;
    const { token: verified, key, keys, bytes } = verdict;
    if (maxEntries === 0 || bytes > maxBytes || key.withdrawn) return;
    const previous = this.#entries.get(token);
    if (previous !== undefined) this.#remove(token, previous);
    this.#makeRoom(bytes);
    const storedAt = readMoment(this.#clock);
    this.#entries.add(token, { token: verified, key, keys, bytes, storedAt, used: false });
    this.#bytes += bytes;
  }

  /** Drops what rests on a withdrawn key. */
  dropWithdrawn(): void {
    for (const { key, value } of this.#entries.youngest(this.#entries.size)) {
      if (value.key.withdrawn) this.#evict(key, value);
    }
  }

  stats(): CacheStats {
    return {
      entries: this.#entries.size,
      bytes: this.#bytes,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  /** What is over stays over, whatever the wall clock does next. */
  #isOver(entry: Entry<T>, now: number): boolean {
    return (
      entry.key.withdrawn ||
      now >= entry.token.expiresAt ||
      ageOf(entry.storedAt, this.#clock) >= this.#options.maxAge
    );
  }

  #makeRoom(bytes: number): void {
    const { maxEntries, maxBytes } = this.#options;
    let chances = maxSecondChances;
    for (;;) {
      const oldest = this.#entries.oldest();
      if (oldest === undefined) return;
      if (this.#entries.size < maxEntries && this.#bytes + bytes <= maxBytes) return;
      const { key: token, value: entry } = oldest;
      if (entry.used && chances > 0 && !this.#isOver(entry, this.#clock.now())) {
        chances--;
        entry.used = false;
        this.#entries.add(token, entry);
      } else this.#evict(token, entry);
    }
  }

  #evict(token: string, entry: Entry<T>): void {
    this.#remove(token, entry);
    this.#evictions++;
  }

  #remove(token: string, entry: Entry<T>): void {
    this.#entries.delete(token);
    this.#bytes -= entry.bytes;
  }
}
