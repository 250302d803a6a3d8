import type { Test } from 'tap';
import { parse } from 'yaml';
import type { ConfigInput } from '../../src/config/schema.ts';
import { bearer } from '../gateway/scene.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import type { Answer, RequestOptions } from '../helpers/request.ts';
import { readBlocks, readDoc } from './markdown.ts';

const text = readDoc('report-mode.md');
const blocks = readBlocks(text, 'yaml');

export const consoles: readonly string[] = readBlocks(text, 'console');

/** The clients of the page, each at its own address of loopback. */
export type ClientName =
  | 'shop'
  | 'job'
  | 'mobile'
  | 'partner'
  | 'backoffice'
  | 'manager'
  | 'monitor'
  | 'probe';

export interface Walk {
  readonly gateway: TestGateway;
  /** Sends what a client of the page sends. */
  send(name: ClientName, request?: RequestOptions): Promise<Answer>;
  /** Puts the nth config of the page in force, from 0. */
  enter(step: number): Promise<unknown>;
}

/** Starts the sidecar of the page's first config and lets every client do what it does there. */
export async function walk(t: Test): Promise<Walk> {
  const [issuer, echo] = await Promise.all([
    startFakeIssuer(t, { issuer: 'https://idp.example.com' }),
    startEcho(t),
  ]);
  const config = (step: number): ConfigInput => {
    const input = parse(blocks[step] ?? '') as ConfigInput & { issuers: readonly object[] };
    const [first] = input.issuers;
    const issuers = [{ ...first, jwksUri: issuer.jwksUri }] as unknown as ConfigInput['issuers'];
    return { ...input, upstream: echo.url, issuers } as ConfigInput;
  };
  const gateway = await startGateway(t, config(0));

  const now = Math.floor(Date.now() / 1000);
  const token = (claims: object) => bearer(issuer.mint({ claims: { ...claims } }));
  const password = { authorization: 'Basic bmlnaHRseTpzZWNyZXQ=' };
  const clients: Readonly<Record<ClientName, RequestOptions>> = {
    shop: { path: '/orders/42', headers: token({ sub: 'alice', client_id: 'shop' }) },
    job: { method: 'POST', path: '/orders', headers: password, localAddress: '127.0.0.2' },
    mobile: { path: '/orders/7', headers: token({ aud: 'api://shop' }), localAddress: '127.0.0.3' },
    partner: {
      path: '/orders/9',
      headers: token({ iat: now - 90_000, exp: now - 86_400 }),
      localAddress: '127.0.0.4',
    },
    backoffice: { path: '/admin/refunds', headers: token({ sub: 'bob' }), localAddress: '127.0.0.5' },
    manager: {
      path: '/admin/refunds',
      headers: token({ sub: 'carol', scope: 'orders:read orders:admin' }),
      localAddress: '127.0.0.5',
    },
    monitor: { path: '/status', localAddress: '127.0.0.6' },
    probe: { path: '/healthz' },
  };
  const send = (name: ClientName, request: RequestOptions = {}) =>
    gateway.request({ ...clients[name], ...request });

  const times: Readonly<Record<ClientName, number>> = {
    ...{ shop: 1, job: 3, mobile: 3, partner: 1 },
    ...{ backoffice: 1, manager: 1, monitor: 4, probe: 1 },
  };
  for (const [name, count] of Object.entries(times)) {
    for (let i = 0; i < count; i++) {
      const answer = await send(name as ClientName);
      t.equal(answer.status, 200, `${name}: nobody notices`);
      await gateway.line(lastRequestId(echo.seen.at(-1)?.rawHeaders ?? []));
    }
  }
  return { gateway, send, enter: (step) => gateway.reload(config(step)) };
}

function lastRequestId(rawHeaders: readonly string[]): string | undefined {
  return rawHeaders[rawHeaders.findIndex((each) => each.toLowerCase() === 'x-request-id') + 1];
}

/** What the page shows below a command that holds these words, line by line. */
export function shown(words: string): string[] {
  const block = consoles.find((each) => each.includes(words));
  if (block === undefined) throw new Error(`The page shows nothing for ${words}`);
  const [, after = ''] = block.split(words);
  const [, ...lines] = after.split('\n');
  const end = lines.findIndex((line) => line.startsWith('$ '));
  return lines.slice(0, end < 0 ? undefined : end).filter(Boolean);
}
