import { createHmac, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportSPKI, importJWK } from 'jose';
import { closeServer } from './close-server.ts';
import type { DemoIssuer } from './issuer.ts';

/** Tokens that a healthy issuer would never give, by name, each made anew for who asks. */
export interface Workshop {
  readonly url: string;
  make(kind: string): Promise<string>;
  close(): Promise<void>;
}

type Maker = () => Promise<string>;

/**
 * Serves odd tokens on 127.0.0.1 (`GET /expired`, …) and rotates the issuer's keys (`POST /rotate`), so that every
 * step of the tour is one line to paste.
 */
export async function startWorkshop(issuer: DemoIssuer, port = 0): Promise<Workshop> {
  const makers = createMakers(issuer);
  const server = createServer((request, response) => {
    respond(request.method ?? '', request.url ?? '').then(
      ({ status, text }) => response.writeHead(status, { 'content-type': 'text/plain' }).end(text),
      () => response.writeHead(500).end('the token could not be made\n'),
    );
  });
  const make = async (kind: string): Promise<string> => {
    const maker = Object.hasOwn(makers, kind) ? makers[kind] : undefined;
    if (maker === undefined) throw new Error(`There is no token "${kind}".`);
    return maker();
  };
  async function respond(method: string, url: string): Promise<{ status: number; text: string }> {
    if (method === 'POST' && url === '/rotate') {
      await issuer.rotate({ keepOld: false });
      return { status: 200, text: 'a new key signs, the old one is withdrawn\n' };
    }
    const kind = url.slice(1);
    if (!Object.hasOwn(makers, kind))
      return { status: 404, text: `one of: ${Object.keys(makers).join(' ')}\n` };
    return { status: 200, text: await make(kind) };
  }
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    make,
    close: () => closeServer(server),
  };
}

function createMakers(issuer: DemoIssuer): Readonly<Record<string, Maker>> {
  const now = () => Math.floor(Date.now() / 1000);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return {
    valid: () => issuer.token(),
    expired: () => issuer.mint({ claims: { iat: now() - 7200, exp: now() - 3600 } }),
    'not-yet-valid': () => issuer.mint({ claims: { nbf: now() + 3600, exp: now() + 7200 } }),
    'wrong-audience': () => issuer.mint({ claims: { aud: 'api://billing' } }),
    'kid-path': () => issuer.mint({ header: { kid: '../../../../dev/null' } }),
    'alg-none': async () => `${part({ alg: 'none' })}.${payloadOf(await issuer.token())}.`,
    hs256: async () => {
      const input = `${part({ alg: 'HS256', kid: issuer.publicJwk().kid })}.${payloadOf(await issuer.token())}`;
      const secret = await exportSPKI((await importJWK(issuer.publicJwk(), 'RS256')) as CryptoKey);
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
    altered: async () => {
      const token = await issuer.token();
      const at = token.lastIndexOf('.') + 20;
      return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    },
    forged: () => issuer.mint({ key: stranger as never }),
  };
}

function part(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

function payloadOf(token: string): string {
  return token.split('.')[1] ?? '';
}
