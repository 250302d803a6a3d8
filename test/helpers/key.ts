import { generateKeyPair, type KeyObject, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';

const generate = promisify(generateKeyPair);

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

/** The asymmetric algorithms that the gateway knows (RFC 7518, RFC 8037). */
export const algorithms = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA'] as const),
] as const;

export type Algorithm = (typeof algorithms)[number];

export interface TestKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** As a JWKS publishes it, with `kid`, `alg` and `use`. */
  readonly publicJwk: JWK;
}

/** Makes a key pair; `bits` is the length of an RSA modulus. */
export async function makeKey(
  alg: Algorithm = 'RS256',
  { kid = randomUUID() as string, bits = 2048 } = {},
): Promise<TestKey> {
  const { privateKey, publicKey } = await generatePair(alg, bits);
  const publicJwk = { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' };
  return { kid, alg, privateKey, publicKey, publicJwk };
}

function generatePair(alg: Algorithm, bits: number) {
  if (alg === 'EdDSA') return generate('ed25519');
  if (alg === 'ES256' || alg === 'ES384' || alg === 'ES512')
    return generate('ec', { namedCurve: curves[alg] });
  return generate('rsa', { modulusLength: bits });
}
