import { randomBytes } from 'node:crypto';
import { makeKey, type TestKey } from '../../helpers/key.ts';

/** Members of a key as an issuer publishes it, laid over those of the key; one that is `undefined` is left out. */
export type Members = Readonly<Record<string, unknown>>;

/** A key under the id that an issuer would give it. */
export function makeIssuerKey(kid: string): Promise<TestKey> {
  return makeKey('RS256', { kid });
}

export function jwk({ publicJwk }: TestKey, members: Members = {}): object {
  return { ...publicJwk, ...members };
}

/** A certificate and its thumbprint beside a key, which nothing reads: RFC 7517 sections 4.7 and 4.8. */
export function certified(): Members {
  return { x5c: [`MIIC${randomBytes(90).toString('base64')}`], x5t: randomBytes(20).toString('base64url') };
}
