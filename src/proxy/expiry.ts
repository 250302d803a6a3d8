import type { Clock } from '../clock.ts';

/** Beyond this, a timer of Node fires at once. */
const longest = 2 ** 31 - 1;

/**
 * Runs something once a moment has come by the wall clock, which may be set meanwhile.
 *
 * @param at - epoch milliseconds, infinity included
 * @returns what calls it off
 */
export function runAt(at: number, clock: Clock, run: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const left = at - clock.now();
    if (left <= 0) run();
    else timer = setTimeout(wait, Math.min(left, longest)).unref();
  };
  wait();
  return () => clearTimeout(timer);
}
