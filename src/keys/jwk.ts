import { KeyObject, type webcrypto } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { FetchError } from './error.ts';
import { isObject } from './json.ts';
import { PublishedKey } from './key.ts';
import type { KeyStatus, SkippedKey } from './status.ts';

export interface ReadOptions {
  readonly algorithms: readonly string[];
  readonly minRsaBits: number;
  readonly maxKeys: number;
  /** Keys of the set before: one that is published unchanged stays the same object. */
  readonly known?: readonly PublishedKey[];
}

export interface ReadKeySet {
  /** In the order of the document, never empty. */
  readonly keys: readonly PublishedKey[];
  readonly skipped: readonly SkippedKey[];
}

/**
 * Reads a JWK Set (RFC 7517 section 5). A key that cannot be used is skipped and takes no other one down.
 * Rejects with a {@link FetchError} `not_key_set`, `too_many_keys` or `no_usable_key`.
 */
export async function readKeySet(document: unknown, options: ReadOptions): Promise<ReadKeySet> {
  const published = isObject(document) ? document.keys : undefined;
  if (!Array.isArray(published)) throw new FetchError('not_key_set', 'the document is not a JWK Set');
  if (published.length > options.maxKeys) {
    throw new FetchError(
      'too_many_keys',
      `the set has ${published.length} keys, more than ${options.maxKeys}`,
    );
  }
  const known = new Map(options.known?.map((key) => [identityOf(key.status), key]));
  const read = await Promise.all(published.map((jwk) => readKey(jwk, options, known)));
  const usable = read.filter((result) => result instanceof PublishedKey);
  const skipped = read.filter((result): result is SkippedKey => 'why' in result);
  if (usable.length === 0) {
    const reason = skipped[0] === undefined ? 'it is empty' : `the first: ${skipped[0].why}`;
    throw new FetchError('no_usable_key', `the set has no usable key (${reason})`);
  }
  // A key listed twice is one key: a token without kid must not find it ambiguous.
  const distinct = new Map(usable.map((key) => [identityOf(key.status), key]));
  return { keys: [...distinct.values()], skipped };
}

type Jwk = Readonly<Record<string, unknown>>;
type KeyType = KeyStatus['type'];
type Known = ReadonlyMap<string, PublishedKey>;
type RsaParameters = webcrypto.RsaHashedKeyAlgorithm;

/** RFC 7518 section 3.1, RFC 8037 section 3.1. */
const uses: Readonly<Record<string, { readonly type: KeyType; readonly curve?: string }>> = {
  RS256: { type: 'RSA' },
  RS384: { type: 'RSA' },
  RS512: { type: 'RSA' },
  PS256: { type: 'RSA' },
  PS384: { type: 'RSA' },
  PS512: { type: 'RSA' },
  ES256: { type: 'EC', curve: 'P-256' },
  ES384: { type: 'EC', curve: 'P-384' },
  ES512: { type: 'EC', curve: 'P-521' },
  EdDSA: { type: 'OKP', curve: 'Ed25519' },
};

/** The members of a public key, RFC 7518 section 6 and RFC 8037 section 2. Private ones are left behind. */
const publicMembers: Readonly<Record<KeyType, readonly string[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
};

async function readKey(jwk: unknown, options: ReadOptions, known: Known): Promise<PublishedKey | SkippedKey> {
  if (!isObject(jwk)) return { kid: null, why: 'it is not an object' };
  const kid = typeof jwk.kid === 'string' ? jwk.kid : null;
  const fault = findFault(jwk);
  if (fault !== undefined) return { kid, why: fault };
  const algorithms = options.algorithms.filter((algorithm) => serves(jwk, algorithm));
  if (algorithms.length === 0) return { kid, why: 'it fits none of the configured algorithms' };
  try {
    const type = jwk.kty as KeyType;
    const half: JWK = Object.fromEntries(publicMembers[type].map((member) => [member, jwk[member]]));
    const status: KeyStatus = { kid, thumbprint: await calculateJwkThumbprint(half), type, algorithms };
    return known.get(identityOf(status)) ?? (await importKey(half, status, options.minRsaBits));
  } catch {
    return { kid, why: 'its members do not make a valid key' };
  }
}

async function importKey(
  half: JWK,
  status: KeyStatus,
  minRsaBits: number,
): Promise<PublishedKey | SkippedKey> {
  const imported = new Map<string, KeyObject>();
  for (const algorithm of status.algorithms) {
    const key = (await importJWK(half, algorithm)) as CryptoKey;
    const weakness =
      status.type === 'RSA' ? findWeakness(key.algorithm as RsaParameters, minRsaBits) : undefined;
    if (weakness !== undefined) return { kid: status.kid, why: weakness };
    imported.set(algorithm, KeyObject.from(key));
  }
  return new PublishedKey(status, imported);
}

function findFault(jwk: Jwk): string | undefined {
  if (jwk.kid !== undefined && typeof jwk.kid !== 'string') return 'its kid is not a string';
  if (jwk.kty === 'oct') return 'it is a symmetric key, which nobody may publish';
  if (jwk.use !== undefined && jwk.use !== 'sig') return 'its use is not sig';
  const operations = jwk.key_ops;
  const verifies = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  return verifies ? undefined : 'its key_ops do not include verify';
}

function serves(jwk: Jwk, algorithm: string): boolean {
  const use = uses[algorithm];
  return (
    use !== undefined &&
    jwk.kty === use.type &&
    (use.curve === undefined || jwk.crv === use.curve) &&
    (jwk.alg === undefined || jwk.alg === algorithm)
  );
}

const largestExponent = 2n ** 64n;

function findWeakness(
  { modulusLength, publicExponent }: RsaParameters,
  minRsaBits: number,
): string | undefined {
  if (modulusLength < minRsaBits)
    return `its RSA modulus has ${modulusLength} bits, fewer than ${minRsaBits}`;
  // With an exponent of 1 anybody signs: RFC 8017 section 3.1 wants 3 or more, and odd.
  const exponent = BigInt(`0x${Buffer.from(publicExponent).toString('hex')}`);
  if (exponent < 3n || exponent % 2n === 0n) return 'its RSA exponent is not an odd number above 1';
  // Every request waits while a signature is verified, and the time grows with each bit of it.
  return exponent > largestExponent ? 'its RSA exponent has more than 64 bits' : undefined;
}

function identityOf({ kid, thumbprint, algorithms }: KeyStatus): string {
  return JSON.stringify([kid, thumbprint, algorithms]);
}
