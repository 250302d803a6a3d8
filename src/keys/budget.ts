import type { Clock } from '../clock.ts';

/** How often something may happen: a token bucket, full at the start. */
export interface Budget {
  /** Takes one if there is one. */
  take(): boolean;
  /** Milliseconds until there is one to take. */
  wait(): number;
}

export interface BudgetOptions {
  /** How many at once. */
  readonly burst: number;
  /** Milliseconds until one more is there. */
  readonly interval: number;
  readonly clock: Clock;
}

/** One number holds the bucket: the time at which it will be full again (generic cell rate algorithm). */
export function createBudget({ burst, interval, clock }: BudgetOptions): Budget {
  let full = Number.NEGATIVE_INFINITY;
  const wait = () => Math.max(0, full - clock.elapsed() - (burst - 1) * interval);
  const take = () => {
    if (wait() > 0) return false;
    full = Math.max(full, clock.elapsed()) + interval;
    return true;
  };
  return { take, wait };
}
