import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { type Certificate, createCertificate } from '../helpers/certificate.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { request } from '../helpers/request.ts';
import { assertRefused } from './scene.ts';
import { ask, open } from './wire.ts';

/** Writes a file as those do who care: whole or not at all. */
function put(folder: string, name: string, text: string): void {
  const next = join(folder, `${name}.next`);
  writeFileSync(next, text);
  renameSync(next, join(folder, name));
}

t.test('certificates of the traffic port', async (t) => {
  const [first, second] = [createCertificate({ name: 'first' }), createCertificate({ name: 'second' })];
  const folder = t.testdir({ cert: first.cert, key: first.key });
  const echo = await startEcho(t);
  const tls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
  const config = { ...open, upstream: echo.url, listen: { tls } };
  const gateway = await startGateway(t, config);
  const dial = async (trusted: Certificate) => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port: gateway.port, ca: trusted.cert });
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  };
  const get = async (socket: TLSSocket) => {
    socket.write(ask('GET /x'));
    const [chunk] = await once(socket, 'data');
    return Number(String(chunk).split(' ')[1]);
  };
  const kept = await dial(first);
  t.equal(await get(kept), 200);

  put(folder, 'cert', second.cert);
  await t.rejects(gateway.reload(config), 'a key of another certificate is not taken');
  t.equal(await get(await dial(first)), 200, 'the pair that fits serves on');
  put(folder, 'key', second.key);
  await gateway.reload(config);
  t.equal(await get(await dial(second)), 200, 'the new pair serves');
  await t.rejects(dial(first));
  t.equal(await get(kept), 200, 'over a connection that was open it makes no difference');
});

t.test('whom client certificates are checked against', async (t) => {
  const server = createCertificate({ name: 'server' });
  const [before, after] = [createCertificate({ name: 'before' }), createCertificate({ name: 'after' })];
  const folder = t.testdir({ cert: server.cert, key: server.key, ca: before.cert });
  const echo = await startEcho(t);
  const tls = {
    certFile: join(folder, 'cert'),
    keyFile: join(folder, 'key'),
    clientCaFile: join(folder, 'ca'),
    clientCertificates: 'required' as const,
  };
  const config = { ...open, upstream: echo.url, listen: { tls } };
  const gateway = await startGateway(t, config);
  const accepted = (issuer: typeof before) => {
    const { cert, key } = createCertificate({ name: 'client', issuer });
    return new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: gateway.port, ca: server.cert, cert, key });
      t.teardown(() => socket.destroy());
      socket.once('secureConnect', () => socket.write(ask('GET /x')));
      socket.once('data', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
  };
  t.strictSame([await accepted(before), await accepted(after)], [true, false]);
  put(folder, 'ca', after.cert);
  await gateway.reload(config);
  t.strictSame([await accepted(before), await accepted(after)], [false, true]);
  const { clientCaFile: _, ...without } = tls;
  const waiting = await gateway.reload({
    ...config,
    listen: { tls: { ...without, clientCertificates: 'none' } },
  });
  t.strictSame(waiting.needsRestart, ['listen.tls.clientCertificates']);
  t.strictSame([await accepted(before), await accepted(after)], [false, true], 'until then all is as it was');
});

t.test('keys in a file', async (t) => {
  const [first, second] = [await makeKey('RS256'), await makeKey('RS256')];
  const set = (...keys: (typeof first)[]) => JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) });
  const folder = t.testdir({ jwks: set(first) });
  const [issuer, echo] = await Promise.all([startFakeIssuer(t, { keys: [first, second] }), startEcho(t)]);
  const config = {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience, jwksFile: join(folder, 'jwks') }],
  };
  const gateway = await startGateway(t, config);
  const [old, young] = [issuer.mint(), issuer.mint({ key: second })];
  t.equal((await gateway.get('/x', old)).status, 200);
  assertRefused(t, 'not yet', await gateway.get('/x', young), 'key_unknown');
  for (const [name, text] of Object.entries({ garbage: 'no keys', empty: '{"keys":[]}' })) {
    put(folder, 'jwks', text);
    await t.rejects(gateway.reload(config), name);
    t.equal((await gateway.get('/x', old)).status, 200, `${name}: the keys at hand serve on`);
  }
  put(folder, 'jwks', set(second));
  await gateway.reload(config);
  t.equal((await gateway.get('/x', young)).status, 200);
  assertRefused(t, 'what is gone from the file', await gateway.get('/x', old), 'key_unknown');
  const fetches = `jwks_sidecar_jwks_fetches_total{issuer="${issuer.issuer}",result="success",trigger="reload"}`;
  t.equal(await gateway.metric(fetches), 1);
});

t.test('the token of the admin port', async (t) => {
  const [first, second] = ['1'.repeat(32), '2'.repeat(32)];
  const folder = t.testdir({ token: first });
  const echo = await startEcho(t);
  const config = { ...open, upstream: echo.url, admin: { tokenFile: join(folder, 'token') } };
  const gateway = await startGateway(t, config);
  const status = async (secret: string) => {
    const headers = { host: 'a.example', authorization: `Bearer ${secret}` };
    return (await request(gateway.admin, { path: '/api/status', headers })).status;
  };
  t.strictSame([await status(first), await status(second)], [200, 401]);
  put(folder, 'token', second);
  await gateway.reload(config);
  t.strictSame([await status(first), await status(second)], [401, 200]);
});

t.test('the authority that an upstream is checked against', async (t) => {
  const [server, stranger] = [createCertificate({ name: 'server' }), createCertificate({ name: 'stranger' })];
  const folder = t.testdir({ ca: stranger.cert });
  const upstream = createServer(server, (_request, response) => response.end()).listen(0, '127.0.0.1');
  t.teardown(() => upstream.close().closeAllConnections());
  await once(upstream, 'listening');
  const url = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const config = { ...open, upstream: { url, tls: { caFile: join(folder, 'ca') } } };
  const gateway = await startGateway(t, config);
  t.equal((await gateway.get('/x')).status, 502);
  put(folder, 'ca', server.cert);
  await gateway.reload(config);
  t.equal((await gateway.get('/x')).status, 200);
  put(folder, 'ca', stranger.cert);
  await gateway.reload(config);
  t.equal((await gateway.get('/x')).status, 502, 'over no connection that was opened before');
});

t.test('a key that is replaced while an issuer is waited for', async (t) => {
  const [first, second] = [createCertificate({ name: 'first' }), createCertificate({ name: 'second' })];
  const folder = t.testdir({ cert: first.cert, key: first.key });
  const [echo, issuer] = await Promise.all([startEcho(t), startFakeIssuer(t)]);
  const tls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
  const config = { ...open, upstream: echo.url, listen: { tls } };
  const gateway = await startGateway(t, config);
  let release = () => {};
  const asked = new Promise<void>((resolve) => {
    issuer.respond((_request, _response, next) => {
      release = next;
      issuer.respond();
      resolve();
    });
  });
  const more = { issuer: issuer.issuer, audience: issuer.audience };
  const reloading = gateway.reload({ ...config, issuers: [...open.issuers, more] });
  await asked;
  put(folder, 'key', second.key);
  release();
  await reloading;
  t.equal(await gateway.metric('jwks_sidecar_config_reloads_total{result="success"}'), 1);
  const { status } = await request(gateway.url, { path: '/x', ca: first.cert });
  t.equal(status, 200, 'the pair that was looked at serves');
});
