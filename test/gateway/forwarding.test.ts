import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';

const open = {
  rules: [{ path: '/*', auth: 'none' as const }],
  issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
};

/** A gateway that lets everything through to an upstream of the test's own making. */
async function inFront(t: Test, upstream: ConfigInput['upstream'], more: Partial<ConfigInput> = {}) {
  return startGateway(t, { ...open, upstream, ...more });
}

async function startUpstream(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An upstream of bytes; `connections` counts what was dialed. */
async function startTcp(t: Test, onConnection: (socket: Socket, count: number) => void) {
  let connections = 0;
  const server = createTcpServer((socket) => {
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    onConnection(socket, ++connections);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, count: () => connections };
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

t.test('hop-by-hop headers stay on their hop, both ways', async (t) => {
  let seen: string[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    seen = request.rawHeaders;
    response.writeHead(200, [
      ['Connection', 'X-Secret-Hop'],
      ['Keep-Alive', 'timeout=99'],
      ['X-Secret-Hop', 'secret'],
      ['Proxy-Authenticate', 'Basic'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-Kept', 'kept'],
    ] as never);
    response.end('ok');
  });
  const gateway = await inFront(t, upstream);
  const raw = await gateway.raw();
  await raw.send(
    'GET /x HTTP/1.1\r\nHost: shop.example\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: timeout=5\r\nProxy-Authorization: Basic x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_Host: evil\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Request-Id: mine\r\nX-Original-URL: /admin\r\ntraceparent: 00-1-2-3\r\nAccept: a\r\nAccept: b\r\n\r\n',
  );
  const answer = await raw.response();
  const names = seen.filter((_, index) => index % 2 === 0);
  for (const name of [
    'X-Hop',
    'TE',
    'Keep-Alive',
    'Proxy-Authorization',
    'Upgrade',
    'HTTP2-Settings',
    'X_Forwarded_Host',
    'Forwarded',
    'X-Real-IP',
    'X-Original-URL',
  ]) {
    t.notOk(
      names.some((each) => each.toLowerCase() === name.toLowerCase()),
      name,
    );
  }
  const value = (name: string) =>
    seen[seen.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name.toLowerCase()) + 1];
  t.equal(value('X-Forwarded-For'), '127.0.0.1');
  t.equal(value('X-Forwarded-Host'), 'shop.example');
  t.equal(value('X-Forwarded-Proto'), 'http');
  t.equal(value('X-Forwarded-Port'), String(gateway.port));
  t.equal(value('Host'), 'shop.example', 'the client’s Host');
  t.equal(value('traceparent'), '00-1-2-3');
  t.not(value('X-Request-Id'), 'mine');
  t.equal(seen.filter((each) => each === 'Accept').length, 2, 'what came twice goes twice');
  t.same(answer.all('set-cookie'), ['a=1', 'b=2']);
  t.equal(answer.header('x-kept'), 'kept');
  for (const name of ['x-secret-hop', 'proxy-authenticate']) t.equal(answer.header(name), undefined, name);
  t.not(answer.header('keep-alive'), 'timeout=99');
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

t.test('an upstream that fails', async (t) => {
  const cases = [
    { name: 'resets', say: (socket: Socket) => socket.destroy(), status: 502, code: 'upstream_unreachable' },
    {
      name: 'speaks no HTTP',
      say: (socket: Socket) => socket.end('nonsense\r\n\r\n'),
      status: 502,
      code: 'upstream_protocol',
    },
    { name: 'says nothing', say: () => undefined, status: 504, code: 'upstream_timeout' },
  ];
  for (const { name, say, status, code } of cases) {
    const tcp = await startTcp(t, (socket) => socket.once('data', () => say(socket)));
    const gateway = await inFront(t, { url: tcp.url, headersTimeout: '200ms' });
    const answer = await gateway.get('/');
    t.equal(answer.status, status, name);
    t.equal(answer.json().code, code, name);
    t.notMatch(answer.text, /127\.0\.0\.1|ECONN/, 'no address in the answer');
    t.equal(tcp.count(), 1, 'a new connection is not tried twice');
    t.match((await gateway.line(answer.header('x-request-id'))).decision, 'allow');
  }
  const tcp = await startTcp(t, () => undefined);
  const port = Number(new URL(tcp.url).port);
  const closed = createTcpServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port: unused } = closed.address() as AddressInfo;
  closed.close();
  t.not(port, unused);
  const gateway = await inFront(t, `http://127.0.0.1:${unused}`);
  t.equal((await gateway.get('/')).json().code, 'upstream_unreachable', 'refuses');
});

t.test('what is cut short never looks whole', async (t) => {
  const heads = ['Content-Length: 100\r\n\r\nshort', 'Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n'];
  for (const head of heads) {
    const tcp = await startTcp(t, (socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${head}`, () => socket.destroySoon())),
    );
    const gateway = await inFront(t, tcp.url);
    const raw = await gateway.raw();
    await raw.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    t.notOk((await raw.response()).complete, head.slice(0, 12));
  }
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

t.test('a client that goes away takes its upstream request with it', async (t) => {
  const gone: Promise<unknown>[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    gone.push(once(response, 'close'));
    if (request.url === '/body') response.writeHead(200).write('x');
  });
  const gateway = await inFront(t, upstream);
  for (const path of ['/head', '/body']) {
    const raw = await gateway.raw();
    const before = gone.length;
    await raw.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    while (gone.length === before) await new Promise((resolve) => setImmediate(resolve));
    if (path === '/body') await raw.bytes(1);
    raw.reset();
    await withDeadline(gone.at(-1) as Promise<unknown>, `the end of ${path}`);
    t.pass(path);
  }
});

t.test('Expect is answered after the decision', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: open.issuers,
    rules: [{ path: '/open/*', auth: 'none' }],
  });
  const raw = await gateway.raw();
  await raw.send('POST /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
  t.equal((await raw.response()).status, 100);
  await raw.send('body');
  t.equal((await raw.response()).json().body.bytes, 4);
  const refused = await gateway.raw();
  await refused.send('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
  t.equal((await refused.response()).status, 401, 'before the body is sent');
});

t.test('bodies over the limit', async (t) => {
  const echo = await startEcho(t);
  const gateway = await inFront(t, echo.url, { listen: { maxBodySize: 10 } });
  t.equal((await gateway.request({ method: 'POST', body: 'x'.repeat(10) })).status, 200);
  t.equal((await gateway.request({ method: 'POST', body: 'x'.repeat(11) })).json().code, 'body_too_large');
  const raw = await gateway.raw();
  await raw.send(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nxxxxxxxxxxx\r\n0\r\n\r\n',
  );
  t.equal((await raw.response()).json().code, 'body_too_large', 'of a length that was not said before');
  t.ok(echo.seen.every(({ body }) => body.bytes <= 10));
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
