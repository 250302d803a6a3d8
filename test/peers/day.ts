import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { ConfigError } from '../../src/config/fault.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { ask, deadUrl, sendRaw } from '../gateway/wire.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';

/** Two replicas to which everything happens that can happen to a sidecar. */
export interface Day {
  readonly gateways: readonly [TestGateway, TestGateway];
  /** A day in miniature; each time it happens anew. */
  pass(): Promise<void>;
}

interface Places {
  readonly issuer: FakeIssuer;
  readonly flaky: FakeIssuer;
  readonly never: string;
  readonly echo: string;
  readonly sockets: string;
  readonly slow: string;
  readonly dead: string;
}

/** The pass at whose end the second replica ends. */
const drained = 3;

function configOf({ issuer, flaky, never, echo, sockets, slow, dead }: Places): ConfigInput {
  const keys = { refresh: '1s', timeout: '1s' } as const;
  return {
    upstream: echo,
    upstreams: { sockets, dead, slow: { url: slow, headersTimeout: '50ms' } },
    issuers: [
      { issuer: issuer.issuer, audience: issuer.audience, keys },
      { issuer: flaky.issuer, audience: flaky.audience, keys },
      { issuer: never, audience: 'a' },
    ],
    token: { cache: { maxEntries: 2 } },
    failureLimit: { max: 3, blockFor: '2s' },
    rules: [
      { name: 'chat', path: '/chat', upstream: 'sockets' },
      { name: 'dead', path: '/dead', auth: 'none', upstream: 'dead' },
      { name: 'slow', path: '/slow', auth: 'none', upstream: 'slow' },
      { name: 'admin', path: '/admin', scopes: ['admin'] },
      { name: 'reported', path: '/reported', scopes: ['admin'], mode: 'report' },
      { name: 'tenant', path: '/t/:tenant', claims: { tenant: { equals: '{tenant}' } } },
    ],
    drain: { delay: 0, timeout: '2s' },
  };
}

export async function startDay(t: Test): Promise<Day> {
  const [issuer, flaky, echo] = await Promise.all([startFakeIssuer(t), startFakeIssuer(t), startEcho(t)]);
  const [sockets, slow] = await Promise.all([startSocketServer(t), startSlow(t)]);
  const places = {
    issuer,
    flaky,
    echo: echo.url,
    sockets,
    slow,
    never: await deadUrl(),
    dead: await deadUrl(),
  };
  const config = configOf(places);
  const gateway = await startGateway(t, config);
  const other = await startGateway(t, { ...config, mode: 'report', listen: { maxConnections: 2 } });
  let passed = 0;
  return {
    gateways: [gateway, other],
    async pass() {
      passed++;
      // Later ones would wait for the cooldown, and good tokens count as forged until then.
      if (passed <= 2) await rotate(issuer);
      flaky.respond(passed % 2 ? (_request, response) => response.writeHead(500).end() : undefined);
      await reload(gateway, config);
      await allow(gateway, issuer);
      await refuse(gateway, places);
      await fail(gateway);
      await openSocket(t, gateway, issuer);
      if (passed <= drained) {
        await other.get('/admin', issuer.mint());
        await overload(other);
      }
      // Nothing that a client does leads there.
      gateway.server.metrics.refusals.of('internal_error').value++;
      if (passed === drained) await drain(t, other);
    },
  };
}

async function rotate(issuer: FakeIssuer): Promise<void> {
  await issuer.rotate();
  issuer.publish([
    ...issuer.keys.map(({ publicJwk }) => publicJwk),
    { kty: 'oct', k: 'AAAA', kid: 'secret' },
  ]);
}

async function reload(gateway: TestGateway, config: ConfigInput): Promise<void> {
  await gateway.reload(config);
  await gateway.reload({ ...config, mode: 'strict' as 'report' }).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
  });
}

async function allow(gateway: TestGateway, issuer: FakeIssuer): Promise<void> {
  for (const token of [issuer.mint(), issuer.mint(), issuer.mint()])
    for (const path of ['/orders', '/orders', '/reported']) await gateway.get(path, token);
}

/** Each from a client of its own, save the forger, who meets the limit. */
async function refuse(gateway: TestGateway, { issuer, never }: Places): Promise<void> {
  const unheard = await makeKey();
  const past = Math.floor(Date.now() / 1000) - 600;
  const tokens = [
    issuer.mint({ claims: { exp: past, iat: past - 300 } }),
    issuer.mint({ claims: { aud: 'api://billing' } }),
    issuer.mint({ claims: { iss: 'https://stranger.example' } }),
    issuer.mint({ claims: { iss: never } }),
    issuer.mint({ header: { alg: 'none' } }),
    issuer.mint({ header: { crit: ['b64'] } }),
    issuer.mint({ key: unheard }),
    'no.token',
  ];
  for (const [index, token] of tokens.entries())
    await gateway.request({
      path: '/orders',
      headers: { authorization: `Bearer ${token}` },
      localAddress: `127.0.1.${index + 1}`,
    });
  for (let i = 0; i < 5; i++) {
    const forged = `${issuer.mint().slice(0, -6)}AAAAAA`;
    await gateway.request({
      path: '/orders',
      headers: { authorization: `Bearer ${forged}` },
      localAddress: '127.0.2.1',
    });
  }
  await gateway.get('/orders');
  await gateway.get('/admin', issuer.mint());
  await gateway.get('/t/acme', issuer.mint({ claims: { tenant: 'globex' } }));
  await gateway.get('/open/../x');
  await sendRaw(gateway, ask('CONNECT a:80'));
}

async function fail(gateway: TestGateway): Promise<void> {
  await gateway.get('/dead');
  await gateway.get('/slow');
}

async function openSocket(t: Test, gateway: TestGateway, issuer: FakeIssuer): Promise<void> {
  const url = `${gateway.url.replace('http', 'ws')}/chat`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${issuer.mint()}` } });
  t.teardown(() => socket.terminate());
  await once(socket, 'open');
}

/** One connection more than it may have. */
async function overload(gateway: TestGateway): Promise<void> {
  const held = [await gateway.raw(), await gateway.raw()];
  const third = await gateway.raw();
  await third.response();
  for (const each of [...held, third]) {
    each.halfClose();
    await each.closed();
  }
}

/** Ends while a connection is busy, and another one still sends; both are left to the drain's timeout. */
async function drain(t: Test, gateway: TestGateway): Promise<void> {
  const [busy, late] = [await gateway.raw(), await gateway.raw()];
  await busy.send('POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab');
  await late.send(ask('GET /orders'));
  await late.response();
  const ended = gateway.server.drain();
  t.teardown(() => ended);
  await gateway.lineWhere(({ msg }) => msg === 'closing');
  await late.send(ask('GET /orders'));
  await late.response();
}

async function startSocketServer(t: Test): Promise<string> {
  const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({ server });
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close().closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An upstream that never answers. */
async function startSlow(t: Test): Promise<string> {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
