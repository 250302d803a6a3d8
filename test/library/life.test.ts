import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import type { GatewayErrorCode } from '../../src/index.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { connectRaw } from '../helpers/raw.ts';
import { request } from '../helpers/request.ts';
import { create, world } from './scene.ts';

const gatewayError = (code: GatewayErrorCode) => ({ name: 'GatewayError', code });
const notServing = gatewayError('not_serving');

t.test('a gateway from its creation to its end', async (t) => {
  const echo = await startEcho(t);
  const { issuer, config } = await world(t, echo.url);
  const gateway = create(t, config);
  t.equal(gateway.ports(), null, 'it does not listen yet');
  t.equal(gateway.readiness().ready, false);
  const ports = await gateway.start();
  t.same(gateway.ports(), ports);
  t.same(gateway.readiness(), { ready: true, reasons: [] }, 'keys are there when it has started');

  const url = `http://127.0.0.1:${ports.port}`;
  const headers = { authorization: `Bearer ${issuer.mint()}` };
  t.match((await request(url)).json(), { status: 401, code: 'token_missing' });
  t.equal((await request(url, { headers })).status, 200);
  t.equal(echo.seen.length, 1);
  const { allowed, reason } = await gateway.explain({ token: issuer.mint({ claims: { aud: 'other' } }) });
  t.same({ allowed, reason }, { allowed: false, reason: 'audience_mismatch' });

  const admin = await request(`http://127.0.0.1:${ports.adminPort}`, { path: '/metrics' });
  t.equal(admin.header('content-type'), gateway.metrics.contentType);
  t.match(await gateway.metrics.text(), /^jwks_sidecar_decisions_total\{decision="allow".* 1$/m);

  const proxies = { trustedProxies: ['0.0.0.0/0'] };
  const { warnings, needsRestart } = await gateway.reload({ ...config, unmatched: 'deny', listen: proxies });
  t.match(needsRestart, ['listen.host', 'listen.port']);
  t.match(warnings, [{ path: 'listen.trustedProxies' }], 'what is dangerous in the new config');
  t.equal((await request(url, { headers })).status, 404, 'the other config is in force');
  t.same((await gateway.status()).config.needsRestart, needsRestart);

  t.same(await gateway.drain(), { cut: 0 });
  t.equal(gateway.ports(), null);
  t.equal((await gateway.status()).phase, 'closed');
  await t.rejects(request(url), { code: 'ECONNREFUSED' });
  await t.rejects(request(`http://127.0.0.1:${ports.adminPort}`), { code: 'ECONNREFUSED' });
});

t.test('what is done in the wrong order', async (t) => {
  const { config } = await world(t, 'http://127.0.0.1:1');
  const gateway = create(t, config);
  await t.rejects(gateway.reload(config), notServing, 'a reload before the start');
  const starting = gateway.start();
  await t.rejects(gateway.start(), gatewayError('already_started'));
  await starting;
  t.not(gateway.ports(), null, 'a second start harms nothing');
  await Promise.all([gateway.close(), gateway.close()]);
  await gateway.close();
  await t.rejects(gateway.start(), notServing, 'a start after the end');
  await t.rejects(gateway.reload(config), notServing, 'a reload after the end');
  t.same(await gateway.drain(), { cut: 0 }, 'there is nothing left to drain');

  const unused = create(t, config);
  t.same(await unused.drain(), { cut: 0 }, 'one that never started');
  await t.rejects(unused.start(), notServing);
});

t.test('closed while it starts', async (t) => {
  const { issuer, config } = await world(t, 'http://127.0.0.1:1');
  issuer.respond((_request, response) => response.destroy());
  const opening = create(t, config);
  const opened = t.rejects(opening.start(), notServing, 'before the ports are open');
  await opening.close();
  await opened;
  t.equal(opening.ports(), null);

  let answer = () => {};
  issuer.respond((_request, _response, next) => {
    answer = next;
  });
  const fetching = create(t, config);
  const fetched = t.rejects(fetching.start(), notServing, 'while keys are fetched');
  await issuer.fetched('metadata', issuer.fetches.metadata + 1);
  const port = fetching.ports()?.port;
  await fetching.close();
  await t.rejects(request(`http://127.0.0.1:${port}`), { code: 'ECONNREFUSED' });
  issuer.respond();
  answer();
  await fetched;
});

t.test('two drains are one, and a close overtakes them', async (t) => {
  const { config } = await world(t, 'http://127.0.0.1:1');
  const gateway = create(t, { ...config, drain: { delay: '1h', timeout: '2h' } });
  const { port } = await gateway.start();
  const draining = Promise.all([gateway.drain(), gateway.drain()]);
  t.match(gateway.readiness().reasons, [{ code: 'draining' }]);
  t.equal((await request(`http://127.0.0.1:${port}`)).status, 401, 'served as ever');
  await t.rejects(gateway.reload(config), notServing);
  await gateway.close();
  t.same(await withDeadline(draining, 'the end of the drain'), [{ cut: 0 }, { cut: 0 }]);
  t.equal((await gateway.status()).phase, 'closed');
});

t.test('a close that overtakes a drain says what it cut', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.closeAllConnections());
  t.teardown(() => silent.close());
  const upstream = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { issuer, config } = await world(t, upstream);
  const gateway = create(t, { ...config, drain: { delay: 0, timeout: '1h' } });
  const { port } = await gateway.start();
  const client = await connectRaw(t, `http://127.0.0.1:${port}`);
  const arrived = once(silent, 'request');
  await client.send(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${issuer.mint()}\r\n\r\n`);
  await arrived;
  const draining = gateway.drain();
  await gateway.close();
  t.same(await withDeadline(draining, 'the end of the drain'), { cut: 1 });
});

t.test('two gateways in one process know nothing of each other', async (t) => {
  const echo = await startEcho(t);
  const [one, other] = await Promise.all([world(t, echo.url), world(t, echo.url)]);
  const [first, second] = [create(t, one.config), create(t, other.config)];
  const [{ port }] = await Promise.all([first.start(), second.start()]);
  const headers = { authorization: `Bearer ${other.issuer.mint()}` };
  t.match((await request(`http://127.0.0.1:${port}`, { headers })).json(), { code: 'issuer_unknown' });
  t.match(await first.metrics.text(), 'refusals_total{reason="issuer_unknown"} 1');
  t.notMatch(await second.metrics.text(), 'refusals_total{reason="issuer_unknown"} 1');
  await first.close();
  t.equal(second.readiness().ready, true);
});
