import type { FastifyInstance } from 'fastify';
import { createAdmin, type Readiness } from './admin.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config/schema.ts';
import { createTraffic, portOf } from './gateway.ts';
import { createKeySet, type KeySet } from './keys/set.ts';
import { createLogger, type Logger } from './observe/logger.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { compilePolicy, type Policy } from './policy.ts';
import { readVersion } from './version.ts';

export interface ServerOptions {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Where the config came from, for the status. */
  readonly source?: string;
}

/** Both ports of one sidecar. */
export interface Server {
  /** Listens on both ports and fetches keys. Settles once every issuer has been tried; an issuer that is down does not reject. */
  start(): Promise<{ readonly port: number; readonly adminPort: number }>;
  readiness(): Readiness;
  status(): object;
  readonly metrics: Metrics;
  /**
   * Ends without losing a request: not ready at once, served as ever for `drain.delay`, then no new connections,
   * and what is still open at `drain.timeout` is cut.
   *
   * @returns how many requests had to be cut.
   */
  drain(): Promise<{ readonly cut: number }>;
  /** Ends at once. */
  close(): Promise<void>;
}

type Phase = 'serving' | 'leaving' | 'draining' | 'closed';

/** Composes a sidecar from a complete config. Throws where a file that the config names cannot be read. */
export function createServer(config: Config, options: ServerOptions = {}): Server {
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? createLogger({ level: config.log.level });
  const version = readVersion();
  const metrics = createMetrics({ version, mode: config.mode });
  const startedAt = clock.now();
  let phase: Phase = 'serving';

  const keySets = config.issuers.map((issuer) =>
    watchedKeySet(issuer, { clock, logger, metrics, onWithdrawn: () => policy.verifier.dropWithdrawn() }),
  );
  const policy = compilePolicy(config, { keySets, clock });
  connectReadings(metrics, policy, keySets);
  metrics.lastReload.set(startedAt / 1000);

  const traffic = createTraffic({
    config,
    policy: () => policy,
    clock,
    metrics,
    logger,
    draining: () => phase === 'draining',
  });
  const admin = createAdmin({ tokenFile: config.admin.tokenFile, metrics, readiness, status });

  function readiness(): Readiness {
    const reasons: Readiness['reasons'][number][] = [];
    if (phase !== 'serving') reasons.push({ code: 'draining', detail: 'This sidecar is shutting down.' });
    const missing = keySets.filter((set) => set.status().lastSuccess === null);
    const ready =
      config.readiness === 'all'
        ? missing.length === 0
        : missing.length < keySets.length && missing.every((set) => set.tried());
    if (!ready) {
      for (const set of missing) {
        reasons.push({
          code: 'keys_unavailable',
          issuer: set.status().issuer,
          detail: 'Its keys were never fetched.',
        });
      }
    }
    return { ready: reasons.length === 0, reasons };
  }

  function status(): object {
    return {
      version,
      node: process.version,
      mode: config.mode,
      phase,
      ...readiness(),
      startedAt: new Date(startedAt).toISOString(),
      uptimeSeconds: Math.round((clock.now() - startedAt) / 1000),
      config: { source: options.source ?? 'object' },
      issuers: keySets.map((set) => set.status()),
      tokenCache: policy.verifier.stats(),
      failureLimit: policy.failures && {
        clients: policy.failures.size,
        blocked: policy.failures.blockedClients(),
      },
    };
  }

  async function closeRest(): Promise<void> {
    phase = 'closed';
    for (const set of keySets) set.close();
    await Promise.all([admin.close(), policy.upstreams.close()]);
  }

  return {
    readiness,
    status,
    metrics,
    async start() {
      await listen(traffic, config.listen);
      await listen(admin, config.admin);
      const ports = { port: portOf(traffic), adminPort: portOf(admin) };
      logger.info({ msg: 'listening', version, ...ports });
      await Promise.all(keySets.map((set) => set.start()));
      logger.info({ msg: 'started', ...readiness() });
      return ports;
    },
    async drain() {
      phase = 'leaving';
      const { delay, timeout } = config.drain;
      logger.info({ msg: 'draining', delayMs: delay, timeoutMs: timeout });
      await wait(delay);
      phase = 'draining';
      logger.info({ msg: 'closing', timeoutMs: timeout - delay });
      const cut = await closeTraffic(traffic, timeout - delay);
      await closeRest();
      logger.info({ msg: 'drained', cut });
      return { cut };
    },
    async close() {
      phase = 'closed';
      const closed = traffic.close();
      traffic.server.closeAllConnections();
      policy.upstreams.destroy();
      await closed;
      await closeRest();
    },
  };
}

/** No host means every address; a machine without IPv6 has only the IPv4 ones. */
async function listen(
  app: FastifyInstance,
  { host, port }: { host: string | null; port: number },
): Promise<void> {
  try {
    await app.listen({ port, host: host ?? '::' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (host !== null || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
    await app.listen({ port, host: '0.0.0.0' });
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Stops listening, lets what is in flight end, and cuts it after `ms`. */
async function closeTraffic(traffic: FastifyInstance, ms: number): Promise<number> {
  let cut = 0;
  const timer = setTimeout(() => {
    traffic.server.getConnections((_error, count) => {
      cut = count;
      traffic.server.closeAllConnections();
    });
  }, ms);
  await traffic.close();
  clearTimeout(timer);
  return cut;
}

interface Watchers {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  onWithdrawn(): void;
}

/** One issuer's key set whose life shows in log and metrics. */
function watchedKeySet(issuer: Config['issuers'][number], watchers: Watchers): KeySet {
  const { clock, logger, metrics, onWithdrawn } = watchers;
  const name = issuer.issuer;
  return createKeySet({
    ...issuer,
    clock,
    onWithdrawn,
    events: {
      fetched({ trigger, result, durationMs, error }) {
        metrics.fetches.inc({ issuer: name, result, trigger });
        metrics.fetchDuration.observe({ issuer: name }, durationMs / 1000);
        const line = { issuer: name, trigger, durationMs: Math.round(durationMs), error };
        if (result === 'success') logger.debug({ msg: 'keys fetched', ...line });
        else logger.warn({ msg: 'keys not fetched', ...line });
      },
      changed({ added, withdrawn }) {
        logger.info({ msg: 'keys changed', issuer: name, added, withdrawn });
      },
      skipped({ keys }) {
        if (keys.length > 0) logger.warn({ msg: 'keys skipped', issuer: name, keys });
      },
    },
  });
}

function connectReadings(metrics: Metrics, policy: Policy, keySets: readonly KeySet[]): void {
  metrics.read({
    cacheEntries: () => policy.verifier.stats().entries,
    cacheBytes: () => policy.verifier.stats().bytes,
    cacheHits: () => policy.verifier.stats().hits,
    cacheMisses: () => policy.verifier.stats().misses,
    cacheEvictions: () => policy.verifier.stats().evictions,
    blockedClients: () => policy.failures?.blockedClients() ?? 0,
    keySets: () =>
      keySets.map((set) => {
        const { issuer, keys, skipped, lastSuccess, state } = set.status();
        return {
          issuer,
          keys: keys.length,
          skipped: skipped.length,
          lastSuccess,
          stale: state === 'stale' || state === 'expired',
        };
      }),
  });
}
