import { randomUUID } from 'node:crypto';
import { type CompactJWSHeaderParameters, CompactSign, type CryptoKey } from 'jose';
import type { SigningKey } from './signing-key.ts';

export interface MintOptions {
  /** Laid over those of an ordinary token; one that is `undefined` is left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Laid over `alg`, `typ` and `kid`; one that is `undefined` is left out. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs instead of the issuer's key; `kid` still names the issuer's, unless `header` says otherwise. */
  readonly key?: CryptoKey;
}

export interface Minter {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  /** Milliseconds that an ordinary token is valid for; whole seconds count. */
  readonly lifetime: number;
}

/** Signs an access token (RFC 9068) whose claims and header are the caller's to change, sound or not. */
export function mint(minter: Minter, signingKey: SigningKey, options: MintOptions = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: minter.issuer,
    sub: minter.clientId,
    client_id: minter.clientId,
    aud: minter.audience,
    scope: 'orders:read',
    jti: randomUUID(),
    iat,
    exp: iat + Math.floor(minter.lifetime / 1000),
    ...options.claims,
  };
  const header = { alg: 'RS256', typ: 'at+jwt', kid: signingKey.kid, ...options.header };
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader(header as CompactJWSHeaderParameters)
    .sign(options.key ?? signingKey.privateKey);
}
