/** Runs something once after a delay in milliseconds, unless the returned function is called before. */
export type Schedule = (run: () => void, delay: number) => () => void;

/** Beyond this, a timer of Node fires at once. */
const longest = 2 ** 31 - 1;

/** A timer that does not keep the process alive. */
export const scheduleTimer: Schedule = (run, delay) => {
  const timer = setTimeout(run, Math.min(delay, longest)).unref();
  return () => clearTimeout(timer);
};
