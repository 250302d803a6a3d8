import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { startGateway } from '../helpers/gateway.ts';

t.test('an answer that has no body announces none, RFC 9110 section 8.6', async (t) => {
  const upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () =>
      socket.write('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello'),
    );
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const gateway = await startGateway(t, {
    upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
  });
  const raw = await gateway.raw();
  for (const path of ['/first', '/second']) {
    await raw.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await raw.response();
    t.equal(answer.status, 204);
    t.equal(answer.header('x-a'), '1');
    t.equal(answer.header('content-length'), undefined);
  }
});
