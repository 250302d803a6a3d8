import type { Clock } from '../clock.ts';
import type { Metrics } from './metrics.ts';
import { estimateQuantiles, type Quantiles } from './quantiles.ts';
import { sortRows } from './rows.ts';
import { addTotals, nothing, readTotals, subtractTotals, type Totals } from './totals.ts';

/** What happened in some span of time. */
export interface Span {
  /** ISO 8601. */
  readonly endedAt: string;
  readonly durationMs: number;
  readonly requests: number;
  /** Answers of the gateway's own. */
  readonly refused: number;
  /** Refused by the policy, and forwarded all the same. */
  readonly reported: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Of whole requests; null: there were none. */
  readonly requestMs: Quantiles | null;
  /** Of the upstreams, to the head of their answer. */
  readonly upstreamMs: Quantiles | null;
}

/** The last fifteen minutes, or less after a start. */
export interface Recent extends Span {
  /** The reasons of what was refused, the most frequent first. */
  readonly refusals: Readonly<Record<string, number>>;
  /** At most 100 of each, the busiest first; those of which nothing was counted are left out. */
  readonly rules: readonly RuleTraffic[];
  readonly issuers: readonly IssuerTraffic[];
  readonly upstreams: readonly UpstreamTraffic[];
  /** About ten seconds each, the latest last. */
  readonly steps: readonly Span[];
  /** The same by the minute. */
  readonly minutes: readonly Span[];
}

export interface RuleTraffic {
  /** Its name, its index, or `default`. */
  readonly rule: string;
  readonly requests: number;
  /** Answered with 4xx, by the gateway or by the upstream. */
  readonly clientErrors: number;
  /** Answered with 5xx, by the gateway or by the upstream. */
  readonly serverErrors: number;
}

export interface IssuerTraffic {
  /** A configured issuer; `none`: the token named none, or there was no token. */
  readonly issuer: string;
  readonly allowed: number;
  /** Refused, and forwarded all the same. */
  readonly reported: number;
  readonly denied: number;
}

export interface UpstreamTraffic {
  readonly upstream: string;
  /** Requests that it answered. */
  readonly answered: number;
  /** To the head of its answer. */
  readonly answerMs: Quantiles | null;
}

/** Reads the metrics now and then, so that nothing is done for it while a request is served. */
export interface History {
  /** Samples every ten seconds from now on; that keeps no process alive. */
  start(): void;
  /** Ends a step: what the timer does. */
  sample(): Promise<void>;
  /** Up to this moment. */
  read(): Promise<Recent>;
  close(): void;
}

interface Step {
  /** Epoch milliseconds. */
  readonly endedAt: number;
  readonly durationMs: number;
  readonly totals: Totals;
}

const period = 10_000;
const most = 90;
const stepsInMinute = 6;
/** Of the rules, issuers and upstreams that are named. */
const mostNamed = 100;

export function createHistory(metrics: Pick<Metrics, 'samples'>, clock: Clock): History {
  let steps: readonly Step[] = [];
  let before = { at: clock.elapsed(), totals: nothing };
  let timer: NodeJS.Timeout | undefined;

  /** Never across an await: another one could end the step in between. */
  function stepTo(totals: Totals): Step {
    const durationMs = clock.elapsed() - before.at;
    return { endedAt: clock.now(), durationMs, totals: subtractTotals(totals, before.totals) };
  }

  return {
    start() {
      // A sample that is lost is made up for by the next one.
      timer ??= setInterval(() => void this.sample().catch(() => {}), period).unref();
    },
    async sample() {
      const totals = await readTotals(metrics);
      steps = [...steps, stepTo(totals)].slice(-most);
      before = { at: clock.elapsed(), totals };
    },
    async read() {
      const totals = await readTotals(metrics);
      const step = stepTo(totals);
      return summarize(withUnfinished(steps, step), step.endedAt);
    },
    close() {
      clearInterval(timer);
    },
  };
}

/** A moment's rate would jump: what has just begun is shown with the step before it. */
function withUnfinished(steps: readonly Step[], unfinished: Step): readonly Step[] {
  const last = steps.at(-1);
  if (last === undefined || unfinished.durationMs >= period / 2) {
    return [...steps, unfinished].slice(-most);
  }
  return [...steps.slice(0, -1), join([last, unfinished], unfinished.endedAt)];
}

function join(steps: readonly Step[], endedAt: number): Step {
  return {
    endedAt,
    durationMs: steps.reduce((total, { durationMs }) => total + durationMs, 0),
    totals: addTotals(steps.map(({ totals }) => totals)),
  };
}

function summarize(steps: readonly Step[], now: number): Recent {
  const whole = join(steps, now);
  const minutes: Step[] = [];
  for (let end = steps.length; end > 0; end -= stepsInMinute) {
    const of = steps.slice(Math.max(0, end - stepsInMinute), end);
    minutes.unshift(join(of, of.at(-1)?.endedAt ?? now));
  }
  const byCount = Object.entries(whole.totals.refusals).filter(([, count]) => count > 0);
  return {
    ...describe(whole),
    refusals: Object.fromEntries(byCount.sort(([, a], [, b]) => b - a)),
    ...describeRows(whole.totals),
    steps: steps.map(describe),
    minutes: minutes.map(describe),
  };
}

function describeRows({ rules, issuers, upstreams, upstream: { bounds } }: Totals) {
  const rows = (all: Totals['rules']) => sortRows(all).slice(0, mostNamed);
  return {
    rules: rows(rules).map(({ name, row: [requests = 0, clientErrors = 0, serverErrors = 0] }) => ({
      rule: name,
      requests,
      clientErrors,
      serverErrors,
    })),
    issuers: rows(issuers).map(({ name, row: [allowed = 0, reported = 0, denied = 0] }) => ({
      issuer: name,
      allowed,
      reported,
      denied,
    })),
    upstreams: rows(upstreams).map(({ name, row }) => ({
      upstream: name,
      answered: row.at(-1) ?? 0,
      answerMs: estimateQuantiles(
        bounds,
        row.map((value, index) => value - (row[index - 1] ?? 0)),
      ),
    })),
  };
}

function describe({ endedAt, durationMs, totals }: Step): Span {
  const { requests, reported, cacheHits, cacheMisses, refusals, request, upstream } = totals;
  return {
    endedAt: new Date(endedAt).toISOString(),
    durationMs: Math.round(durationMs),
    requests,
    refused: Object.values(refusals).reduce((sum, count) => sum + count, 0),
    reported,
    cacheHits,
    cacheMisses,
    requestMs: estimateQuantiles(request.bounds, request.counts),
    upstreamMs: estimateQuantiles(upstream.bounds, upstream.counts),
  };
}
