/** Whether one of many is kept: the first, then one in `every`. */
export type Sample = (every: number) => boolean;

/**
 * Starts a count. It is no chance, so that what is kept times `every` is what there was, short of one `every`.
 * `every` may be another from one call to the next, as a reload has it.
 */
export function createSample(): Sample {
  let left = 0;
  return (every) => {
    if (left > 0 && left < every) {
      left--;
      return false;
    }
    left = every - 1;
    return true;
  };
}
