import type { Metrics, Sample } from './metrics.ts';
import { addRows, type Rows, readRows, subtractRows } from './rows.ts';

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
  /** Requests by rule: all, answered with 4xx, answered with 5xx. */
  readonly rules: Rows;
  /** Decisions by issuer: allowed, refused and forwarded all the same, denied. */
  readonly issuers: Rows;
  /** Of each upstream: the values up to each bound, as Prometheus has them. */
  readonly upstreams: Rows;
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
  rules: new Map(),
  issuers: new Map(),
  upstreams: new Map(),
};

const outcomes = ['allow', 'report', 'deny'];

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
  const { bounds, counts } = readBuckets(upstream);
  return {
    requests: sum(requests),
    refusals: Object.fromEntries(
      refusals.filter(({ value }) => value > 0).map(({ labels, value }) => [String(labels.reason), value]),
    ),
    reported: sum(decisions.filter(({ labels }) => labels.decision === 'report')),
    cacheHits: sum(hits),
    cacheMisses: sum(misses),
    request: readBuckets(request),
    upstream: { bounds, counts },
    rules: readRows(requests, 'rule', 3, ({ labels: { status } }) => {
      const hundreds = Math.floor(Number(status) / 100);
      return hundreds === 4 || hundreds === 5 ? [0, hundreds - 3] : [0];
    }),
    issuers: readRows(decisions, 'issuer', outcomes.length, ({ labels }) => [
      outcomes.indexOf(String(labels.decision)),
    ]),
    upstreams: readRows(upstream, 'upstream', bounds.length, ({ metricName, labels }) =>
      metricName?.endsWith('_bucket') ? [bounds.indexOf(readBound(labels))] : [],
    ),
  };
}

/** Whatever the labels, all of one histogram have the same bounds. */
function readBuckets(samples: readonly Sample[]): Buckets {
  const cumulative = new Map<number, number>();
  for (const { metricName, labels, value } of samples) {
    if (!metricName?.endsWith('_bucket')) continue;
    const bound = readBound(labels);
    cumulative.set(bound, (cumulative.get(bound) ?? 0) + value);
  }
  const sorted = [...cumulative].sort(([a], [b]) => a - b);
  return {
    bounds: sorted.map(([bound]) => bound),
    counts: sorted.map(([, value], index) => value - (sorted[index - 1]?.[1] ?? 0)),
  };
}

function readBound({ le }: Sample['labels']): number {
  return le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}

/** What was counted between two moments. */
export function subtractTotals(after: Totals, before: Totals): Totals {
  return {
    ...combine(after, before, (a, b) => Math.max(0, a - b)),
    rules: subtractRows(after.rules, before.rules),
    issuers: subtractRows(after.issuers, before.issuers),
    upstreams: subtractRows(after.upstreams, before.upstreams),
  };
}

export function addTotals(all: readonly Totals[]): Totals {
  const plain = all.reduce<Plain>((one, other) => combine(one, other, (a, b) => a + b), nothing);
  return {
    ...plain,
    rules: addRows(all.map(({ rules }) => rules)),
    issuers: addRows(all.map(({ issuers }) => issuers)),
    upstreams: addRows(all.map(({ upstreams }) => upstreams)),
  };
}

type Plain = Omit<Totals, 'rules' | 'issuers' | 'upstreams'>;

function combine(one: Plain, other: Plain, by: (a: number, b: number) => number): Plain {
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
