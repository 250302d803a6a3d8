import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startGateway } from '../helpers/gateway.ts';

t.test('one connection cannot have any number of requests wait', async (t) => {
  const held: ServerResponse[] = [];
  const upstream = createServer((_request, response) => {
    held.push(response);
    if (held.length === 100) upstream.emit('full');
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close().closeAllConnections());
  const gateway = await startGateway(t, {
    upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
  });
  const raw = await gateway.raw();
  const full = once(upstream, 'full');
  await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(150));
  await full;
  // Had the others been sent on, the upstream would have them before this one.
  const other = gateway.get('/other');
  while (held.at(-1)?.req.url !== '/other') await once(upstream, 'request');
  t.equal(held.length, 101, 'no more than a hundred, and another client is served');
  for (const response of held) response.end('ok');
  t.equal((await other).status, 200);
  const statuses: number[] = [];
  for (let i = 0; i < 150; i++) statuses.push((await raw.response()).status);
  t.same(statuses, [...Array(100).fill(200), ...Array(50).fill(503)], 'every request has its own answer');
  await raw.send('GET /after HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(upstream, 'request');
  held.at(-1)?.end('ok');
  t.equal((await raw.response()).status, 200, 'there is room again');
});
