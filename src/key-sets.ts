import { isDeepStrictEqual } from 'node:util';
import type { Clock } from './clock.ts';
import type { Config, IssuerConfig } from './config/schema.ts';
import { GatewayError } from './gateway-error.ts';
import { connectThrough, type ForwardProxy } from './keys/proxy.ts';
import { createKeySet, type KeySet } from './keys/set.ts';
import type { Logger } from './observe/logger.ts';
import { showKid } from './observe/mask.ts';
import type { Metrics } from './observe/metrics.ts';

export interface KeySetsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  onWithdrawn(): void;
  /** Null: keys are fetched directly. */
  readonly proxy: ForwardProxy | null;
}

/** The key sets of some issuers, and how to go on to those of another config. */
export interface KeySets {
  /** One for each issuer, in the order of the config. */
  readonly all: readonly KeySet[];
  /** Settles once every issuer has been tried; an issuer that is down does not reject. */
  start(): Promise<void>;
  /**
   * Those of another config: what stays the same goes on, what is new has been tried once, files have been read again.
   *
   * @throws GatewayError where an issuer would lose the keys that it has now; then nothing has changed
   */
  change(issuers: Config['issuers']): Promise<KeySets>;
  /** Ends the work of those that `others` do not go on with. */
  close(others?: KeySets): void;
}

/** Makes the key sets of a config's issuers, whose life shows in log and metrics. Nothing is fetched before `start`. */
export function createKeySets(issuers: Config['issuers'], options: KeySetsOptions): KeySets {
  return compose(
    issuers.map((issuer) => observe(issuer, options)),
    issuers,
    options,
  );
}

function compose(all: readonly KeySet[], issuers: Config['issuers'], options: KeySetsOptions): KeySets {
  const sets: KeySets = {
    all,
    async start() {
      await Promise.all(all.map((set) => set.start()));
    },
    async change(next) {
      const kept = next.map((issuer) => {
        const index = issuers.findIndex((each) => isDeepStrictEqual(settings(each), settings(issuer)));
        return all[index] ?? null;
      });
      const changed = compose(
        kept.map((set, index) => set ?? observe(next[index] as IssuerConfig, options)),
        next,
        options,
      );
      try {
        await Promise.all(
          changed.all.map((set, index) => renew(set, next[index] as IssuerConfig, kept[index] !== null)),
        );
        for (const set of changed.all) assertNoLoss(set, sets);
      } catch (error) {
        changed.close(sets);
        throw error;
      }
      return changed;
    },
    close(others) {
      for (const set of all) if (others?.all.includes(set) !== true) set.close();
    },
  };
  return sets;
}

/** What of an issuer its keys depend on. */
function settings({
  issuer,
  discovery,
  jwksUri,
  jwksFile,
  jwks,
  algorithms,
  minRsaBits,
  keys,
}: IssuerConfig) {
  return { issuer, discovery, jwksUri, jwksFile, jwks, algorithms, minRsaBits, keys };
}

async function renew(set: KeySet, { issuer, jwksFile }: IssuerConfig, kept: boolean): Promise<void> {
  if (!kept) await set.start();
  else if (jwksFile !== null) await set.refresh('reload');
  if (jwksFile === null || set.status().lastError === null) return;
  const why = set.status().lastError?.message;
  throw new GatewayError('keys_unavailable', `the keys of ${issuer} cannot be read: ${why}`);
}

/** A source that does not answer must not take away the keys that another still has. */
function assertNoLoss(set: KeySet, before: KeySets): void {
  const { issuer, lastError } = set.status();
  const had = before.all.some((each) => each.status().issuer === issuer && each.usable());
  if (had && !set.usable())
    throw new GatewayError('keys_unavailable', `${issuer} would lose its keys: ${lastError?.message}`);
}

const triggers = ['startup', 'refresh', 'unknown_key', 'reload'] as const;
const results = ['success', 'failure'] as const;

/** One issuer's key set whose life shows in log and metrics. */
function observe(config: IssuerConfig, options: KeySetsOptions): KeySet {
  const { clock, logger, metrics, onWithdrawn, proxy } = options;
  const { issuer } = config;
  // A line that is absent until its first event hides that event from every rate.
  for (const trigger of triggers)
    for (const result of results) metrics.fetches.inc({ issuer, result, trigger }, 0);
  metrics.decisions.of('deny', 'keys_unavailable', issuer);
  return createKeySet({
    ...config,
    clock,
    onWithdrawn,
    ...(proxy && { dispatcher: connectThrough(proxy) }),
    events: {
      fetched({ trigger, result, durationMs, error }) {
        metrics.fetches.inc({ issuer, result, trigger });
        metrics.fetchDuration.observe({ issuer }, durationMs / 1000);
        const line = { issuer, trigger, durationMs: Math.round(durationMs), error };
        if (result === 'success') logger.debug({ msg: 'keys fetched', ...line });
        else logger.warn({ msg: 'keys not fetched', ...line });
      },
      changed({ added, withdrawn }) {
        logger.info({
          msg: 'keys changed',
          issuer,
          added: added.map(logged),
          withdrawn: withdrawn.map(logged),
        });
      },
      cached({ action, ageMs, error }) {
        const line = { issuer, action, ageMs, error };
        if (error) logger.warn({ msg: 'keys.cacheFile not used', ...line });
        else if (action === 'read') logger.warn({ msg: 'keys.cacheFile serves', ...line });
        else logger.debug({ msg: 'keys.cacheFile written', ...line });
      },
      skipped({ keys }) {
        if (keys.length > 0) logger.warn({ msg: 'keys skipped', issuer, keys: keys.map(logged) });
      },
    },
  });
}

/** A key as a log line may hold it. */
function logged<K extends { readonly kid: string | null }>(key: K): K {
  return key.kid === null ? key : { ...key, kid: showKid(key.kid) };
}
