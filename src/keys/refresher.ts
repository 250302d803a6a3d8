import { ageOf, type Clock, type Moment, readMoment, shift } from '../clock.ts';
import type { CacheFile, Kept } from './cache-file.ts';
import { FetchError, report } from './error.ts';
import { readKeySet } from './jwk.ts';
import type { PublishedKey } from './key.ts';
import type { KeySetOptions } from './options.ts';
import { jitter, refreshInterval, retryDelay } from './pace.ts';
import type { Schedule } from './schedule.ts';
import { indexKeys, type KeyIndex } from './select.ts';
import type { Source } from './source.ts';
import type { KeySetState, Reported, Trigger } from './status.ts';

/** What the last successful fetch brought. */
export interface Loaded extends KeyIndex {
  /** As it came. Another config reads the same document in its own way. */
  readonly document: unknown;
  readonly at: Moment;
  /** Milliseconds until it is due to be fetched again, before jitter. */
  readonly interval: number;
  readonly fromCacheFile: boolean;
}

export interface RefresherOptions extends KeySetOptions {
  readonly source: Source;
  readonly cache: CacheFile | null;
  readonly schedule: Schedule;
  readonly random: () => number;
}

/** A document and what is known about it before its keys are read. */
type Reading = Pick<Loaded, 'document' | 'at' | 'interval' | 'fromCacheFile'>;

/** What may ask for a first fetch. */
export type FirstTrigger = Extract<Trigger, 'startup' | 'reload'>;

/** How far the wall clock may have been set back since the cache file was written, in milliseconds. */
const clockSlack = 60_000;

/**
 * Keeps one key set loaded. Each attempt, whatever asked for it, plans the next: after a success in the set's interval,
 * after a failure sooner. There is one attempt at a time. A failure changes nothing about the keys at hand.
 */
export class Refresher {
  readonly #options: RefresherOptions;
  readonly #clock: Clock;
  #loaded: Loaded | undefined;
  #error: Reported | undefined;
  #failures = 0;
  #tried = false;
  /** What asked for the first fetch, and asks again until one succeeds. */
  #first: FirstTrigger = 'startup';
  /** The last write of the cache file; the next one waits for it. */
  #kept: Promise<void> = Promise.resolve();
  #closed = false;
  #underway: Promise<boolean> | undefined;
  #next: { readonly at: Moment; readonly cancel: () => void } | undefined;

  constructor(options: RefresherOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  get loaded(): Loaded | undefined {
    return this.#loaded;
  }

  /** Of the last attempt. */
  get error(): Reported | undefined {
    return this.#error;
  }

  get tried(): boolean {
    return this.#tried;
  }

  /** The attempt under way; it resolves to whether it succeeded and never rejects. */
  get underway(): Promise<boolean> | undefined {
    return this.#underway;
  }

  /** Milliseconds since the last success. What is not fetched does not get old while the machine sleeps. */
  get age(): number | undefined {
    if (this.#loaded === undefined) return undefined;
    const { at } = this.#loaded;
    return this.#options.source.remote ? ageOf(at, this.#clock) : this.#clock.elapsed() - at.elapsed;
  }

  /** Milliseconds until the next attempt, if one is planned. */
  get untilNext(): number | undefined {
    return this.#next && Math.max(0, -ageOf(this.#next.at, this.#clock));
  }

  get state(): KeySetState {
    const { age, loaded } = this;
    if (age === undefined || loaded === undefined) return 'never';
    if (age > this.#options.keys.maxStale) return 'expired';
    return this.#error !== undefined || age > 2 * loaded.interval ? 'stale' : 'fresh';
  }

  /** Begins an attempt, or joins the one under way. */
  attempt(trigger: Trigger): Promise<boolean> {
    this.#underway ??= this.#attempt(trigger);
    return this.#underway;
  }

  /** Makes the first attempt. */
  begin(trigger: FirstTrigger): Promise<boolean> {
    this.#first = trigger;
    return this.attempt(trigger);
  }

  /** Begins the next attempt if it is overdue: timers stand still while the machine sleeps. */
  wake(): void {
    if (this.untilNext === 0) void this.attempt(this.#trigger());
  }

  /**
   * Takes over what another one has loaded from the same source, as this one's options read it. Resolves to whether
   * there is a key that serves; if not, nothing was taken over.
   */
  async adopt({ loaded, error, tried }: Refresher): Promise<boolean> {
    if (loaded === undefined) return false;
    const { document, at, fromCacheFile } = loaded;
    const interval = Math.min(loaded.interval, this.#options.keys.refresh);
    const own = await this.#read({ document, at, interval, fromCacheFile }).catch(() => undefined);
    if (own === undefined) return false;
    this.#loaded = own;
    this.#error = error;
    this.#tried = tried;
    return true;
  }

  /** Plans no further attempt. */
  close(): void {
    this.#closed = true;
    this.#cancelNext();
  }

  async #attempt(trigger: Trigger): Promise<boolean> {
    const { issuer, events, random, keys } = this.#options;
    const begun = this.#clock.elapsed();
    this.#cancelNext();
    const result = await this.#load(trigger).catch(report);
    // Before anybody learns that the attempt has ended: whoever waits for it finds what there is.
    if (!('keys' in result) && !this.#tried) await this.#recall();
    const durationMs = this.#clock.elapsed() - begun;
    this.#underway = undefined;
    this.#tried = true;
    if ('keys' in result) {
      this.#error = undefined;
      this.#failures = 0;
      this.#plan(jitter(result.interval, random));
      events.fetched({ issuer, trigger, result: 'success', durationMs });
      this.#replace(result);
      return true;
    }
    this.#error = result;
    this.#failures += 1;
    this.#plan(retryDelay(this.#failures, keys.refresh, random));
    events.fetched({ issuer, trigger, result: 'failure', durationMs, error: result });
    return false;
  }

  async #load(trigger: Trigger): Promise<Loaded> {
    const { document, maxAge } = await this.#options.source.read(trigger);
    const interval = refreshInterval(this.#options.keys.refresh, maxAge);
    const at = readMoment(this.#clock);
    const loaded = await this.#read({ document, at, interval, fromCacheFile: false });
    this.#keep({ document, date: at.now });
    return loaded;
  }

  async #read(reading: Reading): Promise<Loaded> {
    const { issuer, algorithms, minRsaBits, keys } = this.#options;
    const options = {
      issuer,
      algorithms,
      minRsaBits,
      maxKeys: keys.maxKeys,
      known: this.#loaded?.keys ?? [],
    };
    const read = await readKeySet(reading.document, options);
    return { ...indexKeys(read), ...reading };
  }

  /** Serves the keys of the cache file while none can be fetched; what is wrong with it is said, and no more. */
  async #recall(): Promise<void> {
    const { issuer, cache, events, keys } = this.#options;
    try {
      const kept = await cache?.read();
      if (kept === undefined) return;
      const age = this.#clock.now() - kept.date;
      // What claims to come from the future could be any age.
      if (age < -clockSlack) throw new FetchError('cache_invalid', 'cacheFile is of a later time than now');
      if (age > keys.maxStale) throw new FetchError('cache_invalid', 'cacheFile is older than maxStale');
      const ageMs = Math.max(0, age);
      const at = shift(readMoment(this.#clock), -ageMs);
      const { document } = kept;
      this.#replace(await this.#read({ document, at, interval: keys.refresh, fromCacheFile: true }));
      events.cached({ issuer, action: 'read', ageMs });
    } catch (error) {
      events.cached({ issuer, action: 'read', error: report(error) });
    }
  }

  #keep(kept: Kept): void {
    const { issuer, cache, events } = this.#options;
    // After close another set may write the same file.
    if (cache === null || this.#closed) return;
    this.#kept = this.#kept
      .then(() => cache.write(kept))
      .then(() => events.cached({ issuer, action: 'write' }))
      .catch((error: unknown) => events.cached({ issuer, action: 'write', error: report(error) }));
  }

  #replace(loaded: Loaded): void {
    const { issuer, events, onWithdrawn } = this.#options;
    const before = this.#loaded;
    this.#loaded = loaded;
    const withdrawn = without(before?.keys ?? [], loaded.keys);
    const added = without(loaded.keys, before?.keys ?? []);
    for (const key of withdrawn) key.withdraw();
    if (withdrawn.length > 0) onWithdrawn?.(withdrawn);
    if (added.length + withdrawn.length > 0) {
      events.changed({
        issuer,
        added: added.map(({ status }) => status),
        withdrawn: withdrawn.map(({ status }) => status),
      });
    }
    if (JSON.stringify(loaded.skipped) !== JSON.stringify(before?.skipped ?? [])) {
      events.skipped({ issuer, keys: loaded.skipped });
    }
  }

  #plan(delay: number): void {
    if (this.#closed) return;
    const run = () => void this.attempt(this.#trigger());
    this.#next = { at: shift(readMoment(this.#clock), delay), cancel: this.#options.schedule(run, delay) };
  }

  /** What asks for an attempt that is due. */
  #trigger(): Trigger {
    return this.#loaded?.fromCacheFile === false ? 'refresh' : this.#first;
  }

  #cancelNext(): void {
    this.#next?.cancel();
    this.#next = undefined;
  }
}

function without(keys: readonly PublishedKey[], others: readonly PublishedKey[]): readonly PublishedKey[] {
  const excluded = new Set(others);
  return keys.filter((key) => !excluded.has(key));
}
