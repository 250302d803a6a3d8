import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { startEcho } from '../helpers/echo.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { connectRaw } from '../helpers/raw.ts';
import { request } from '../helpers/request.ts';
import { environment, run, startSidecar } from './command.ts';

async function world(t: Test, more: Readonly<Record<string, string>> = {}) {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const env = { ...environment(issuer, echo), ...more };
  return { issuer, echo, env };
}

t.test('from three variables to a clean end', async (t) => {
  const { issuer, echo, env } = await world(t);
  const sidecar = startSidecar(t, [], { env });
  t.match(await sidecar.said('started'), { ready: true });
  const { port, adminPort } = await sidecar.said('listening');
  const [url, admin] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
  t.equal((await request(url)).status, 401);
  const answer = await request(url, { headers: { authorization: `Bearer ${issuer.mint()}` } });
  t.equal(answer.status, 200);
  t.equal(echo.seen.length, 1);
  t.equal((await request(admin, { path: '/readyz' })).status, 200);
  t.match((await request(admin, { path: '/api/status' })).json(), { config: { source: /environment/ } });

  const idle = await connectRaw(t, url);
  sidecar.kill('SIGTERM');
  const { code, stderr } = await sidecar.ended;
  t.equal(code, 0, 'a clean drain');
  t.equal(await idle.closed(), 'end');
  t.match(stderr, /^(warning: .*\n)*$/, 'nothing but warnings');
  t.match(sidecar.lines.at(-1), { msg: 'drained', cut: 0 }, 'the last line is whole');
});

t.test('SIGINT drains as well, and what is in flight ends', async (t) => {
  const { env, issuer } = await world(t);
  const held = createServer().listen(0, '127.0.0.1');
  await once(held, 'listening');
  t.teardown(() => held.close());
  const upstream = `http://127.0.0.1:${(held.address() as AddressInfo).port}`;
  const sidecar = startSidecar(t, ['run'], { env: { ...env, SIDECAR_UPSTREAM: upstream } });
  const { port } = await sidecar.said('listening');
  await sidecar.said('started');
  const raw = await connectRaw(t, `http://127.0.0.1:${port}`);
  const arrived = once(held, 'connection');
  await raw.send(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${issuer.mint()}\r\n\r\n`);
  const [socket] = await arrived;
  await once(socket, 'data');
  sidecar.kill('SIGINT');
  await sidecar.said('closing');
  socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate');
  t.equal((await raw.response()).text, 'late');
  t.equal((await sidecar.ended).code, 0);
});

t.test('a drain that had to cut is a failure, and a second signal waits for none', async (t) => {
  const { env, issuer } = await world(t);
  const held = createServer().listen(0, '127.0.0.1');
  await once(held, 'listening');
  t.teardown(() => held.close());
  const upstream = `http://127.0.0.1:${(held.address() as AddressInfo).port}`;
  for (const timeout of ['200ms', '1h']) {
    const sidecar = startSidecar(t, [], {
      env: { ...env, SIDECAR_UPSTREAM: upstream, SIDECAR_DRAIN__TIMEOUT: timeout },
    });
    const { port } = await sidecar.said('listening');
    await sidecar.said('started');
    const raw = await connectRaw(t, `http://127.0.0.1:${port}`);
    const arrived = once(held, 'connection');
    await raw.send(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${issuer.mint()}\r\n\r\n`);
    const [socket] = await arrived;
    socket.on('error', () => undefined);
    sidecar.kill('SIGTERM');
    await sidecar.said('closing');
    if (timeout === '1h') sidecar.kill('SIGTERM');
    t.equal((await sidecar.ended).code, 1, timeout);
    socket.destroy();
  }
});

t.test('what it cannot run with', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { env } = await world(t, { SIDECAR_LISTEN__HOST: '127.0.0.1', SIDECAR_ADMIN__HOST: '127.0.0.1' });
  const port = String((taken.address() as AddressInfo).port);
  const certificate = createCertificate();
  const other = createCertificate();
  const cwd = t.testdir({ cert: certificate.cert, key: other.key });
  const tls = {
    SIDECAR_LISTEN__TLS__CERT_FILE: join(cwd, 'cert'),
    SIDECAR_LISTEN__TLS__KEY_FILE: join(cwd, 'key'),
  };
  const cases = [
    { name: 'a port in use', env: { ...env, SIDECAR_LISTEN__PORT: port }, code: 1, says: /EADDRINUSE/ },
    { name: 'an admin port in use', env: { ...env, SIDECAR_ADMIN__PORT: port }, code: 1, says: /EADDRINUSE/ },
    {
      name: 'no such address',
      env: { ...env, SIDECAR_LISTEN__HOST: '192.0.2.1' },
      code: 1,
      says: /EADDRNOTAVAIL/,
    },
    { name: 'a key of another certificate', env: { ...env, ...tls }, code: null, says: /key/i },
    {
      name: 'an upstream that is none',
      env: { ...env, SIDECAR_UPSTREAM: 'nonsense' },
      code: 2,
      says: /^error: .*upstream/m,
    },
    { name: 'no issuer', env: { SIDECAR_UPSTREAM: 'http://a' }, code: 2, says: /^error: .*issuers/m },
    { name: 'nothing at all', env: {}, code: 2, says: /there is no config/ },
    {
      name: 'a port that is none',
      env: { ...env, SIDECAR_LISTEN__PORT: 'x' },
      code: 2,
      says: /^error: .*listen\.port/m,
    },
  ];
  const all = cases.map(async ({ name, env, code, says }) => {
    const outcome = await run(t, [], { env, cwd });
    if (code === null) t.ok([1, 2].includes(outcome.code ?? 0), name);
    else t.equal(outcome.code, code, name);
    t.match(outcome.stderr, says, name);
    t.notMatch(outcome.stderr, /^ {4}at |node:internal|node_modules/m, `${name}: no stack`);
    if (code === 1) t.match(outcome.stderr, /^(warning: .*\n)*jwks-sidecar: .*\n$/, `${name}: one line`);
  });
  await Promise.all(all);
});

t.test('an issuer that is down keeps it from being ready, not from running', async (t) => {
  const { env } = await world(t, { SIDECAR_ISSUER: 'http://127.0.0.1:1' });
  const sidecar = startSidecar(t, [], { env });
  t.match(await sidecar.said('started'), { ready: false, reasons: [{ code: 'keys_unavailable' }] });
  const { port, adminPort } = await sidecar.said('listening');
  t.equal((await request(`http://127.0.0.1:${adminPort}`, { path: '/livez' })).status, 200);
  t.equal((await request(`http://127.0.0.1:${adminPort}`, { path: '/readyz' })).status, 503);
  t.equal((await request(`http://127.0.0.1:${port}`)).status, 401);
  sidecar.kill('SIGTERM');
  t.equal((await sidecar.ended).code, 0);
});
