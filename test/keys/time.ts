import type { Clock } from '../../src/clock.ts';
import type { Schedule } from '../../src/keys/schedule.ts';

/** Time that stands still until a test moves it. */
export interface TestTime {
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Moves both clocks and runs what has come due, in order. */
  advance(milliseconds: number): void;
  /** Moves the wall clock alone, as when somebody sets it. */
  step(milliseconds: number): void;
  /** Milliseconds until each planned run, soonest first. */
  planned(): readonly number[];
}

export function createTestTime(): TestTime {
  let wall = Date.UTC(2030, 0, 1);
  let monotonic = 1_000_000;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const inOrder = () => [...timers].sort((a, b) => a.at - b.at);
  return {
    clock: { now: () => wall, elapsed: () => monotonic },
    schedule(run, delay) {
      const timer = { at: monotonic + delay, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(milliseconds) {
      wall += milliseconds;
      monotonic += milliseconds;
      for (const timer of inOrder()) {
        if (timer.at <= monotonic && timers.delete(timer)) timer.run();
      }
    },
    step(milliseconds) {
      wall += milliseconds;
    },
    planned: () => inOrder().map(({ at }) => at - monotonic),
  };
}
