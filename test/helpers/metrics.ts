import { Counter, Gauge, Histogram } from 'prom-client';
import { Counts } from '../../src/observe/counts.ts';
import { Durations } from '../../src/observe/durations.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

export interface DescribedMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram in seconds. */
  readonly buckets: readonly number[];
}

/**
 * Gives every metric a sample with each of its labels, so that what is compared is what Prometheus would read.
 */
export async function describeMetrics(): Promise<DescribedMetric[]> {
  const metrics = createMetrics({ version: '0.0.0' });
  const one = { issuer: 'https://idp.example.com', keys: 1, skipped: 0, lastSuccess: 1, stale: false };
  metrics.read({
    mode: () => 'enforce',
    openWebSockets: () => 1,
    cacheEntries: () => 1,
    cacheBytes: () => 1,
    cacheHits: () => 1,
    cacheMisses: () => 1,
    cacheEvictions: () => 1,
    blockedClients: () => 1,
    keySets: () => [one],
  });
  for (const metric of Object.values(metrics)) {
    const { labelNames = [] } = metric as { labelNames?: readonly string[] };
    const labels = Object.fromEntries(labelNames.map((name) => [name, 'x']));
    if (metric instanceof Histogram) (metric as Histogram<string>).observe(labels, 1);
    else if (metric instanceof Gauge) (metric as Gauge<string>).set(labels, 1);
    else if (metric instanceof Counts) metric.of(...metric.labelNames.map(() => 'x'));
    else if (metric instanceof Durations) metric.of('x').observe(1);
    else if (metric instanceof Counter) (metric as Counter<string>).inc(labels, 1);
  }
  const described = await metrics.describe();
  return described.map(({ name, type, values }) => {
    const labels = new Set(values.flatMap((value) => Object.keys(value.labels)));
    labels.delete('le');
    const buckets = values.map((value) => Number(value.labels.le)).filter(Number.isFinite);
    return { name, type: String(type), labels: [...labels].sort(), buckets };
  });
}
