import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError } from '../../src/config/fault.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { assertRefused, bearer } from './scene.ts';
import { ask, deadUrl, startTcp, startUpstream } from './wire.ts';

const success = 'jwks_sidecar_config_reloads_total{result="success"}';
const failure = 'jwks_sidecar_config_reloads_total{result="failure"}';

async function scene(t: Test, more: Partial<ConfigInput> = {}) {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const config: ConfigInput = { upstream: echo.url, issuers: [trust(issuer)], ...more };
  const gateway = await startGateway(t, config);
  const status = async () => (await request(gateway.admin, { path: '/api/status' })).json() as Status;
  return { issuer, echo, config, gateway, status };
}

interface Status {
  readonly mode: string;
  readonly config: {
    readonly loadedAt: string;
    readonly needsRestart: readonly string[];
    readonly lastReload: { readonly result: string; readonly faults: readonly string[] } | null;
  };
}

function trust({ issuer, audience }: FakeIssuer) {
  return { issuer, audience };
}

t.test('what has changed is in force, and said', async (t) => {
  const { issuer, config, gateway, status } = await scene(t);
  const token = issuer.mint();
  t.equal((await gateway.get('/x', token)).status, 200);
  t.equal((await status()).config.lastReload, null);
  const rules = [
    { path: '/public', auth: 'none' as const },
    { path: '/x', scopes: ['orders'] },
  ];
  t.strictSame(await gateway.reload({ ...config, rules, unmatched: 'deny' }), { needsRestart: [] });
  t.equal((await gateway.get('/public')).status, 200);
  assertRefused(t, 'a rule that is new', await gateway.get('/x', token), 'scope_insufficient');
  assertRefused(t, 'unmatched', await gateway.get('/y', token), 'path_not_found');
  t.match(await gateway.lineWhere(({ msg }) => msg === 'config reloaded'), { level: 'info' });
  t.equal(await gateway.metric(success), 1);
  t.equal(await gateway.metric(failure), 0);
  const { loadedAt, lastReload } = (await status()).config;
  t.match(lastReload, { result: 'success', faults: [] });
  t.equal(
    await gateway.metric('jwks_sidecar_config_last_reload_timestamp_seconds'),
    Date.parse(loadedAt) / 1000,
  );
  await gateway.reload({ ...config, mode: 'report' });
  t.equal(await gateway.metric('jwks_sidecar_mode{mode="report"}'), 1);
  t.notMatch(await gateway.metrics(), /jwks_sidecar_mode\{mode="enforce"\}/, 'one mode at a time');
  t.equal((await status()).mode, 'report');
});

t.test('what cannot be used changes nothing, and is said', async (t) => {
  const folder = t.testdir({ cert: 'no certificate', key: 'no key', short: 'short' });
  const { issuer, config, gateway, status } = await scene(t);
  const token = issuer.mint();
  const tls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
  const bad: Readonly<Record<string, ConfigInput>> = {
    'a fault': { ...config, mode: 'strict' } as unknown as ConfigInput,
    'a rule that cannot be': { ...config, rules: [{ path: '/x', auth: 'none', upstream: 'nowhere' }] },
    'files that hold no certificate': { ...config, upstream: { url: 'https://127.0.0.1:1', tls } },
    'a listener without a certificate': { ...config, listen: { tls } },
    'a token that could be guessed': { ...config, admin: { tokenFile: join(folder, 'short') } },
    'an issuer that would lose its keys': {
      ...config,
      issuers: [{ ...trust(issuer), jwksUri: `${await deadUrl()}/jwks` }],
    },
  };
  let failed = 0;
  for (const [name, next] of Object.entries(bad)) {
    await t.rejects(gateway.reload({ ...next, unmatched: 'deny' }), name);
    failed++;
    t.equal((await gateway.get('/x', token)).status, 200, `${name}: the old one serves on`);
    t.equal(await gateway.metric(failure), failed, `${name}: is counted`);
    const said = gateway.lines.filter(({ msg }) => msg === 'config not reloaded');
    t.equal(said.length, failed, `${name}: is logged`);
    t.match(said.at(-1), { level: 'error', faults: [/./] });
    const { lastReload } = (await status()).config;
    t.match(lastReload, { result: 'failure' }, `${name}: shows in the status`);
    t.strictSame(lastReload?.faults, said.at(-1)?.faults);
  }
  t.equal(await gateway.metric(success), 0);
  await t.rejects(gateway.reload(bad['a fault'] as ConfigInput), ConfigError);
  await gateway.reload({ ...config, unmatched: 'deny' });
  t.equal((await gateway.get('/x', token)).status, 404, 'and the next good one is taken');
});

t.test('of many faults, some are said', async (t) => {
  const { gateway, status } = await scene(t);
  const faults = Array.from({ length: 100 }, (_, n) => ({ path: `rules[${n}]`, message: 'is wrong' }));
  const load = () => {
    throw new ConfigError(faults);
  };
  await t.rejects(gateway.server.reload(load));
  const { lastReload } = (await status()).config;
  t.equal(lastReload?.faults.length, 21);
  t.equal(lastReload?.faults.at(-1), 'and 80 more');
});

t.test('requests under way end under the config that they began with', async (t) => {
  const held: ServerResponse[] = [];
  let onHeld = () => {};
  const upstream = await startUpstream(t, (_request, response) => {
    held.push(response);
    onHeld();
  });
  const { issuer, config, gateway, echo } = await scene(t, { upstream });
  const raw = await gateway.raw();
  const arrived = new Promise<void>((resolve) => {
    onHeld = resolve;
  });
  await raw.send(ask('GET /x', `Authorization: Bearer ${issuer.mint()}`));
  await arrived;
  held[0]?.write('begun ');
  await once(raw.socket, 'data');
  await gateway.reload({ ...config, upstream: echo.url, unmatched: 'deny', rules: [{ path: '/y' }] });
  t.equal((await gateway.get('/y', issuer.mint())).status, 200);
  t.equal(echo.seen.length, 1, 'a new one goes to the new upstream');
  held[0]?.end('and ended');
  t.match(await raw.response(), { status: 200, text: 'begun and ended', complete: true });
});

t.test('a verification that began before a reload leaves no verdict for after it', async (t) => {
  const { issuer, config, gateway } = await scene(t);
  await issuer.rotate();
  const token = issuer.mint();
  let release = () => {};
  const asked = new Promise<void>((resolve) => {
    issuer.respond((_request, _response, next) => {
      release = next;
      resolve();
    });
  });
  const under = gateway.get('/x', token);
  await asked;
  const issuers = [{ ...trust(issuer), audience: 'api://others' }];
  await gateway.reload({ ...config, issuers });
  release();
  t.equal((await under).status, 200, 'it is judged by what it began with');
  assertRefused(t, 'the same token now', await gateway.get('/x', token), 'audience_mismatch');
  assertRefused(t, 'and again', await gateway.get('/x', token), 'audience_mismatch');
});

t.test('verdicts outlive a reload exactly as long as all that they rest on', async (t) => {
  const hits = 'jwks_sidecar_token_cache_hits_total';
  const { issuer, config, gateway } = await scene(t);
  const token = issuer.mint();
  const cached = async (name: string, config: ConfigInput, more: number) => {
    await gateway.get('/x', token);
    const before = await gateway.metric(hits);
    await gateway.reload(config);
    t.equal(await gateway.metric(hits), before, `${name}: what was counted is not forgotten`);
    await gateway.get('/x', token);
    t.equal((await gateway.metric(hits)) - before, more, name);
  };
  await cached('nothing changed', config, 1);
  await cached('another rule', { ...config, rules: [{ path: '/y' }] }, 1);
  await cached(
    'a rule that reads a claim',
    { ...config, rules: [{ path: '/y', claims: { n: { exists: true } } }] },
    0,
  );
  await cached('another header', { ...config, identity: { headers: { 'X-Verified-Subject': 'sub' } } }, 0);
  await cached('another tolerance', { ...config, issuers: [{ ...trust(issuer), clockTolerance: '1s' }] }, 0);
  await cached('other keys', { ...config, issuers: [{ ...trust(issuer), keys: { refresh: '1m' } }] }, 0);
});

t.test('who is blocked stays blocked', async (t) => {
  const failureLimit = { max: 1, blockFor: '1h', window: '1h' };
  const { issuer, config, gateway } = await scene(t, { failureLimit });
  for (const end of ['AAAAAA', 'BBBBBB']) await gateway.get('/x', `${issuer.mint().slice(0, -6)}${end}`);
  const forged = `${issuer.mint().slice(0, -6)}CCCCCA`;
  assertRefused(t, 'before', await gateway.get('/x', forged), 'client_blocked');
  await gateway.reload({ ...config, unmatched: 'deny', rules: [{ path: '/x' }] });
  assertRefused(t, 'after', await gateway.get('/x', forged), 'client_blocked');
  await gateway.reload({ ...config, failureLimit: null });
  assertRefused(t, 'without a limit', await gateway.get('/x', forged), 'signature_invalid');
});

t.test('issuers come and go', async (t) => {
  const { issuer, config, gateway } = await scene(t, { readiness: 'all' });
  const other = await startFakeIssuer(t);
  const [token, others] = [issuer.mint(), other.mint()];
  assertRefused(t, 'not yet', await gateway.get('/x', others), 'issuer_unknown');
  const fetched = issuer.fetches.jwks;
  const down = { issuer: await deadUrl(), audience: 'a' };
  await gateway.reload({ ...config, issuers: [down, trust(other), trust(issuer)] });
  await gateway.lineWhere((line) => line.msg === 'keys changed' && line.issuer === other.issuer);
  t.equal((await gateway.get('/x', others)).status, 200, 'its keys come by themselves');
  t.equal((await gateway.get('/x', token)).status, 200);
  t.equal(issuer.fetches.jwks, fetched, 'what stays is not fetched again');
  t.equal(
    (await request(gateway.admin, { path: '/readyz' })).status,
    200,
    'one that is down does not take the sidecar out of service',
  );
  await gateway.reload({ ...config, issuers: [trust(issuer)] });
  assertRefused(t, 'no longer', await gateway.get('/x', others), 'issuer_unknown');
  t.notMatch(await gateway.metrics(), `jwks_sidecar_jwks_keys{issuer="${other.issuer}"}`);
});

t.test('connections to an upstream that stays are kept, and to one that goes are not', async (t) => {
  const open = new Set<object>();
  const upstream = await startTcp(t, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
  });
  const { issuer, config, gateway } = await scene(t, {
    upstream: { url: upstream.url, keepAliveTimeout: '1m' },
  });
  const get = async () => (await gateway.get('/x', issuer.mint())).status;
  t.equal(await get(), 200);
  await gateway.reload({ ...config, unmatched: 'deny', rules: [{ path: '/x' }] });
  t.equal(await get(), 200);
  t.equal(upstream.connections, 1);
  const [socket] = open as Set<{ once(event: 'close', listener: () => void): void }>;
  const closed = new Promise<void>((resolve) => socket?.once('close', resolve));
  await gateway.reload({ ...config, upstream: { url: upstream.url, keepAliveTimeout: '30s' } });
  await closed;
  t.equal(await get(), 200);
  t.equal(upstream.connections, 2);
});

t.test('what was decided when the ports were opened waits for a restart', async (t) => {
  const { config, gateway, status } = await scene(t);
  const next = { ...config, listen: { port: 1, maxConnections: 7 }, admin: { port: 2 } };
  const waiting = ['listen.port', 'listen.maxConnections', 'admin.port'];
  t.strictSame(await gateway.reload({ ...next, unmatched: 'deny' }), { needsRestart: waiting });
  t.equal((await gateway.get('/x')).status, 404, 'the rest is in force');
  t.match(await gateway.lineWhere(({ msg }) => msg === 'restart needed'), {
    level: 'warn',
    settings: waiting,
  });
  t.strictSame((await status()).config.needsRestart, waiting);
  await gateway.reload(config);
  t.strictSame((await status()).config.needsRestart, [], 'unless it is taken back');
});

t.test('the level of the log changes', async (t) => {
  const { config, gateway } = await scene(t);
  await gateway.reload({ ...config, log: { level: 'error' } });
  const before = gateway.lines.length;
  await gateway.get('/x');
  await gateway.reload({ ...config, log: { level: 'info' } });
  t.match(gateway.lines.slice(before), [{ msg: 'config reloaded' }]);
});

t.test('one after the other, and none while it ends', async (t) => {
  const { config, gateway, issuer } = await scene(t, { drain: { delay: 0, timeout: '5s' } });
  await Promise.all([
    gateway.reload({ ...config, unmatched: 'deny' }),
    gateway.reload(config),
    t.rejects(gateway.reload({ ...config, upstream: 'nonsense' })),
    gateway.reload({ ...config, rules: [{ path: '/x', scopes: ['a'] }] }),
  ]);
  const answer = await gateway.request({ path: '/x', headers: bearer(issuer.mint()) });
  assertRefused(t, 'the last one holds', answer, 'scope_insufficient');
  const drained = gateway.server.drain();
  await t.rejects(gateway.reload(config), /shutting down/);
  await drained;
});

t.test('key files that hold no keys, of an issuer that is new', async (t) => {
  const folder = t.testdir({ jwks: 'garbage' });
  const { config, gateway } = await scene(t);
  const more = { issuer: 'https://new.example', audience: 'a', jwksFile: join(folder, 'jwks') };
  await t.rejects(gateway.reload({ ...config, issuers: [...config.issuers, more], unmatched: 'deny' }), {
    message: /the keys of https:\/\/new\.example cannot be read/,
  });
  assertRefused(t, 'the old config', await gateway.get('/x'), 'token_missing');
});

t.test('a reload under way when the server closes', async (t) => {
  const { issuer, config, gateway } = await scene(t);
  const other = await startFakeIssuer(t);
  let release = () => {};
  const asked = new Promise<void>((resolve) => {
    other.respond((_request, _response, next) => {
      release = next;
      other.respond();
      resolve();
    });
  });
  const reloading = gateway.reload({ ...config, issuers: [trust(issuer), trust(other)] });
  await asked;
  await gateway.server.close();
  release();
  await t.rejects(reloading, { message: 'This sidecar is shutting down.' });
});
