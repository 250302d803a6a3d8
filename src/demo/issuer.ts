import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CryptoKey, JWK } from 'jose';
import { closeServer } from './close-server.ts';
import { loadProvider } from './load-provider.ts';
import { type MintOptions, mint } from './mint.ts';
import { createProvider } from './provider.ts';
import { requestToken, type TokenRequest } from './request-token.ts';
import { generateSigningKey, type SigningKey } from './signing-key.ts';

export interface IssuerOptions {
  /** Port on 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** What a token may be for; the first unless it asks otherwise. Default `api://orders` and `api://billing`. */
  readonly audiences?: readonly [string, ...string[]];
  /** Default `orders:read`, `orders:write` and `orders:admin`. */
  readonly scopes?: readonly string[];
  /** Default `demo`. */
  readonly clientId?: string;
  /** Default a random one. */
  readonly clientSecret?: string;
  /** Milliseconds that a token is valid for; whole seconds count. Default five minutes. */
  readonly lifetime?: number;
}

export interface Rotation {
  /** Whether the key that signed until now stays published. Default true; one before it never does. */
  readonly keepOld?: boolean;
}

/** A running OpenID Connect issuer. */
export interface DemoIssuer {
  readonly issuer: string;
  /** Where it listens: the same as `issuer`. */
  readonly url: string;
  readonly jwksUri: string;
  readonly tokenEndpoint: string;
  readonly audience: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** How often each was asked for. */
  readonly fetches: { readonly metadata: number; readonly jwks: number };
  /** A token from the token endpoint. Rejects when the issuer refuses. */
  token(request?: TokenRequest): Promise<string>;
  /** A token that a healthy issuer would not give, signed with the current key. */
  mint(options?: MintOptions): Promise<string>;
  /** The key that signs, as it is published. */
  publicJwk(): JWK;
  /** The key that signs. */
  privateKey(): CryptoKey;
  /** Once resolved, a new key signs and is published, under the same URL. */
  rotate(rotation?: Rotation): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts an issuer on 127.0.0.1: oidc-provider with discovery, JWKS and the client credentials grant.
 *
 * @throws DemoUnavailableError where oidc-provider is not installed or Node.js is too old for it.
 */
export async function startIssuer(options: IssuerOptions = {}): Promise<DemoIssuer> {
  const [Provider, firstKey] = await Promise.all([loadProvider(), generateSigningKey()]);
  const server = createServer();
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const settings = complete(options, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  // oidc-provider reads its keys but once, so that a rotation swaps the whole provider behind the port.
  const serve = (keys: readonly SigningKey[]) => createProvider(Provider, { ...settings, keys }).callback();
  const fetches = { metadata: 0, jwks: 0 };
  let key = firstKey;
  let answer = serve([key]);
  server.on('request', (request, response) => {
    if (request.url === '/jwks') fetches.jwks += 1;
    if (request.url?.startsWith('/.well-known/')) fetches.metadata += 1;
    void answer(request, response);
  });

  return {
    ...settings,
    url: settings.issuer,
    fetches,
    token: (request) => requestToken(settings, request),
    mint: (content) => mint(settings, key, content),
    publicJwk: () => key.publicJwk,
    privateKey: () => key.privateKey,
    rotate: async ({ keepOld = true } = {}) => {
      const next = await generateSigningKey();
      answer = serve(keepOld ? [next, key] : [next]);
      key = next;
    },
    close: () => closeServer(server),
  };
}

function complete(options: IssuerOptions, issuer: string) {
  const audiences = options.audiences ?? (['api://orders', 'api://billing'] as const);
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    tokenEndpoint: `${issuer}/token`,
    audiences,
    audience: audiences[0],
    scopes: options.scopes ?? ['orders:read', 'orders:write', 'orders:admin'],
    clientId: options.clientId ?? 'demo',
    clientSecret: options.clientSecret ?? randomBytes(24).toString('base64url'),
    lifetime: options.lifetime ?? 300_000,
  };
}
