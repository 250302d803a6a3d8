import type { webcrypto } from 'node:crypto';

/** A JSON Web Key as published, without the members that are null. */
export type Jwk = Readonly<Record<string, unknown>>;

/** The members that only the owner of a key may know, RFC 7518 section 6 and RFC 8037 section 2. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** SPIFFE's bundles mark the keys of JSON Web Tokens with a use of their own. */
const signatureUses: ReadonlySet<unknown> = new Set([undefined, 'sig', 'jwt-svid']);

/** Why a key must not verify anything, whatever its algorithm; undefined where nothing speaks against it. */
export function findFault(jwk: Jwk): string | undefined {
  if (jwk.kid !== undefined && typeof jwk.kid !== 'string') return 'its kid is not a string';
  if (jwk.kty === 'oct') return 'it is a symmetric key, which nobody may publish';
  // With the private half in the open, anyone can sign.
  if (privateMembers.some((member) => jwk[member] !== undefined))
    return 'it is published together with its private half, so anyone could sign with it';
  if (!signatureUses.has(jwk.use)) return 'its use is not sig';
  const operations = jwk.key_ops;
  const verifies = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  return verifies ? undefined : 'its key_ops do not include verify';
}

/** OpenSSL verifies with none that is longer. */
const largestModulus = 16_384;
const largestExponent = 2n ** 64n;

/**
 * Why an RSA key is too weak, or too slow to verify with: every request waits while a signature is verified.
 *
 * @param minRsaBits - bits of the smallest modulus that is accepted
 */
export function findWeakness(
  jwk: Jwk,
  { modulusLength, publicExponent }: webcrypto.RsaHashedKeyAlgorithm,
  minRsaBits: number,
): string | undefined {
  if (modulusLength < minRsaBits)
    return `its RSA modulus has ${modulusLength} bits, fewer than ${minRsaBits}`;
  if (modulusLength > largestModulus)
    return `its RSA modulus has ${modulusLength} bits, more than ${largestModulus}`;
  if (isEven(jwk.n)) return 'its RSA modulus is even, so it is not the product of two large primes';
  // With an exponent of 1 anyone can sign: RFC 8017 section 3.1 wants 3 or more, and odd.
  const exponent = BigInt(`0x${Buffer.from(publicExponent).toString('hex')}`);
  if (exponent < 3n || exponent % 2n === 0n) return 'its RSA exponent is not an odd number above 1';
  return exponent > largestExponent ? 'its RSA exponent has more than 64 bits' : undefined;
}

function isEven(modulus: unknown): boolean {
  return ((Buffer.from(String(modulus), 'base64url').at(-1) ?? 0) & 1) === 0;
}
