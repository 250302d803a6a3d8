import type { Clock } from '../clock.ts';

/** Milliseconds between two looks at the clock: timers know nothing of its being set, nor of a machine that slept. */
const longest = 60_000;

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
