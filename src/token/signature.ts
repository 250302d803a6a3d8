import { compactVerify } from 'jose';
import type { VerificationKey } from './key.ts';

/**
 * The first of the keys under which the signature of a compact JWS holds, RFC 7515 section 5.2; undefined if
 * it holds under none.
 */
export async function findSigner(
  token: string,
  algorithm: string,
  keys: readonly VerificationKey[],
): Promise<VerificationKey | undefined> {
  for (const key of keys) {
    if (await holds(token, algorithm, key)) return key;
  }
  return undefined;
}

/** Whatever goes wrong, with the signature or with the key, the signature does not hold. */
async function holds(token: string, algorithm: string, key: VerificationKey): Promise<boolean> {
  try {
    await compactVerify(token, await key.forAlgorithm(algorithm), { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}
