import { withOtherNames } from '../algorithms.ts';
import type { Reason } from '../errors.ts';
import { mostKeysTried } from '../keys/select.ts';
import type { KeySetStatus } from '../keys/status.ts';
import { showKid } from '../observe/mask.ts';
import type { UnverifiedToken } from '../token/read.ts';
import { forGraph, isForGraph } from './graph.ts';
import type { Finding } from './steps.ts';
import { list, show, span } from './value.ts';

/** What the search for a key came to. */
export interface Sought {
  readonly at: 'key' | 'signature';
  readonly refused: Reason | null;
  /** Seconds until keys may be fetched, where something forbids it now. */
  readonly retryAfter: number | null;
}

/** Why no key of the issuer verifies a token. */
export function describeKey(
  token: UnverifiedToken,
  { at, refused, retryAfter }: Sought,
  keys: KeySetStatus | undefined,
): Finding {
  const { header, kid } = token;
  if (refused === 'keys_unavailable') {
    return {
      expected: 'keys of the issuer',
      got: keys?.lastError?.message ?? fetched(keys),
      hint: 'nobody can tell whether the token is good until they can be fetched',
    };
  }
  if (at === 'signature') {
    return {
      expected:
        kid === undefined ? "a signature under the issuer's key" : `a signature under key ${showKid(kid)}`,
      got: 'one that does not hold',
      hint: isForGraph(token)
        ? forGraph
        : 'the token was altered or cut, or the issuer has another key under the same kid',
    };
  }
  const alg = show(header.alg);
  const named = keys?.keys.filter((key) => kid === undefined || key.kid === kid) ?? [];
  const fitting = named.filter((key) => withOtherNames(key.algorithms).includes(String(header.alg)));
  if (kid === undefined) {
    return {
      expected: 'a kid in the header',
      got: 'missing',
      hint: hintWithoutKid(alg, fitting.length, keys),
    };
  }
  if (fitting.length > mostKeysTried) {
    return {
      expected: `at most ${mostKeysTried} keys under one kid`,
      got: `${fitting.length} for kid ${show(kid)}`,
      hint: 'none of them is tried: a forged token would cost a verification under each',
    };
  }
  if (fitting.length > 0) {
    return {
      expected: "the tid of the configured issuer's tenant",
      got: 'another one, or none',
      hint: `the issuer binds kid ${show(kid)} to the tenant that the token names in tid`,
    };
  }
  return {
    expected: `a key for ${alg}`,
    got: `kid ${showKid(kid)}`,
    get hint() {
      return `${hintOf(kid, alg, keys)}${retryAfter === null ? '' : notFetched(retryAfter)}`;
    },
  };
}

function notFetched(seconds: number): string {
  return `. It may have come since: keys.cooldown allows the next fetch in ${seconds} s, and until then the token does not count as forged`;
}

function hintWithoutKid(alg: string, fitting: number, keys: KeySetStatus | undefined): string {
  if (fitting === 0) return `without one, every key for ${alg} is tried, and there is none; ${known(keys)}`;
  if (fitting > mostKeysTried)
    return `without one, at most ${mostKeysTried} keys are tried, and ${fitting} are for ${alg}`;
  return `without one, every key for ${alg} is tried, and none of them verifies it; ${known(keys)}`;
}

function hintOf(kid: string, alg: string, keys: KeySetStatus | undefined): string {
  const skipped = keys?.skipped.find((key) => key.kid === kid);
  if (skipped) return `the issuer publishes kid ${showKid(kid)}, but it cannot be used: ${skipped.why}`;
  const same = keys?.keys.find((key) => key.kid === kid);
  if (same) return `kid ${showKid(kid)} is a key for ${list(same.algorithms)}, not for ${alg}`;
  return `kid ${showKid(kid)} is not among ${known(keys)}`;
}

/** `the issuer's keys (k1, k2, fetched 12 s ago)`, and what went wrong since. */
function known(keys: KeySetStatus | undefined): string {
  const kids = keys?.keys.map((key) => (key.kid === null ? 'one without a kid' : showKid(key.kid))) ?? [];
  const failed = keys?.lastError ? `; the last fetch failed: ${keys.lastError.message}` : '';
  return `the issuer's keys (${[...kids.slice(0, 10), fetched(keys)].join(', ')})${failed}`;
}

function fetched(keys: KeySetStatus | undefined): string {
  return keys === undefined || keys.ageMs === null ? 'never fetched' : `fetched ${span(keys.ageMs)} ago`;
}
