import { constants, type KeyObject, verify } from 'node:crypto';
import type { VerificationKey } from './key.ts';
import type { UnverifiedToken } from './read.ts';

/** How the signatures of one JWS algorithm are verified, and by which keys alone. */
interface Scheme {
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  /** Null: the algorithm has its own. */
  readonly hash: string | null;
  readonly curve?: string;
  readonly padding?: number;
  readonly saltLength?: number;
  readonly dsaEncoding?: 'ieee-p1363';
  /** In bytes, where it is the same for all keys. */
  readonly signatureLength?: number;
}

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;

/** RFC 7518 section 3.3 and 3.5: RSA, with the salt as long as the hash. */
function rsa(bits: number, padding: number): Scheme {
  return { keyType: 'rsa', hash: `sha${bits}`, padding, saltLength: RSA_PSS_SALTLEN_DIGEST };
}

/** RFC 7518 section 3.4: both integers of the signature, as long as the curve's order. */
function ecdsa(bits: number, curve: string, signatureLength: number): Scheme {
  return { keyType: 'ec', hash: `sha${bits}`, curve, signatureLength, dsaEncoding: 'ieee-p1363' };
}

const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['RS256', rsa(256, RSA_PKCS1_PADDING)],
  ['RS384', rsa(384, RSA_PKCS1_PADDING)],
  ['RS512', rsa(512, RSA_PKCS1_PADDING)],
  ['PS256', rsa(256, RSA_PKCS1_PSS_PADDING)],
  ['PS384', rsa(384, RSA_PKCS1_PSS_PADDING)],
  ['PS512', rsa(512, RSA_PKCS1_PSS_PADDING)],
  ['ES256', ecdsa(256, 'prime256v1', 64)],
  ['ES384', ecdsa(384, 'secp384r1', 96)],
  ['ES512', ecdsa(512, 'secp521r1', 132)],
  // RFC 8037 section 3.1, and RFC 9864 section 2.2 by its newer name.
  ['EdDSA', { keyType: 'ed25519', hash: null, signatureLength: 64 }],
  ['Ed25519', { keyType: 'ed25519', hash: null, signatureLength: 64 }],
]);

/** RFC 7518 section 3.3. */
const leastRsaBits = 2048;

/**
 * The first of the keys under which the signature of a compact JWS holds, RFC 7515 section 5.2; undefined if
 * it holds under none.
 *
 * It verifies in the turn of the request: handing the work to a thread and waiting for it costs more than the work.
 */
export function findSigner(
  { signingInput, signature }: Pick<UnverifiedToken, 'signingInput' | 'signature'>,
  algorithm: string,
  keys: readonly VerificationKey[],
): VerificationKey | undefined {
  const scheme = schemes.get(algorithm);
  if (scheme === undefined) return undefined;
  if (scheme.signatureLength !== undefined && signature.length !== scheme.signatureLength) return undefined;
  return keys.find((key) => holds(signingInput, signature, scheme, key.forAlgorithm(algorithm)));
}

/** Whatever goes wrong, with the signature or with the key, the signature does not hold. */
function holds(
  input: Uint8Array,
  signature: Uint8Array,
  scheme: Scheme,
  key: KeyObject | undefined,
): boolean {
  if (key === undefined || !fits(key, scheme)) return false;
  const { hash, padding, saltLength, dsaEncoding } = scheme;
  try {
    return verify(hash, input, { key, padding, saltLength, dsaEncoding } as never, signature);
  } catch {
    return false;
  }
}

/** No algorithm gets to read a key that is not of its kind, RFC 8725 section 3.1; a secret is not even looked at. */
function fits(key: KeyObject, { keyType, curve }: Scheme): boolean {
  if (key.type !== 'public' || key.asymmetricKeyType !== keyType) return false;
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  return keyType === 'rsa' ? modulusLength >= leastRsaBits : namedCurve === curve;
}
