/** In milliseconds. What lies beyond the last bound is said to be the last bound. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * Estimates quantiles as Prometheus does: as if values were spread evenly within their bucket.
 *
 * @param bounds - upper bounds in seconds, ascending, the last one Infinity
 * @param counts - values in each bucket, not cumulative
 * @returns null where there are no values
 */
export function estimateQuantiles(bounds: readonly number[], counts: readonly number[]): Quantiles | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  const at = (rank: number) => Math.round(estimate(bounds, counts, rank * total) * 1e5) / 100;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function estimate(bounds: readonly number[], counts: readonly number[], rank: number): number {
  let below = 0;
  for (const [index, count] of counts.entries()) {
    const lower = bounds[index - 1] ?? 0;
    const upper = bounds[index] ?? Number.POSITIVE_INFINITY;
    if (count > 0 && below + count >= rank) {
      return upper === Number.POSITIVE_INFINITY ? lower : lower + (upper - lower) * ((rank - below) / count);
    }
    below += count;
  }
  return 0;
}
