import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: object;
}

/** An issuer of the least: a key set over http and RS256 tokens. */
export async function startIssuer() {
  let keys = [makeKey()];
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    /** Of the newest key, for programs that take no key set. */
    publicKeyPem: () => (keys[0] as Key).publicKey.export({ type: 'spki', format: 'pem' }) as string,
    jwks: () => ({ keys: keys.map(({ jwk }) => jwk) }),
    /** A token of about 700 bytes, of the newest key unless another is named. */
    mint(claims: object = {}, key = keys[0] as Key): string {
      const iat = Math.floor(Date.now() / 1000);
      const payload = {
        iss: issuer,
        aud: 'api://orders',
        sub: 'alice',
        scope: 'orders:read',
        client_id: 'bench',
        jti: randomUUID(),
        iat,
        exp: iat + 600,
        ...claims,
      };
      const input = `${part({ alg: 'RS256', kid: key.kid })}.${part(payload)}`;
      return `${input}.${sign('sha256', Buffer.from(input), key.privateKey).toString('base64url')}`;
    },
    /** Makes a new key the only one published. */
    rotate(): void {
      keys = [makeKey()];
    },
    close: () => server.close(),
  };
}

function makeKey(): Key {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  return {
    kid,
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
  };
}

function part(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}
