import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { forge } from '../helpers/forge.ts';
import { startGateway } from '../helpers/gateway.ts';
import { makeKey } from '../helpers/key.ts';
import { request } from '../helpers/request.ts';
import { assertRefused } from './scene.ts';

const count = 100;
type Health = 'well' | 'down' | 'hangs';
const healthOf = (n: number): Health => (n % 10 === 3 ? 'down' : n % 10 === 7 ? 'hangs' : 'well');

t.test('a hundred issuers, some down and some that hang', async (t) => {
  const key = await makeKey('ES256');
  const held: ServerResponse[] = [];
  const asked = new Map<number, number>();
  let mended = false;
  const server = createServer((incoming, response) => {
    const n = Number(/^\/(\d+)\//.exec(incoming.url ?? '')?.[1]);
    asked.set(n, (asked.get(n) ?? 0) + 1);
    if (!mended && healthOf(n) === 'hangs') return void held.push(response);
    if (!mended && healthOf(n) === 'down') return void response.writeHead(503).end();
    response.end(JSON.stringify({ keys: [{ ...key.publicJwk, kid: `key-${n}` }] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const all = Array.from({ length: count }, (_, n) => ({
    issuer: `https://issuer-${n}.example`,
    audience: 'api://orders',
    algorithms: ['ES256' as const],
    jwksUri: `${base}/${n}/jwks`,
    keys: { timeout: '3s' },
  }));
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, issuers: all });
  const mint = (n: number, kid = `key-${n}`) => {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: `https://issuer-${n}.example`, aud: 'api://orders', iat: now, exp: now + 600 };
    return forge({ header: { alg: 'ES256', kid }, payload, alg: 'ES256', key: key.privateKey });
  };
  interface Status {
    readonly issuers: readonly {
      readonly issuer: string;
      readonly state: string;
      readonly lastError: { readonly code: string } | null;
    }[];
  }
  const status = async () => (await request(gateway.admin, { path: '/api/status' })).json() as Status;

  // On a busy machine an issuer that is well may be late at first; it is asked again.
  let { issuers } = await status();
  while (issuers.some(({ state }, n) => healthOf(n) === 'well' && state !== 'fresh')) {
    const heard = gateway.lines.length;
    await gateway.lineWhere(() => gateway.lines.length > heard);
    ({ issuers } = await status());
  }
  t.equal(issuers.length, count);
  for (const [n, { issuer, state, lastError }] of issuers.entries()) {
    const expected = { well: ['fresh', undefined], down: ['never', 'status'], hangs: ['never', 'timeout'] }[
      healthOf(n)
    ];
    t.same([state, lastError?.code], expected, issuer);
  }
  t.equal(
    (await request(gateway.admin, { path: '/readyz' })).status,
    200,
    'ready, since the others have been tried',
  );
  for (let n = 0; n < 20; n++) {
    const answer = await gateway.get('/x', mint(n));
    if (healthOf(n) === 'well') t.equal(answer.status, 200, `issuer ${n}`);
    else assertRefused(t, `issuer ${n}`, answer, 'keys_unavailable');
  }

  // While the fetch for one issuer's unknown key hangs, tokens of all others are judged.
  mended = true;
  const before = asked.get(1) ?? 0;
  let release = () => {};
  const arrived = new Promise<void>((resolve) => {
    server.prependOnceListener('request', (_request, response) => {
      const end = response.end.bind(response);
      response.end = ((body: string) => {
        release = () => end(body);
        resolve();
      }) as never;
    });
  });
  const waiting = gateway.get('/x', mint(1, 'unknown'));
  await arrived;
  for (const n of [0, 2, 4, 5, 6])
    t.equal((await gateway.get('/x', mint(n))).status, 200, `issuer ${n} meanwhile`);
  t.equal((await gateway.get('/x', mint(1))).status, 200, 'and those of its own known keys');
  release();
  assertRefused(t, 'then it is refused', await waiting, 'key_unknown');
  t.equal(asked.get(1), before + 1, 'after one fetch');
  t.equal(await gateway.metric('jwks_sidecar_jwks_keys{issuer="https://issuer-99.example"}'), 1);
});

t.test('a flood of unknown key ids from many clients, and a rotation in the midst of it', async (t) => {
  const [old, young] = [await makeKey('ES256', { kid: 'old' }), await makeKey('ES256', { kid: 'young' })];
  let published = [old];
  const server = createServer((_request, response) => {
    response.end(JSON.stringify({ keys: published.map(({ publicJwk }) => publicJwk) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [
      {
        issuer,
        audience: 'a',
        algorithms: ['ES256'],
        jwksUri: `${issuer}/jwks`,
        keys: { cooldown: '1h', refresh: '5s', timeout: '5s' },
      },
    ],
  });
  const mint = (kid: string, key = old) => {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: issuer, aud: 'a', iat: now, exp: now + 600 };
    return forge({ header: { alg: 'ES256', kid }, payload, alg: 'ES256', key: key.privateKey });
  };
  const flood = async (client: number) => {
    for (let n = 0; n < 10; n++) {
      const headers = { authorization: `Bearer ${mint(`random-${client}-${n}`)}` };
      const answer = await gateway.request({ path: '/x', headers, localAddress: `127.0.1.${client}` });
      if (answer.status !== 401) t.fail(`${answer.status} for an unknown key`);
    }
  };
  const floods = Array.from({ length: 40 }, (_, client) => flood(client + 1));
  const honest = mint('old');
  for (let n = 0; n < 50; n++)
    t.equal((await gateway.get('/x', honest)).status, 200, 'an honest client passes');
  await Promise.all(floods);
  const asked = `jwks_sidecar_jwks_fetches_total{issuer="${issuer}",result="success",trigger="unknown_key"}`;
  t.ok((await gateway.metric(asked)) <= 5, '400 unknown keys cause five fetches at most');
  published = [young, old];
  await gateway.lineWhere(
    ({ msg, added }) => msg === 'keys changed' && JSON.stringify(added).includes('young'),
  );
  t.equal(
    (await gateway.get('/x', mint('young', young))).status,
    200,
    'a new key serves from the next refresh on',
  );
  t.ok((await gateway.metric(asked)) <= 5, 'though nobody could ask for it');
});
