const minute = 60_000;

/** Milliseconds that a set serves before it is fetched again: a shorter `max-age` wins, but none under a minute. */
export function refreshInterval(refresh: number, maxAge = Number.POSITIVE_INFINITY): number {
  return Math.min(refresh, Math.max(minute, maxAge));
}

/** Spreads an interval by ±10 %, so that many sidecars do not ask at once. */
export function jitter(interval: number, random: () => number): number {
  return interval * (0.9 + 0.2 * random());
}

/** Milliseconds to wait after the nth failure in a row: a second, doubled each time up to a minute, the upper half random. */
export function retryDelay(failures: number, refresh: number, random: () => number): number {
  const longest = Math.min(refresh, minute);
  return Math.min(longest, 1000 * 2 ** (failures - 1)) * (0.5 + 0.5 * random());
}
