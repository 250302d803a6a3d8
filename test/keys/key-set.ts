import { EventEmitter } from 'node:events';
import type { Test } from 'tap';
import type { PublishedKey } from '../../src/keys/key.ts';
import type {
  CachedEvent,
  ChangedEvent,
  FetchedEvent,
  KeySetOptions,
  KeysOptions,
  SkippedEvent,
} from '../../src/keys/options.ts';
import { createKeySet, type Found, type KeySet } from '../../src/keys/set.ts';
import { withDeadline } from '../helpers/deadline.ts';
import type { Responder } from '../helpers/issuer.ts';
import { createTestTime, type TestTime } from './time.ts';

/** Answers as a server that is out of order. */
export const down: Responder = (_request, response) => response.writeHead(503).end();

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

export interface TestKeySet {
  readonly set: KeySet;
  readonly time: TestTime;
  readonly fetched: readonly FetchedEvent[];
  readonly changed: readonly ChangedEvent[];
  readonly skipped: readonly SkippedEvent[];
  readonly cached: readonly CachedEvent[];
  readonly withdrawn: readonly PublishedKey[];
  /** Moves time and waits for the attempt that then comes due. */
  advanceToFetch(milliseconds: number): Promise<FetchedEvent>;
  /** The next attempt that ends. */
  fetchedNext(): Promise<FetchedEvent>;
  /** The next thing that is said of the cache file. */
  cachedNext(): Promise<CachedEvent>;
  /** The kids that `find` gives, or why it gives none. */
  found(algorithm: string, kid: string | undefined): Promise<string>;
}

export type TestOptions = Partial<Omit<KeySetOptions, 'keys'>> & { readonly keys?: Partial<KeysOptions> };

/** A key set with the defaults of the configuration, in a time that stands still, without jitter. */
export function testKeySet(t: Pick<Test, 'teardown'>, options: TestOptions): TestKeySet {
  const time = createTestTime();
  const arrivals = new EventEmitter();
  const seen = {
    fetched: [] as FetchedEvent[],
    changed: [] as ChangedEvent[],
    skipped: [] as SkippedEvent[],
    cached: [] as CachedEvent[],
    withdrawn: [] as PublishedKey[],
  };
  const set = createKeySet({
    issuer: 'https://idp.example.com',
    discovery: false,
    jwksUri: null,
    jwksFile: null,
    jwks: null,
    algorithms: ['ES256', 'RS256'],
    minRsaBits: 2048,
    clock: time.clock,
    schedule: time.schedule,
    random: () => 0.5,
    events: {
      fetched(event) {
        seen.fetched.push(event);
        arrivals.emit('fetched', event);
      },
      changed: (event) => seen.changed.push(event),
      skipped: (event) => seen.skipped.push(event),
      cached(event) {
        seen.cached.push(event);
        arrivals.emit('cached', event);
      },
    },
    onWithdrawn: (keys) => seen.withdrawn.push(...keys),
    ...options,
    keys: { ...defaults, ...options.keys },
  });
  t.teardown(() => set.close());
  const fetchedNext = () => {
    const next = new Promise<FetchedEvent>((resolve) => arrivals.once('fetched', resolve));
    return withDeadline(next, 'the next attempt');
  };
  return {
    set,
    time,
    ...seen,
    fetchedNext,
    advanceToFetch(milliseconds) {
      const next = fetchedNext();
      time.advance(milliseconds);
      return next;
    },
    cachedNext() {
      const next = new Promise<CachedEvent>((resolve) => arrivals.once('cached', resolve));
      return withDeadline(next, 'news of the cache file');
    },
    found: async (algorithm, kid) => describe(await set.find(algorithm, kid)),
  };
}

const defaults: KeysOptions = {
  refresh: 10 * minute,
  cooldown: 30 * second,
  timeout: 5 * second,
  maxStale: 24 * hour,
  maxSize: 256 * 1024,
  maxKeys: 100,
  cacheFile: null,
  caFile: null,
  bearerTokenFile: null,
  allowInsecureHttp: false,
};

function describe(found: Found): string {
  return 'refused' in found ? found.refused : found.map((key) => key.kid ?? '-').join(' ');
}
