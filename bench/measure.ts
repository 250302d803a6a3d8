import type { Candidate, Setting, Started } from './candidates.ts';
import { generate, type Seen } from './generate.ts';
import type { Load } from './loads.ts';

/** Medians of some rounds. */
export interface Figures {
  readonly candidate: string;
  /** How it names its version. */
  readonly version: string;
  readonly perSecond: number;
  /** CPU time a request, user and system, in microseconds. */
  readonly cpu: number;
  /** Latencies in microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Most resident memory, MiB. */
  readonly rss: number;
  readonly rounds: number;
  /** Requests that got no answer, of all rounds. */
  readonly broken: number;
}

export interface Pace {
  readonly rounds: number;
  /** Seconds of a round, besides its warming up. */
  readonly seconds: number;
  readonly warmUp: number;
}

interface Round extends Seen {
  readonly cpu: number;
  readonly rss: number;
}

/** Puts one load on all candidates, in turns and in as many rounds, so that what else the machine does meets all alike. */
export async function measure(
  load: Load,
  all: readonly Candidate[],
  setting: Setting,
  job: string,
  pace: Pace,
): Promise<readonly Figures[]> {
  const started: { candidate: Candidate; running: Started; rounds: Round[] }[] = [];
  try {
    for (const candidate of all) {
      const running = await candidate.start(setting);
      started.push({ candidate, running, rounds: [] });
    }
    for (let round = 0; round < pace.rounds; round++) {
      for (const { candidate, running, rounds } of started) {
        await generate(running.url, load, job, round === 0 ? pace.warmUp * 2 : pace.warmUp);
        running.forgetPeak();
        const before = running.cpu();
        const seen = await generate(running.url, load, job, pace.seconds);
        check(candidate, load, seen);
        rounds.push({ ...seen, cpu: (running.cpu() - before) / seen.requests, rss: running.peak() });
      }
    }
  } finally {
    await Promise.all(started.map(({ running }) => running.stop()));
  }
  return started.map(({ candidate, running, rounds }) => {
    const middle = (of: (round: Round) => number) => median(rounds.map(of));
    return {
      candidate: candidate.name,
      version: running.version,
      perSecond: middle((round) => round.requests / round.seconds),
      cpu: middle((round) => round.cpu),
      p50: middle((round) => round.p50),
      p99: middle((round) => round.p99),
      p999: middle((round) => round.p999),
      rss: middle((round) => round.rss),
      rounds: rounds.length,
      broken: rounds.reduce((sum, round) => sum + round.broken, 0),
    };
  });
}

/** A figure about wrong answers is none. */
function check(candidate: Candidate, load: Load, { requests, refused, broken }: Seen): void {
  const good = load.tokens === 'hot' || load.tokens === 'mixed' || load.tokens === 'cold';
  const expected = (good || !candidate.verifies) && candidate.name !== 'bare401' ? 0 : requests;
  // The few that a full backlog resets, of 512 connections at once, are told in the report.
  if (requests === 0 || broken > requests / 100 || refused !== expected) {
    throw new Error(
      `${candidate.name} under ${load.name}: of ${requests} requests ${refused} refused, ${broken} broken`,
    );
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
