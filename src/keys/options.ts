import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.ts';
import type { DispatcherFactory, FetchJson, FetchOptions } from './fetch.ts';
import type { PublishedKey } from './key.ts';
import type { Schedule } from './schedule.ts';
import type { KeyStatus, Reported, SkippedKey, Trigger } from './status.ts';

/** Where an issuer's keys come from and how long they serve. Durations in milliseconds, sizes in bytes. */
export interface KeysOptions extends Omit<FetchOptions, 'dispatcher' | 'lookup' | 'schedule'> {
  /** Between two fetches in the background. */
  readonly refresh: number;
  /** Unknown key ids may ask for five fetches at once, then for one in this time. */
  readonly cooldown: number;
  /** How long the last good keys serve while none can be fetched. */
  readonly maxStale: number;
  /** A set with more keys is a failed fetch. */
  readonly maxKeys: number;
  /** Where the last good keys outlive the process; null: nowhere. Only for keys that are fetched. */
  readonly cacheFile: string | null;
}

/** The part of an issuer's configuration that its keys need. One of the four sources is set. */
export interface KeySetConfig {
  readonly issuer: string;
  /** OpenID Connect Discovery 1.0, then RFC 8414. */
  readonly discovery: boolean;
  readonly jwksUri: string | null;
  readonly jwksFile: string | null;
  readonly jwks: object | null;
  /** Key types that serve none of these are skipped. */
  readonly algorithms: readonly string[];
  readonly minRsaBits: number;
  readonly keys: KeysOptions;
}

/** What a key set tells those who log and count. A callback must not throw. */
export interface KeyEvents {
  /** After every attempt, successful or failed. */
  fetched(event: FetchedEvent): void;
  /** The usable keys are others than before; a withdrawn key has stopped serving. */
  changed(event: ChangedEvent): void;
  /** The keys that cannot be used are others than before. */
  skipped(event: SkippedEvent): void;
  /** The cache file was read or written, or could not be. */
  cached(event: CachedEvent): void;
}

export interface FetchedEvent {
  readonly issuer: string;
  readonly trigger: Trigger;
  readonly result: 'success' | 'failure';
  readonly durationMs: number;
  /** Only of a failure. */
  readonly error?: Reported;
}

export interface ChangedEvent {
  readonly issuer: string;
  readonly added: readonly KeyStatus[];
  readonly withdrawn: readonly KeyStatus[];
}

export interface CachedEvent {
  readonly issuer: string;
  readonly action: 'read' | 'write';
  /** How old the keys in it are; only of a read. */
  readonly ageMs?: number;
  /** Only of a failure. */
  readonly error?: Reported;
}

export interface SkippedEvent {
  readonly issuer: string;
  readonly keys: readonly SkippedKey[];
}

export interface KeySetOptions extends KeySetConfig {
  readonly clock: Clock;
  readonly events: KeyEvents;
  /** Called with the keys that have just stopped serving, so that what was verified with them can be dropped. */
  readonly onWithdrawn?: (keys: readonly PublishedKey[]) => void;
  /** Default: {@link createFetchJson} with this issuer's limits. */
  readonly fetchJson?: FetchJson;
  /** How the default `fetchJson` connects, for instance through a proxy. Default: directly. */
  readonly dispatcher?: DispatcherFactory;
  /** Default: the system's. */
  readonly lookup?: LookupFunction;
  /** Default: an unref'ed timer. */
  readonly schedule?: Schedule;
  /** In [0, 1), for jitter. Default: `Math.random`. */
  readonly random?: () => number;
}
