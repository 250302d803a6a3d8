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

/**
 * The keys to try for a token's `alg` and `kid`; none where the set says that there is no such key; undefined where it
 * does not know the `kid`, so that a newer set might. Without `kid`, the one key that fits, if it is one.
 */
export function selectKeys(
  index: KeyIndex,
  algorithm: string,
  kid: string | undefined,
): readonly PublishedKey[] | undefined {
  if (kid !== undefined) return index.byKid.get(kid)?.filter((key) => key.fits(algorithm));
  const fitting = index.keys.filter((key) => key.fits(algorithm));
  return fitting.length === 1 ? fitting : [];
}
