import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { reasons } from '../errors.ts';
import { Counts } from './counts.ts';
import { Durations } from './durations.ts';

const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const verificationBuckets = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01];

/** Values that are read when Prometheus asks, not pushed when they change. */
export interface Readings {
  mode(): 'enforce' | 'report';
  openWebSockets(): number;
  cacheEntries(): number;
  cacheBytes(): number;
  cacheHits(): number;
  cacheMisses(): number;
  cacheEvictions(): number;
  blockedClients(): number;
  /** A line an issuer. */
  keySets(): readonly KeySetReading[];
}

export interface KeySetReading {
  readonly issuer: string;
  readonly keys: number;
  readonly skipped: number;
  /** Epoch milliseconds, or null before the first success. */
  readonly lastSuccess: number | null;
  readonly stale: boolean;
}

/** One value of a metric. */
export interface Sample {
  /** Of a histogram: its own name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface MetricsOptions {
  readonly version: string;
}

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * The one factory of metrics, in a registry of its own. Label values come from the config or a closed list,
 * never from a request: whoever increments one passes a rule's label, a registered method or a reason.
 */
export function createMetrics(options: MetricsOptions) {
  const registry = new Registry();
  const registers = [registry];
  const prefix = 'jwks_sidecar_';
  let readings: Readings | null = null;

  /** Counted for every request: as plain numbers. */
  function counts<L extends string>(name: string, help: string, labelNames: readonly L[]): Counts<L> {
    return new Counts({ name: prefix + name, help, labelNames, registry });
  }
  function durations(name: string, help: string, labelName: string, bounds: readonly number[]): Durations {
    return new Durations({ name: prefix + name, help, labelName, bounds, registry });
  }
  function counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: prefix + name, help, labelNames: [...labelNames], registers });
  }
  function gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    collect?: (gauge: Gauge<L>, readings: Readings) => void,
  ): Gauge<L> {
    return new Gauge({
      name: prefix + name,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        if (!collect || !readings) return;
        // An issuer that the config no longer has leaves no line behind.
        this.reset();
        collect(this, readings);
      },
    });
  }
  /** A counter kept elsewhere as a plain number, so that the hot path only adds one. */
  function readCounter(name: string, help: string, read: (readings: Readings) => number): void {
    new Counter({
      name: prefix + name,
      help,
      registers,
      collect() {
        this.reset();
        if (readings) this.inc(read(readings));
      },
    });
  }

  collectDefaultMetrics({ register: registry });

  const metrics = {
    requests: counts('requests_total', 'Requests answered, by rule, method and status.', [
      'rule',
      'method',
      'status',
    ]),
    requestDuration: durations(
      'request_duration_seconds',
      'Time from the request’s head to the end of its answer; WebSockets and event streams are left out.',
      'rule',
      requestBuckets,
    ),
    upstreamDuration: durations(
      'upstream_duration_seconds',
      'Time from the dispatch to the head of the upstream’s answer; WebSockets and event streams are left out.',
      'upstream',
      requestBuckets,
    ),
    refusals: counts('refusals_total', 'Answers of the gateway’s own, by reason.', ['reason']),
    decisions: counts('decisions_total', 'Decisions about requests, by reason and configured issuer.', [
      'decision',
      'reason',
      'issuer',
    ]),
    verificationDuration: durations(
      'verification_duration_seconds',
      'Time to reach a verdict about a token, from the cache or by its signature.',
      'source',
      verificationBuckets,
    ),
    fetches: counter('jwks_fetches_total', 'Fetches of key sets, by issuer, result and trigger.', [
      'issuer',
      'result',
      'trigger',
    ]),
    fetchDuration: new Histogram({
      name: `${prefix}jwks_fetch_duration_seconds`,
      help: 'Time to fetch a key set, metadata included.',
      labelNames: ['issuer'],
      buckets: requestBuckets,
      registers,
    }),
    blocks: counter(
      'failure_limit_blocks_total',
      'Times that a client was blocked by the failure limit.',
      [],
    ),
    reloads: counter('config_reloads_total', 'Reloads of the config, by result.', ['result']),
    lastReload: gauge(
      'config_last_reload_timestamp_seconds',
      'When the config in force was loaded, in epoch seconds.',
    ),
    /** Prometheus text of everything. */
    text: (): Promise<string> => registry.metrics(),
    contentType: registry.contentType,
    /** Every metric's name and labels, for the test that holds docs and code together. */
    describe: () => registry.getMetricsAsJSON(),
    /** The samples of one metric, by its name without the prefix; none where there is no such metric. */
    async samples(name: string): Promise<readonly Sample[]> {
      return ((await registry.getSingleMetric(prefix + name)?.get())?.values ?? []) as readonly Sample[];
    },
    /** Connects the values that are read at scrape time. */
    read(source: Readings): void {
      readings = source;
    },
  };

  readCounter('token_cache_hits_total', 'Tokens whose verdict was cached.', (r) => r.cacheHits());
  readCounter('token_cache_misses_total', 'Tokens that had to be verified.', (r) => r.cacheMisses());
  readCounter('token_cache_evictions_total', 'Verdicts dropped from the cache.', (r) => r.cacheEvictions());
  gauge('websockets_open', 'WebSockets open now.', [], (g, r) => g.set(r.openWebSockets()));
  gauge('token_cache_entries', 'Verdicts in the cache.', [], (g, r) => g.set(r.cacheEntries()));
  gauge('token_cache_bytes', 'Estimated size of the cache in bytes.', [], (g, r) => g.set(r.cacheBytes()));
  gauge('failure_limit_blocked_clients', 'Clients blocked now.', [], (g, r) => g.set(r.blockedClients()));
  gauge('jwks_keys', 'Usable keys, by issuer.', ['issuer'], (g, r) => {
    for (const set of r.keySets()) g.set({ issuer: set.issuer }, set.keys);
  });
  gauge('jwks_skipped_keys', 'Published keys that cannot be used, by issuer.', ['issuer'], (g, r) => {
    for (const set of r.keySets()) g.set({ issuer: set.issuer }, set.skipped);
  });
  gauge(
    'jwks_last_success_timestamp_seconds',
    'When the keys were last fetched, in epoch seconds; absent before the first success.',
    ['issuer'],
    (g, r) => {
      for (const set of r.keySets()) {
        if (set.lastSuccess !== null) g.set({ issuer: set.issuer }, set.lastSuccess / 1000);
      }
    },
  );
  gauge('jwks_stale', '1 while the keys at hand could not be refreshed in time.', ['issuer'], (g, r) => {
    for (const set of r.keySets()) g.set({ issuer: set.issuer }, set.stale ? 1 : 0);
  });
  gauge('mode', '1 for the mode in force.', ['mode'], (g, r) => g.set({ mode: r.mode() }, 1));
  gauge('build_info', 'Always 1; the labels say what runs.', ['version', 'node']).set(
    { version: options.version, node: process.version },
    1,
  );
  // A line that is absent until its first event hides that event from every rate.
  for (const reason of Object.keys(reasons)) metrics.refusals.of(reason);
  for (const result of ['success', 'failure']) metrics.reloads.inc({ result }, 0);
  metrics.blocks.inc(0);
  return metrics;
}
