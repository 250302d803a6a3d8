import type { Clock } from '../../src/clock.ts';

/** Time that stands still until a test moves it. It begins at the real one, by which the issuers mint, in whole seconds. */
export interface HeldClock extends Clock {
  advance(milliseconds: number): void;
  /** Moves the wall clock alone, as when somebody sets it. */
  step(milliseconds: number): void;
}

export function holdClock(): HeldClock {
  const time = { now: Math.floor(Date.now() / 1000) * 1000, elapsed: 1_000_000 };
  return {
    now: () => time.now,
    elapsed: () => time.elapsed,
    advance(milliseconds) {
      time.now += milliseconds;
      time.elapsed += milliseconds;
    },
    step(milliseconds) {
      time.now += milliseconds;
    },
  };
}
