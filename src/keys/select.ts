import type { ReadKeySet } from './jwk.ts';
import type { PublishedKey } from './key.ts';

/** A key set with a way in by key id. */
export interface KeyIndex extends ReadKeySet {
  /** Every published id; of one whose keys are all skipped, an empty list. */
  readonly byKid: ReadonlyMap<string, readonly PublishedKey[]>;
}

export function indexKeys({ keys, skipped }: ReadKeySet): KeyIndex {
  const byKid = new Map<string, PublishedKey[]>();
  for (const { kid } of skipped) if (kid !== null) byKid.set(kid, []);
  for (const key of keys) {
    if (key.kid === undefined) continue;
    const sameKid = byKid.get(key.kid);
    if (sameKid === undefined) byKid.set(key.kid, [key]);
    else sameKid.push(key);
  }
  return { keys, skipped, byKid };
}

/** A forged token costs a verification under each key that fits it: with more of them than this none is tried. */
export const mostKeysTried = 4;

/**
 * The keys to try for a token's `alg` and `kid`; none where the set says that there is no such key; undefined where it
 * does not know the `kid`, so that a newer set might. Without `kid`, all that fit.
 */
export function selectKeys(
  index: KeyIndex,
  algorithm: string,
  kid: string | undefined,
): readonly PublishedKey[] | undefined {
  const named = kid === undefined ? index.keys : index.byKid.get(kid);
  return named?.filter((key) => key.fits(algorithm));
}

/** The keys that fit an `alg` and have no id by which a token could name them. */
export function selectNameless({ keys }: KeyIndex, algorithm: string): readonly PublishedKey[] {
  return keys.filter((key) => key.kid === undefined && key.fits(algorithm));
}
