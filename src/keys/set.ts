import { lookup as systemLookup } from 'node:dns';
import type { Refusal } from '../errors.ts';
import { type Budget, createBudget } from './budget.ts';
import { createCacheFile } from './cache-file.ts';
import { createFetchJson } from './fetch.ts';
import type { PublishedKey } from './key.ts';
import type { KeySetOptions } from './options.ts';
import { type FirstTrigger, Refresher } from './refresher.ts';
import { scheduleTimer } from './schedule.ts';
import { mostKeysTried, selectKeys, selectNameless } from './select.ts';
import { createSource, type Source } from './source.ts';
import type { KeySetStatus, Trigger } from './status.ts';

/** The keys to try for a token, at least one, or why there are none. */
export type Found = readonly PublishedKey[] | Refusal;

/** One issuer's keys: fetched at the start, refreshed in the background, served until they are too old. */
export interface KeySet {
  /**
   * Begins the first fetch and all that follow. Resolves after the first attempt, successful or not; never rejects.
   *
   * @param trigger - what the fetches count as until one succeeds. Default: `startup`
   */
  start(trigger?: FirstTrigger): Promise<void>;
  /**
   * Before `start`: takes over the keys that another set has from the same source, as the options of this one read
   * them, with their age. Resolves to whether there is a key that serves; if not, nothing was taken over.
   */
  adopt(previous: KeySet): Promise<boolean>;
  /**
   * Finds keys for a token's `alg` and `kid`, at once where the keys at hand can answer; a promise where an unknown
   * `kid` is worth a fetch. Refusals: `key_unknown`, `uncounted` and with `retryAfter` where the cooldown forbids that
   * fetch; `keys_unavailable` with `retryAfter`.
   */
  find(algorithm: string, kid: string | undefined): Found | Promise<Found>;
  /** The same of the keys at hand alone: nothing is fetched. */
  peek(algorithm: string, kid: string | undefined): Found;
  /** False while no fetch has succeeded, and when the last success is longer ago than maxStale. */
  usable(): boolean;
  /** Whether the first attempt has ended, successful or not. */
  tried(): boolean;
  status(): KeySetStatus;
  /** Fetches now, whatever the budget; sees what was published before the call. Resolves to whether it succeeded. */
  refresh(trigger: Trigger): Promise<boolean>;
  /** Ends the work in the background. The keys at hand serve on as long as they may. */
  close(): void;
}

/** How many fetches unknown key ids may ask for at once. */
const burst = 5;

/** Makes a key set that has fetched nothing yet. */
export function createKeySet(options: KeySetOptions): KeySet {
  return new IssuerKeys(options);
}

class IssuerKeys implements KeySet {
  readonly #issuer: string;
  readonly #maxStale: number;
  readonly #source: Source;
  readonly #budget: Budget;
  readonly #refresher: Refresher;
  /** The fetch under way that unknown key ids asked for; all of them share it. */
  #shared: Promise<boolean> | undefined;

  constructor(options: KeySetOptions) {
    const { issuer, keys, clock, dispatcher } = options;
    const { lookup = systemLookup, schedule = scheduleTimer, random = Math.random } = options;
    const fetchJson =
      options.fetchJson ?? createFetchJson({ ...keys, lookup, schedule, ...(dispatcher && { dispatcher }) });
    this.#issuer = issuer;
    this.#maxStale = keys.maxStale;
    this.#source = createSource(options, { fetchJson, clock, lookup });
    this.#budget = createBudget({ burst, interval: keys.cooldown, clock });
    const path = this.#source.remote ? keys.cacheFile : null;
    const source = options.jwksUri ?? 'discovery';
    const cache = path === null ? null : createCacheFile({ path, issuer, source, maxSize: keys.maxSize });
    this.#refresher = new Refresher({ ...options, source: this.#source, cache, schedule, random });
  }

  async start(trigger: FirstTrigger = 'startup'): Promise<void> {
    await this.#refresher.begin(trigger);
  }

  async adopt(previous: KeySet): Promise<boolean> {
    return previous instanceof IssuerKeys && this.#refresher.adopt(previous.#refresher);
  }

  usable(): boolean {
    const { age } = this.#refresher;
    return age !== undefined && age <= this.#maxStale;
  }

  tried(): boolean {
    return this.#refresher.tried;
  }

  find(algorithm: string, kid: string | undefined): Found | Promise<Found> {
    this.#refresher.wake();
    return this.#atHand(algorithm, kid) ?? this.#search(algorithm, kid);
  }

  peek(algorithm: string, kid: string | undefined): Found {
    return this.#atHand(algorithm, kid) ?? (this.#budget.wait() > 0 ? this.#notNow(kid) : this.#unknown(kid));
  }

  async refresh(trigger: Trigger): Promise<boolean> {
    await this.#refresher.underway;
    return this.#refresher.attempt(trigger);
  }

  status(): KeySetStatus {
    const { loaded, state, age = null, untilNext = null, error = null } = this.#refresher;
    return {
      issuer: this.#issuer,
      state,
      keys: loaded?.keys.map((key) => key.status) ?? [],
      skipped: loaded?.skipped ?? [],
      fromCacheFile: loaded?.fromCacheFile ?? false,
      lastSuccess: loaded?.at.now ?? null,
      ageMs: age,
      nextRefreshMs: untilNext,
      lastError: error,
    };
  }

  close(): void {
    this.#refresher.close();
  }

  /** Undefined: a key id that the set at hand does not know. */
  #atHand(algorithm: string, kid: string | undefined): Found | undefined {
    const { loaded, untilNext = 0 } = this.#refresher;
    if (loaded === undefined || !this.usable()) return this.#unavailable(kid, untilNext);
    const named = selectKeys(loaded, algorithm, kid);
    // A PEM file cannot give its keys ids, so a token that names one is tried under them.
    const keys = named ?? (this.#source.remote ? undefined : selectNameless(loaded, algorithm));
    if (keys === undefined) return undefined;
    if (keys.length > mostKeysTried) return { ...this.#unknown(kid), uncounted: true };
    return keys.length === 0 ? this.#unknown(kid) : keys;
  }

  #search(algorithm: string, kid: string | undefined): Found | Promise<Found> {
    if (!this.#source.remote) return this.#unknown(kid);
    if (this.#shared === undefined) {
      const { underway } = this.#refresher;
      // It may have been answered before the key was published: should it lack the key, the search goes on.
      if (underway) return this.#settle(underway, algorithm, kid, () => this.#search(algorithm, kid));
      if (!this.#budget.take()) return this.#notNow(kid);
      this.#shared = this.#refresher.attempt('unknown_key').finally(() => {
        this.#shared = undefined;
      });
    }
    return this.#settle(this.#shared, algorithm, kid, () => this.#unknown(kid));
  }

  async #settle(
    fetch: Promise<boolean>,
    algorithm: string,
    kid: string | undefined,
    otherwise: () => Found | Promise<Found>,
  ): Promise<Found> {
    if (!(await fetch)) return this.#unavailable(kid, this.#budget.wait());
    return this.#atHand(algorithm, kid) ?? otherwise();
  }

  #unknown(kid: string | undefined): Refusal {
    return { refused: 'key_unknown', issuer: this.#issuer, ...(kid !== undefined && { kid }) };
  }

  /** The key may well be published by now: a token that nobody could check is not a forged one. */
  #notNow(kid: string | undefined): Refusal {
    const retryAfter = Math.max(1, Math.ceil(this.#budget.wait() / 1000));
    return { ...this.#unknown(kid), uncounted: true, retryAfter };
  }

  #unavailable(kid: string | undefined, wait: number): Refusal {
    const retryAfter = Math.max(1, Math.ceil(wait / 1000));
    return {
      refused: 'keys_unavailable',
      issuer: this.#issuer,
      retryAfter,
      ...(kid !== undefined && { kid }),
    };
  }
}
