import type { Reason } from '../errors.ts';
import type { KeySetStatus } from '../keys/status.ts';
import type { UnverifiedToken } from '../token/read.ts';
import type { Finding } from './explain.ts';
import { show, span } from './value.ts';

/** Why no key of the issuer verifies a token. */
export function describeKey(
  { header, kid }: UnverifiedToken,
  at: 'key' | 'signature',
  refused: Reason | null,
  keys: KeySetStatus | undefined,
): Finding {
  const alg = show(header.alg);
  const kids = keys?.keys.map((key) => key.kid ?? 'without a kid') ?? [];
  const fetched =
    keys?.ageMs === null || keys === undefined ? 'never fetched' : `fetched ${span(keys.ageMs)} ago`;
  const known = `the issuer's keys (${[...kids.map(show), fetched].join(', ')})`;
  if (refused === 'keys_unavailable') {
    return {
      expected: 'keys of the issuer',
      got: keys?.lastError?.message ?? fetched,
      hint: 'nobody can tell whether the token is good until they can be fetched',
    };
  }
  if (at === 'signature') {
    return {
      expected: `a signature under key ${show(kid ?? 'without a kid')}`,
      got: 'one that does not hold',
      hint: 'the token was altered or cut, or the issuer has another key under the same kid',
    };
  }
  if (kid === undefined) {
    return {
      expected: 'a kid in the header',
      got: 'missing',
      hint: `without one it must be the only key; ${known}`,
    };
  }
  const same = keys?.keys.find((key) => key.kid === kid);
  const skipped = keys?.skipped.find((key) => key.kid === kid);
  return {
    expected: `a key for ${alg}`,
    got: `kid ${show(kid)}`,
    hint: skipped
      ? `the issuer publishes kid ${show(kid)}, but it cannot be used: ${skipped.why}`
      : same
        ? `kid ${show(kid)} is a key for ${same.algorithms.join(', ')}, not for ${alg}`
        : `kid ${show(kid)} is not among ${known}`,
  };
}
