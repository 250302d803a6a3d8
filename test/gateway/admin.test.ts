import { join } from 'node:path';
import t, { type Test } from 'tap';
import { compileAccess } from '../../src/admin-access.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { connectRaw } from '../helpers/raw.ts';
import { request } from '../helpers/request.ts';
import { bearer, startScene } from './scene.ts';
import { ask, deadUrl, open } from './wire.ts';

const secret = 'an-admin-token-of-32-bytes-or-so!!';

async function start(t: Test, withToken = false) {
  const folder = t.testdir({ token: `${secret}\n` });
  const admin = withToken ? { tokenFile: join(folder, 'token') } : {};
  const scene = await startScene(t, { admin });
  const get = (path: string, headers: Record<string, string> = {}, more: object = {}) =>
    request(scene.gateway.admin, { path, headers, ...more });
  return { ...scene, get };
}

t.test('what is open to all', async (t) => {
  const { get } = await start(t, true);
  for (const headers of [{}, { host: 'sidecar.example:9090' }, { authorization: 'Bearer wrong' }]) {
    const live = await get('/livez', headers);
    t.equal(live.status, 200);
    t.match(live.header('content-type'), /^application\/json/);
    const ready = await get('/readyz', headers);
    t.equal(ready.status, 200);
    const metrics = await get('/metrics', headers);
    t.equal(metrics.status, 200);
    t.equal(metrics.header('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    t.match(metrics.text, /^# HELP /);
    for (const answer of [live, ready, metrics]) t.equal(answer.header('cache-control'), 'no-store');
  }
  t.equal((await get('/livez', {}, { method: 'HEAD' })).status, 200);
});

t.test('who may see the protected part', async (t) => {
  const { get, gateway } = await start(t, true);
  const port = new URL(gateway.admin).port;
  const strange = { host: 'rebound.example' };
  const token = `Bearer ${secret}`.replaceAll('!', '');
  const cases: readonly { name: string; headers: Record<string, string>; status: number }[] = [
    { name: 'this machine', headers: {}, status: 200 },
    { name: 'by its name', headers: { host: `localhost:${port}` }, status: 200 },
    { name: 'by its name, loudly', headers: { host: 'LOCALHOST' }, status: 200 },
    { name: 'by another of its addresses', headers: { host: '127.0.0.53:1' }, status: 200 },
    { name: 'by its IPv6 address', headers: { host: `[::1]:${port}` }, status: 200 },
    { name: 'by a name that a page could point here', headers: strange, status: 401 },
    { name: 'a name that begins alike', headers: { host: 'localhost.example' }, status: 401 },
    { name: 'a name that ends alike', headers: { host: 'not.localhost' }, status: 401 },
    { name: 'a name that looks like an address', headers: { host: '127.0.0.1.example' }, status: 401 },
    { name: 'another address', headers: { host: '10.0.0.1' }, status: 401 },
    { name: 'an address that is none', headers: { host: '127.0.0.999' }, status: 401 },
    { name: 'an empty name', headers: { host: '' }, status: 401 },
    {
      name: 'another, who says to be this one',
      headers: { ...strange, 'x-forwarded-host': 'localhost', 'x-forwarded-for': '127.0.0.1' },
      status: 401,
    },
    {
      name: 'whoever knows the token',
      headers: { ...strange, authorization: `Bearer ${secret}` },
      status: 200,
    },
    { name: 'in any case', headers: { ...strange, authorization: `bearer  ${secret}` }, status: 200 },
    {
      name: 'another token',
      headers: { ...strange, authorization: `Bearer ${secret.replace('a', 'b')}` },
      status: 401,
    },
    { name: 'a part of it', headers: { ...strange, authorization: token }, status: 401 },
    { name: 'more than it', headers: { ...strange, authorization: `Bearer ${secret}x` }, status: 401 },
    {
      name: 'in other letters',
      headers: { ...strange, authorization: `Bearer ${secret.toUpperCase()}` },
      status: 401,
    },
    { name: 'no token', headers: { ...strange, authorization: 'Bearer ' }, status: 401 },
    { name: 'another scheme', headers: { ...strange, authorization: `Basic ${secret}` }, status: 401 },
    { name: 'no scheme', headers: { ...strange, authorization: secret }, status: 401 },
  ];
  for (const { name, headers, status } of cases) {
    const answer = await get('/api/status', headers);
    t.equal(answer.status, status, name);
    if (status === 200) continue;
    t.match(answer.header('www-authenticate'), /^Bearer/, name);
    t.match(answer.header('content-type'), /^application\/problem\+json/, name);
    t.strictSame(
      answer.json(),
      { type: 'about:blank', title: 'Unauthorized', status: 401 },
      `${name}: no word more`,
    );
  }
  t.equal(
    (await request(gateway.url, { path: '/api/status' })).status,
    401,
    'the traffic port knows nothing of it',
  );
});

t.test('without a token file nobody else may', async (t) => {
  const { get } = await start(t);
  t.equal((await get('/api/status')).status, 200);
  for (const authorization of [`Bearer ${secret}`, 'Bearer ', 'Bearer null', 'Bearer undefined', 'Bearer'])
    t.equal((await get('/api/status', { host: 'a.example', authorization })).status, 401, authorization);
});

t.test('a token that could be guessed is none', async (t) => {
  const access = (tokenFile: string) => compileAccess({ tokenFile, tokenRequired: false });
  const folder = t.testdir({ empty: '\n', short: 's'.repeat(31) });
  for (const name of ['empty', 'short'])
    t.throws(() => access(join(folder, name)), /at least 32 bytes/, name);
  t.throws(() => access(join(folder, 'missing')), /ENOENT/);
});

t.test('the status says how it goes, and no secret', async (t) => {
  const { get, gateway, issuer } = await start(t, true);
  const token = issuer.mint();
  await gateway.get('/x', token);
  await gateway.request({ path: '/x', headers: bearer(`${token.slice(0, -6)}AAAAAA`) });
  const answer = await get('/api/status');
  t.match(answer.header('content-type'), /^application\/json/);
  t.equal(answer.header('cache-control'), 'no-store');
  t.match(answer.json(), {
    version: /^\d+\.\d+\.\d+/,
    node: process.version,
    mode: 'enforce',
    phase: 'serving',
    ready: true,
    reasons: [],
    startedAt: /^\d{4}-/,
    uptimeMs: Number,
    issuers: [{ issuer: issuer.issuer, state: 'fresh', keys: [{ kid: issuer.signingKey.kid }] }],
    tokenCache: { entries: 1 },
    failureLimit: { clients: 1, blocked: 0 },
  });
  const { n, x } = issuer.publicJwk();
  for (const hidden of [secret, token, ...token.split('.'), String(n ?? x)])
    t.notOk(answer.text.includes(hidden), 'nothing that is for nobody');
});

t.test('readiness: any issuer, or all', async (t) => {
  const [up, other, down] = await Promise.all([startFakeIssuer(t), startFakeIssuer(t), deadUrl()]);
  const { issuer: alive } = up;
  const trust = (...urls: string[]) => urls.map((issuer) => ({ issuer, audience: 'a' }));
  const cases = [
    { name: 'all are there', readiness: 'all', issuers: trust(alive, other.issuer), reasons: [] },
    { name: 'one is there, and one is enough', readiness: 'any', issuers: trust(alive, down), reasons: [] },
    { name: 'one is not there', readiness: 'all', issuers: trust(alive, down), reasons: [down] },
    { name: 'none is there', readiness: 'any', issuers: trust(down), reasons: [down] },
  ] as const;
  for (const { name, readiness, issuers, reasons } of cases) {
    const gateway = await startGateway(t, { upstream: down, rules: open.rules, issuers, readiness });
    const answer = await request(gateway.admin, { path: '/readyz' });
    t.equal(answer.status, reasons.length === 0 ? 200 : 503, name);
    const said = (answer.json().reasons ?? []) as { code: string; issuer: string }[];
    t.strictSame(
      said.map(({ code, issuer }) => [code, issuer]),
      reasons.map((issuer) => ['keys_unavailable', issuer]),
      name,
    );
  }
});

t.test('what is not there, and what is no request', async (t) => {
  const { get, gateway } = await start(t);
  for (const [path, method] of [
    ['/', 'DELETE'],
    ['/nothing', 'GET'],
    ['/api/nothing', 'GET'],
    ['/api/status/', 'GET'],
    ['/api/../api/status', 'GET'],
    ['/api/status', 'POST'],
    ['/metrics', 'POST'],
    ['/api/%73tatus%', 'GET'],
  ] as const) {
    const answer = await get(path, { host: 'a.example' }, { method });
    t.ok([400, 401, 404, 405].includes(answer.status), `${method} ${path}: ${answer.status}`);
    t.notMatch(answer.text, /node_modules|at \w+ \(|fastify/i, 'and no word about the inside');
  }
  for (const bytes of [
    '\u0000\r\n\r\n',
    ask('FROB /livez'),
    'GET /livez HTTP/1.1\r\n\r\n',
    ask('CONNECT a:80'),
  ]) {
    const raw = await connectRaw(t, gateway.admin);
    await raw.send(bytes);
    raw.halfClose();
    for (const answer of await raw.responses()) {
      t.ok(answer.status >= 400 && answer.status < 500, JSON.stringify(bytes));
      t.notMatch(answer.text, /node_modules|at \w+ \(/);
    }
  }
  t.equal((await get('/livez')).status, 200, 'and lives on');
});
