import { KeyObject, type webcrypto } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { withOtherNames } from '../algorithms.ts';
import { describeDocument } from './describe-document.ts';
import { FetchError } from './error.ts';
import { isObject } from './json.ts';
import { PublishedKey } from './key.ts';
import { findFault, findWeakness, type Jwk } from './key-fault.ts';
import { readKeyIssuer } from './key-issuer.ts';
import type { KeyStatus, SkippedKey } from './status.ts';

export interface ReadOptions {
  /** The configured issuer. A key that names another issuer as its own is skipped. */
  readonly issuer: string;
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
 * Reads a JWK Set (RFC 7517 section 5). A key that cannot be used is skipped and takes no other one down; a member
 * that is null counts as absent, since some issuers write every member that they know of.
 * Rejects with a {@link FetchError} `not_key_set`, `too_many_keys` or `no_usable_key`.
 */
export async function readKeySet(document: unknown, options: ReadOptions): Promise<ReadKeySet> {
  const published = isObject(document) ? document.keys : undefined;
  if (!Array.isArray(published))
    throw new FetchError('not_key_set', `the document is not a JWK Set: ${describeDocument(document)}`);
  if (published.length > options.maxKeys) {
    throw new FetchError(
      'too_many_keys',
      `the set has ${published.length} keys, more than ${options.maxKeys}`,
    );
  }
  const known = new Map(options.known?.map((key) => [identityOf(key), key]));
  const read = await Promise.all(published.map((jwk) => readKey(jwk, options, known)));
  const usable = read.filter((result) => result instanceof PublishedKey);
  const unusable = read.filter((result): result is Unusable => 'why' in result);
  if (usable.length === 0) throw new FetchError('no_usable_key', describeUnusable(unusable, options));
  // A key listed twice is one key.
  const distinct = new Map(usable.map((key) => [identityOf(key), key]));
  return { keys: [...distinct.values()], skipped: unusable.map(({ kid, why }) => ({ kid, why })) };
}

type KeyType = KeyStatus['type'];
type Known = ReadonlyMap<string, PublishedKey>;

interface Unusable extends SkippedKey {
  /** The algorithm that it is for, where that is all that speaks against it. */
  readonly algorithm?: string;
}

/** RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2. */
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
  Ed25519: { type: 'OKP', curve: 'Ed25519' },
};

/** The members of a public key, RFC 7518 section 6 and RFC 8037 section 2. */
const publicMembers: Readonly<Record<KeyType, readonly string[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
};

async function readKey(
  published: unknown,
  options: ReadOptions,
  known: Known,
): Promise<PublishedKey | Unusable> {
  if (!isObject(published)) return { kid: null, why: 'it is not an object' };
  const jwk: Jwk = Object.fromEntries(Object.entries(published).filter(([, value]) => value !== null));
  const kid = typeof jwk.kid === 'string' ? jwk.kid : null;
  const fault = findFault(jwk);
  if (fault !== undefined) return { kid, why: fault };
  const owner = readKeyIssuer(jwk.issuer, options.issuer);
  if (owner === undefined) return { kid, why: 'it names another issuer as its own' };
  const algorithms = options.algorithms.filter((algorithm) => serves(jwk, algorithm));
  if (algorithms.length === 0) return { kid, ...describeMismatch(jwk, options.algorithms) };
  try {
    const type = jwk.kty as KeyType;
    const half: JWK = Object.fromEntries(publicMembers[type].map((member) => [member, jwk[member]]));
    const status: KeyStatus = { kid, thumbprint: await calculateJwkThumbprint(half), type, algorithms };
    const same = known.get(identityOf({ status, tenant: owner.tenant }));
    return same ?? (await importKey(half, { status, tenant: owner.tenant }, options.minRsaBits));
  } catch {
    return { kid, why: 'its members do not make a valid key' };
  }
}

async function importKey(
  half: JWK,
  { status, tenant }: Pick<PublishedKey, 'status' | 'tenant'>,
  minRsaBits: number,
): Promise<PublishedKey | Unusable> {
  const imported = new Map<string, KeyObject>();
  for (const algorithm of withOtherNames(status.algorithms)) {
    const key = (await importJWK(half, algorithm)) as CryptoKey;
    const weakness =
      status.type === 'RSA'
        ? findWeakness(half, key.algorithm as webcrypto.RsaHashedKeyAlgorithm, minRsaBits)
        : undefined;
    if (weakness !== undefined) return { kid: status.kid, why: weakness };
    imported.set(algorithm, KeyObject.from(key));
  }
  return new PublishedKey(status, imported, tenant);
}

function serves(jwk: Jwk, algorithm: string): boolean {
  const use = uses[algorithm];
  return (
    use !== undefined &&
    jwk.kty === use.type &&
    (use.curve === undefined || jwk.crv === use.curve) &&
    (jwk.alg === undefined || withOtherNames([algorithm]).includes(jwk.alg as string))
  );
}

function describeMismatch(jwk: Jwk, algorithms: readonly string[]): Omit<Unusable, 'kid'> {
  const [algorithm] = Object.keys(uses).filter((each) => serves(jwk, each));
  if (algorithm === undefined) return { why: 'it fits none of the configured algorithms' };
  // Without alg, an RSA key is for any of six.
  const name = jwk.alg === undefined && jwk.kty === 'RSA' ? 'RSA' : algorithm;
  return { why: `it is a key for ${name}; algorithms is [${algorithms.join(', ')}]`, algorithm: name };
}

function describeUnusable(unusable: readonly Unusable[], { algorithms }: ReadOptions): string {
  const others = new Set(unusable.flatMap(({ algorithm }) => algorithm ?? []));
  if (others.size > 0) {
    return `the set has no usable key: its keys are ${[...others].join(', ')}; algorithms is [${algorithms.join(', ')}]`;
  }
  const reason = unusable[0] === undefined ? 'it is empty' : `the first: ${unusable[0].why}`;
  return `the set has no usable key (${reason})`;
}

function identityOf({ status, tenant }: Pick<PublishedKey, 'status' | 'tenant'>): string {
  const { kid, thumbprint, algorithms } = status;
  return JSON.stringify([kid, thumbprint, algorithms, tenant]);
}
