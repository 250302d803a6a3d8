import { setTimeout as wait } from 'node:timers/promises';
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
   * Those of another config: what stays the same goes on, an issuer whose keys come from where they came from keeps
   * them, files have been read again, and an issuer that is new and hangs is not waited for.
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
      const steps = next.map((config) => plan(config, sets, issuers, options));
      const changed = compose(
        steps.map(({ set }) => set),
        next,
        options,
      );
      try {
        await Promise.all(steps.map(takeOver));
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

/** How one issuer of the next config comes to its keys. */
interface Change {
  readonly config: IssuerConfig;
  readonly set: KeySet;
  /** The set of this issuer until now; the same one where it goes on, null where the issuer is new. */
  readonly before: KeySet | null;
  /** Whether the keys come from where they came from before. */
  readonly sameSource: boolean;
}

function plan(
  config: IssuerConfig,
  { all }: KeySets,
  issuers: Config['issuers'],
  options: KeySetsOptions,
): Change {
  const index = issuers.findIndex(({ issuer }) => issuer === config.issuer);
  const [known, before] = [issuers[index], all[index]];
  if (known === undefined || before === undefined)
    return { config, set: observe(config, options), before: null, sameSource: false };
  const goesOn = isDeepStrictEqual(keySettings(known), keySettings(config));
  const set = goesOn ? before : observe(config, options);
  return { config, set, before, sameSource: isDeepStrictEqual(sourceOf(known), sourceOf(config)) };
}

/** All settings of an issuer but those that only its tokens meet: a set goes on where they are the same. */
function keySettings(config: IssuerConfig): object {
  const { audience, tokenType, clockTolerance, maxLifetime, requiredClaims, claims, ...rest } = config;
  return rest;
}

function sourceOf({ issuer, discovery, jwksUri, jwksFile, jwks }: IssuerConfig): object {
  return { issuer, discovery, jwksUri, jwksFile, jwks };
}

/** Milliseconds. An issuer that is well has answered by then, so that its first tokens find its keys. */
const patience = 1000;

/**
 * Gives an issuer of the next config its keys. A set with the same source takes over the keys at hand and fetches in the
 * background; so does, without keys, an issuer that had none. Only where keys would be lost the reload waits for others.
 *
 * @throws GatewayError where they cannot be had
 */
async function takeOver({ config, set, before, sameSource }: Change): Promise<void> {
  const { issuer, jwks, jwksFile } = config;
  if (set === before) {
    if (jwksFile !== null) {
      await set.refresh('reload');
      assertRead(issuer, set);
    }
    return;
  }
  if (jwks === null && jwksFile === null) {
    if (before !== null && sameSource && (await set.adopt(before))) return void set.start('reload');
    if (before?.usable() !== true) {
      await Promise.race([set.start('reload'), wait(patience, undefined, { ref: false })]);
      return;
    }
  }
  await set.start('reload');
  if (jwksFile !== null) assertRead(issuer, set);
  // A source that does not answer must not take away the keys that another one still has.
  if (before?.usable() === true && !set.usable())
    throw new GatewayError(
      'keys_unavailable',
      `${issuer} would lose its keys: ${set.status().lastError?.message}`,
    );
}

function assertRead(issuer: string, set: KeySet): void {
  const { lastError } = set.status();
  if (lastError !== null)
    throw new GatewayError('keys_unavailable', `the keys of ${issuer} cannot be read: ${lastError.message}`);
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
