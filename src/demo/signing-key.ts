import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** What a JWKS publishes. */
  readonly publicJwk: JWK;
  /** Only for the process that signs. */
  readonly privateJwk: JWK;
}

/** Makes a 2048-bit RSA key for RS256. */
export async function generateSigningKey(): Promise<SigningKey> {
  const pair = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
  const published = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(published);
  const names = { kid, alg: 'RS256', use: 'sig' };
  return {
    kid,
    privateKey: pair.privateKey,
    publicJwk: { ...published, ...names },
    privateJwk: { ...(await exportJWK(pair.privateKey)), ...names },
  };
}
