/** Where a stage reads time, so that a test can hold it. */
export interface Clock {
  /** Wall clock in epoch milliseconds: for what others dated, such as `exp`. It may step. */
  now(): number;
  /** Monotonic milliseconds since some start: for ages, windows and time-outs of our own. */
  elapsed(): number;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
};
