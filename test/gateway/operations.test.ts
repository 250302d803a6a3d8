import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';

async function gatewayOf(t: Test, more: object = {}) {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    rules: [{ name: 'open', path: '/open/*', auth: 'none' }],
    ...more,
  });
  return { issuer, echo, gateway };
}

t.test('the log line of a request', async (t) => {
  const { issuer, gateway } = await gatewayOf(t);
  const token = issuer.mint();
  const answer = await gateway.get(`/orders/${issuer.mint()}/x?access_token=secret`, token);
  const { headers } = answer.json();
  const id = headers.find(([name]: string[]) => name === 'X-Request-Id')[1];
  const line = await gateway.line(id);
  t.strictSame(Object.keys(line).sort(), [
    'bytes',
    'cached',
    'client',
    'decision',
    'durationMs',
    'issuer',
    'kid',
    'level',
    'method',
    'msg',
    'path',
    'reason',
    'requestId',
    'rule',
    'status',
    'sub',
    'time',
    'token',
    'upstreamMs',
  ]);
  t.match(line, {
    msg: 'request',
    client: '127.0.0.1',
    method: 'GET',
    path: '/orders/[masked]/x',
    rule: 'default',
    status: 200,
    decision: 'allow',
    reason: 'ok',
    issuer: issuer.issuer,
    sub: /^[0-9a-f]{16}$/,
    kid: issuer.signingKey.kid,
    token: /^[0-9a-f]{8}$/,
    cached: false,
    bytes: answer.body.length,
  });
  t.notMatch(JSON.stringify(gateway.lines), /access_token=|secret/, 'no query');
  const evil = await gateway.get('/x', issuer.mint({ header: { kid: `a\r\nb\u0085${'x'.repeat(100)}` } }));
  const { kid } = await gateway.line(evil.header('x-request-id'));
  t.match(kid, /^a\\u000d\\u000ab\\u0085x+$/, 'nothing that a terminal obeys');
  t.ok(String(kid).length <= 64 + 3 * 5);
});

t.test('the log line of a refusal, and a warning that is said once', async (t) => {
  const { gateway } = await gatewayOf(t);
  for (const path of ['/a/../b?x=1', '/x?access_token=abc', '/y?a=1&access_token=abc']) {
    const answer = await gateway.get(path);
    const line = await gateway.line(answer.header('x-request-id'));
    t.equal(line.path, path.split('?')[0], 'the path as it came');
    t.equal(line.bytes, answer.body.length);
  }
  const warnings = gateway.lines.filter(({ level, msg }) => level === 'warn' && /query/.test(String(msg)));
  t.equal(warnings.length, 1, 'a token in a query');
});

t.test('what of it is wanted', async (t) => {
  const { issuer, gateway } = await gatewayOf(t, { log: { requests: 'denied', subject: 'plain' } });
  await gateway.get('/x', issuer.mint());
  const denied = await gateway.get('/x');
  await gateway.line(denied.header('x-request-id'));
  t.equal(gateway.lines.filter(({ msg }) => msg === 'request').length, 1, 'denied ones alone');
  const plain = await gatewayOf(t, { log: { subject: 'plain' } });
  await plain.gateway.get('/x', plain.issuer.mint());
  t.equal((await plain.gateway.lineWhere(({ msg }) => msg === 'request')).sub, 'subject');
  const none = await gatewayOf(t, { log: { subject: 'none', requests: 'all' } });
  await none.gateway.get('/x', none.issuer.mint());
  t.equal((await none.gateway.lineWhere(({ msg }) => msg === 'request')).sub, undefined);
});

t.test('every metric of the contract, with its labels', async (t) => {
  const { issuer, gateway } = await gatewayOf(t);
  const token = issuer.mint();
  await gateway.get('/x', token);
  await gateway.get('/x', token);
  await gateway.request({ method: 'PROPFIND', path: '/open/x' });
  const text = await gateway.metrics();
  const samples = [
    'requests_total{rule="default",method="GET",status="200"} 2',
    'requests_total{rule="open",method="PROPFIND",status="200"} 1',
    `decisions_total{decision="allow",reason="ok",issuer="${issuer.issuer}"} 2`,
    'decisions_total{decision="allow",reason="ok",issuer="none"} 1',
    'verification_duration_seconds_count{source="signature"} 1',
    'verification_duration_seconds_count{source="cache"} 1',
    'verification_duration_seconds_bucket{le="0.00001",source="cache"}',
    'request_duration_seconds_bucket{le="0.001",rule="default"}',
    'request_duration_seconds_count{rule="open"} 1',
    'upstream_duration_seconds_count{upstream="default"} 3',
    'token_cache_hits_total 1',
    'token_cache_misses_total 1',
    'token_cache_evictions_total 0',
    'token_cache_entries 1',
    'token_cache_bytes ',
    `jwks_fetches_total{issuer="${issuer.issuer}",result="success",trigger="startup"} 1`,
    `jwks_fetch_duration_seconds_count{issuer="${issuer.issuer}"} 1`,
    `jwks_keys{issuer="${issuer.issuer}"} 1`,
    `jwks_skipped_keys{issuer="${issuer.issuer}"} 0`,
    `jwks_last_success_timestamp_seconds{issuer="${issuer.issuer}"} 1`,
    `jwks_stale{issuer="${issuer.issuer}"} 0`,
    'failure_limit_blocks_total 0',
    'failure_limit_blocked_clients 0',
    'config_reloads_total{result="success"} 0',
    'config_last_reload_timestamp_seconds 1',
    'mode{mode="enforce"} 1',
    'websockets_open 0',
    'build_info{version=',
  ];
  for (const sample of samples) t.ok(text.includes(`\njwks_sidecar_${sample}`), sample);
  t.ok(text.includes('\nprocess_cpu_seconds_total'), 'and those of Node');
  for (let i = 0; i < 30; i++)
    await gateway.request({ path: `/open/${i}?x=${i}`, headers: { 'user-agent': `agent ${i}` } });
  const series = (all: string) => all.split('\n').filter((line) => line.startsWith('jwks_sidecar_')).length;
  t.ok(series(await gateway.metrics()) - series(text) <= 20, 'no label comes from a request');
});

t.test('the admin port', async (t) => {
  const folder = t.testdir({ token: `${'s'.repeat(40)}\n` });
  const { issuer, gateway } = await gatewayOf(t, { admin: { tokenFile: join(folder, 'token') } });
  const get = (path: string, headers: Record<string, string> = {}) =>
    request(gateway.admin, { path, headers });
  t.equal((await get('/livez')).status, 200);
  t.same((await get('/readyz')).json(), { status: 'ready' });
  t.match((await get('/metrics')).header('content-type'), /^text\/plain; version=0\.0\.4/);
  const status = (await get('/api/status')).json();
  t.match(status, {
    ready: true,
    mode: 'enforce',
    phase: 'serving',
    issuers: [{ issuer: issuer.issuer, state: 'fresh', keys: [{ kid: issuer.signingKey.kid }] }],
  });
  t.notMatch(JSON.stringify(status), /sssss/, 'no secret');
  const evil = { host: 'rebound.example:9090' };
  t.equal((await get('/api/status', evil)).status, 401, 'a name that a web page could point here');
  t.equal(
    (await get('/api/status', { ...evil, authorization: `Bearer ${'s'.repeat(40)}` })).status,
    200,
    'whoever knows the token',
  );
  t.equal((await get('/api/status', { ...evil, authorization: `Bearer ${'s'.repeat(39)}x` })).status, 401);
  t.equal((await get('/api/status', { ...evil, authorization: 'Bearer ' })).status, 401);
  t.equal((await get('/livez', evil)).status, 200, 'probes come by any name');
  t.equal((await get('/nothing')).status, 404);
});
