import type { Metrics, Sample } from './metrics.ts';

/** What the metrics have counted, since the start or between two moments. */
export interface Totals {
  readonly requests: number;
  /** Answers of the gateway's own, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Requests that the policy refused and that were forwarded all the same. */
  readonly reported: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Durations of whole requests. */
  readonly request: Buckets;
  /** Of the upstreams, to the head of their answer. */
  readonly upstream: Buckets;
}

export interface Buckets {
  /** Upper bounds in seconds, ascending; the last one is Infinity. */
  readonly bounds: readonly number[];
  /** Values in each, not cumulative. */
  readonly counts: readonly number[];
}

export const nothing: Totals = {
  requests: 0,
  refusals: {},
  reported: 0,
  cacheHits: 0,
  cacheMisses: 0,
  request: { bounds: [], counts: [] },
  upstream: { bounds: [], counts: [] },
};

/** Reads what was counted since the start. */
export async function readTotals({ samples }: Pick<Metrics, 'samples'>): Promise<Totals> {
  const [requests, refusals, decisions, hits, misses, request, upstream] = await Promise.all([
    samples('requests_total'),
    samples('refusals_total'),
    samples('decisions_total'),
    samples('token_cache_hits_total'),
    samples('token_cache_misses_total'),
    samples('request_duration_seconds'),
    samples('upstream_duration_seconds'),
  ]);
  return {
    requests: sum(requests),
    refusals: Object.fromEntries(
      refusals.filter(({ value }) => value > 0).map(({ labels, value }) => [String(labels.reason), value]),
    ),
    reported: sum(decisions.filter(({ labels }) => labels.decision === 'report')),
    cacheHits: sum(hits),
    cacheMisses: sum(misses),
    request: readBuckets(request),
    upstream: readBuckets(upstream),
  };
}

/** Whatever the labels, all of one histogram have the same bounds. */
function readBuckets(samples: readonly Sample[]): Buckets {
  const cumulative = new Map<number, number>();
  for (const { metricName, labels, value } of samples) {
    if (!metricName?.endsWith('_bucket')) continue;
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    cumulative.set(bound, (cumulative.get(bound) ?? 0) + value);
  }
  const sorted = [...cumulative].sort(([a], [b]) => a - b);
  return {
    bounds: sorted.map(([bound]) => bound),
    counts: sorted.map(([, value], index) => value - (sorted[index - 1]?.[1] ?? 0)),
  };
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}

/** What was counted between two moments. */
export function subtractTotals(after: Totals, before: Totals): Totals {
  return combine(after, before, (a, b) => Math.max(0, a - b));
}

export function addTotals(all: readonly Totals[]): Totals {
  return all.reduce((one, other) => combine(one, other, (a, b) => a + b), nothing);
}

function combine(one: Totals, other: Totals, by: (a: number, b: number) => number): Totals {
  const reasons = new Set([...Object.keys(one.refusals), ...Object.keys(other.refusals)]);
  return {
    requests: by(one.requests, other.requests),
    refusals: Object.fromEntries(
      [...reasons].map((reason) => [reason, by(one.refusals[reason] ?? 0, other.refusals[reason] ?? 0)]),
    ),
    reported: by(one.reported, other.reported),
    cacheHits: by(one.cacheHits, other.cacheHits),
    cacheMisses: by(one.cacheMisses, other.cacheMisses),
    request: combineBuckets(one.request, other.request, by),
    upstream: combineBuckets(one.upstream, other.upstream, by),
  };
}

/** A histogram without values has no buckets yet. */
function combineBuckets(one: Buckets, other: Buckets, by: (a: number, b: number) => number): Buckets {
  const { bounds } = one.bounds.length >= other.bounds.length ? one : other;
  return { bounds, counts: bounds.map((_, index) => by(one.counts[index] ?? 0, other.counts[index] ?? 0)) };
}
