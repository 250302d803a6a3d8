import { createHash, randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { open, startTcp, startUpstream } from './wire.ts';

/** A gateway that lets everything through to an upstream of the test's own making. */
async function inFront(t: Test, upstream: ConfigInput['upstream'], more: Partial<ConfigInput> = {}) {
  return startGateway(t, { ...open, upstream, ...more });
}

t.test('bodies arrive byte for byte, whatever the method', async (t) => {
  const echo = await startEcho(t);
  const gateway = await inFront(t, echo.url);
  const big = randomBytes(16 * 1024 * 1024);
  const cases = [
    { name: 'none', method: 'GET', body: Buffer.alloc(0) },
    { name: 'one byte', method: 'POST', body: Buffer.from('x') },
    { name: '16 MiB', method: 'PUT', body: big },
    { name: 'on GET', method: 'GET', body: Buffer.from('a body') },
    { name: 'on DELETE', method: 'DELETE', body: Buffer.from('a body') },
    {
      name: 'text in latin1',
      method: 'POST',
      body: Buffer.from([0xe9, 0xff, 0x00]),
      type: 'text/plain; charset=iso-8859-1',
    },
    { name: 'JSON that is none', method: 'POST', body: Buffer.from('{"a":'), type: 'application/json' },
    { name: 'of a type that is none', method: 'POST', body: Buffer.from('x'), type: 'nonsense' },
    { name: 'of a rare method', method: 'PROPFIND', body: Buffer.from('<x/>') },
  ];
  for (const { name, method, body, type } of cases) {
    const answer = await gateway.request({
      method,
      body,
      ...(type && { headers: { 'content-type': type } }),
    });
    t.equal(answer.status, 200, name);
    t.equal(answer.json().method, method, name);
    t.equal(answer.json().body.sha256, createHash('sha256').update(body).digest('hex'), name);
  }
  const raw = await gateway.raw();
  await raw.send(
    'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Verified-Subject\r\n\r\n3\r\nabc\r\n0\r\nX-Verified-Subject: spoofed\r\n\r\n',
  );
  const { body, headers, trailers } = (await raw.response()).json();
  t.equal(body.bytes, 3, 'chunked');
  t.notMatch(JSON.stringify([headers, trailers ?? []]), /spoofed/, 'and its trailers go no further');
});

t.test('events arrive one by one', async (t) => {
  let finish = () => {};
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    finish = () => response.end('data: 2\n\n');
  });
  const gateway = await inFront(t, upstream);
  const answer = await fetch(`${gateway.url}/events`);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  t.equal(
    Buffer.from((await reader.read()).value ?? []).toString(),
    'data: 1\n\n',
    'before the upstream has ended',
  );
  finish();
  t.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'data: 2\n\n');
  await gateway.lineWhere((line) => line.path === '/events');
  t.equal(
    await gateway.metric('jwks_sidecar_request_duration_seconds_count{rule="0"}'),
    0,
    'and are no duration',
  );
});

t.test('answers without a body, and early hints', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    const status = request.url === '/204' ? 204 : request.url === '/304' ? 304 : 200;
    response.writeHead(status, request.method === 'HEAD' ? { 'content-length': 5 } : {}).end();
  });
  const gateway = await inFront(t, upstream);
  t.equal((await gateway.request({ path: '/204' })).status, 204);
  t.equal((await gateway.request({ path: '/304' })).status, 304);
  const raw = await gateway.raw();
  await raw.send('HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /hints HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal((await raw.response({ head: true })).header('content-length'), '5');
  t.equal((await raw.response()).status, 103);
  t.equal((await raw.response()).status, 200);
});

t.test('a request is sent again only over a connection that served before', async (t) => {
  const requests: string[] = [];
  // The first request of a connection is answered, the second meets its end.
  const tcp = await startTcp(t, (socket) => {
    let served = 0;
    socket.on('data', (chunk) => {
      requests.push(chunk.toString('latin1').split(' ')[0] ?? '');
      if (served++ === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else socket.destroy();
    });
  });
  const gateway = await inFront(t, { url: tcp.url, connections: 1 });
  t.equal((await gateway.get('/')).status, 200);
  t.equal((await gateway.get('/')).status, 200, 'GET is sent again over a new one');
  t.same(requests, ['GET', 'GET', 'GET']);
  const post = await gateway.request({ method: 'POST', body: 'x' });
  t.equal(post.status, 502, 'POST is not');
  t.equal(requests.filter((method) => method === 'POST').length, 1);
});

t.test('named upstreams, prefixes and fixed headers', async (t) => {
  const echo = await startEcho(t);
  const billing = await startUpstream(t, (request, response) => {
    response.setHeader('set-cookie', 'a=1; Path=/base/x; HttpOnly');
    response.setHeader('location', '/base/next');
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  const gateway = await startGateway(t, {
    ...open,
    upstream: { url: echo.url, preserveHost: false, setHeaders: { Authorization: 'Basic c2VjcmV0' } },
    upstreams: { billing: `${billing}/base` },
    rules: [
      { path: '/billing/*', auth: 'none', upstream: 'billing', stripPrefix: '/billing' },
      { path: '/*', auth: 'none' },
    ],
  });
  const stripped = await gateway.get('/billing/invoices?a=1');
  t.equal(stripped.json().url, '/base/invoices?a=1');
  t.equal(stripped.json().headers['x-forwarded-prefix'], '/billing');
  t.equal(
    stripped.json().headers.authorization,
    undefined,
    'what is set for one upstream is not for another',
  );
  t.equal(stripped.header('location'), '/billing/next');
  t.match(stripped.header('set-cookie'), /Path=\/billing\/x/);
  const set = await gateway.request({ path: '/x', headers: { authorization: 'Basic client' } });
  const headers = set.json().headers as [string, string][];
  t.same(
    headers.filter(([name]) => name.toLowerCase() === 'authorization'),
    [['Authorization', 'Basic c2VjcmV0']],
  );
  t.equal(headers.find(([name]) => name.toLowerCase() === 'host')?.[1], new URL(echo.url).host);
});
