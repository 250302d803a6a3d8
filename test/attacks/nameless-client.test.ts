import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { type Echo, startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';

const open = {
  issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
  rules: [{ path: '/*', auth: 'none' as const }],
};

function assertNamed(t: Test, { seen }: Echo) {
  for (const { rawHeaders } of seen) {
    t.equal(rawHeaders[rawHeaders.indexOf('X-Forwarded-For') + 1], '127.0.0.1');
  }
}

t.test('a client that resets its connection right after a request is known all the same', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  for (let i = 0; i < 50; i++) {
    const raw = await gateway.raw();
    await raw.send('GET /reset HTTP/1.1\r\nHost: a\r\n\r\n');
    raw.reset();
  }
  // Once another client's request is through, those of the clients that left have been told of.
  await gateway.get('/last');
  await gateway.lineWhere(({ path }) => path === '/last');
  for (const { msg, client } of gateway.lines) if (msg === 'request') t.equal(client, '127.0.0.1');
  assertNamed(t, echo);
});

t.test('over TLS nothing of a client that nobody knows is sent on', async (t) => {
  const { cert, key } = createCertificate();
  const folder = t.testdir({ cert, key });
  const echo = await startEcho(t);
  const tls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
  const gateway = await startGateway(t, { upstream: echo.url, ...open, listen: { tls } });
  for (let i = 0; i < 20; i++) {
    const socket = connect(gateway.port, '127.0.0.1');
    const client = connectTls({ socket, host: '127.0.0.1', ca: cert });
    client.on('error', () => {});
    await once(client, 'secureConnect');
    await new Promise((resolve) => client.write('GET /reset HTTP/1.1\r\nHost: a\r\n\r\n', resolve));
    socket.resetAndDestroy();
  }
  await gateway.request({ path: '/last', ca: cert });
  await gateway.lineWhere(({ path }) => path === '/last');
  assertNamed(t, echo);
});
