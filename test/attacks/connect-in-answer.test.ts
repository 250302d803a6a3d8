import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startGateway } from '../helpers/gateway.ts';

t.test('a refusal is never written into the midst of another answer', async (t) => {
  const upstream = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 600 });
    response.write('x'.repeat(100));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close().closeAllConnections());
  const gateway = await startGateway(t, {
    upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
  });
  for (const [name, bytes] of Object.entries({
    CONNECT: 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
    'no request at all': 'GARBAGE\r\n\r\n',
  })) {
    const raw = await gateway.raw();
    await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const head = await raw.bytes(100);
    await raw.send(bytes);
    const all = head.toString() + (await raw.rest()).toString();
    const body = all.slice(all.indexOf('\r\n\r\n') + 4);
    t.equal(body, 'x'.repeat(100), `${name}: what is cut short stays cut short`);
  }
});
