/**
 * Whether a JSON value holds, at any depth, a number that may have lost digits when it was parsed: an integer
 * beyond ±(2^53-1), 1e300 and the infinity that `1e999` parses to included. Two such numbers can differ in the
 * token and be the same here. Iterative, so that no nesting can exhaust the stack.
 */
export function hasUnsafeInteger(value: unknown): boolean {
  const pending = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === 'number') {
      if (!Number.isFinite(next) || (Number.isInteger(next) && !Number.isSafeInteger(next))) return true;
    } else if (typeof next === 'object' && next !== null) {
      for (const member of Object.values(next)) pending.push(member);
    }
  }
  return false;
}
