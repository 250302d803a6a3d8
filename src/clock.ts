/** Where a stage reads time, so that a test can hold it. */
export interface Clock {
  /** Wall clock in epoch milliseconds: for what others dated, such as `exp`. It may step. */
  now(): number;
  /** Monotonic milliseconds since some start: for ages, windows and time-outs of our own. */
  elapsed(): number;
}

/** One moment on both clocks. */
export interface Moment {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Monotonic milliseconds. */
  readonly elapsed: number;
}

/** Reads both clocks. */
export function readMoment(clock: Clock): Moment {
  return { now: clock.now(), elapsed: clock.elapsed() };
}

/** The moment that lies so many milliseconds after another one, or before it where they are negative. */
export function shift({ now, elapsed }: Moment, milliseconds: number): Moment {
  return { now: now + milliseconds, elapsed: elapsed + milliseconds };
}

/**
 * Milliseconds since a moment, by the clock that says more: the monotonic one stands still while the machine sleeps,
 * and the other one may be set back.
 */
export function ageOf(moment: Moment, clock: Clock): number {
  return Math.max(clock.elapsed() - moment.elapsed, clock.now() - moment.now);
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
};
