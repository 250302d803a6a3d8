import { once } from 'node:events';
import t from 'tap';
import { connectRaw, exchange } from '../helpers/raw.ts';
import { startFront, startUpstream, startWire } from './front.ts';

/** What the client gets of an answer that the upstream sends and then, perhaps, closes after. */
async function pass(
  t: import('tap').Test,
  bytes: string,
  { method = 'GET', close = false, version = '1.1' } = {},
) {
  const wire = await startWire(t, (socket) =>
    close ? socket.end(bytes, 'latin1') : socket.write(bytes, 'latin1'),
  );
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send(`${method} / HTTP/${version}\r\nHost: a\r\n\r\n`);
  return { answer: await client.response({ head: method === 'HEAD' }), client, front, wire };
}

t.test('status, reason, headers in order and spelling, without what is hop-by-hop', async (t) => {
  const { answer } = await pass(
    t,
    'HTTP/1.1 299 Quite Odd\r\nX-b: 1\r\nSet-Cookie: a=1\r\nKeep-Alive: timeout=1\r\nset-cookie: b=2; Path=/\r\n' +
      'Connection: keep-alive, X-Internal\r\nX-Internal: secret\r\nProxy-Authenticate: Basic\r\nTrailer: X-T\r\nUpgrade: h2c\r\n' +
      'Content-Length: 2\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Bytes: \xe9\xff\r\nProxy-Connection: close\r\n\r\nok',
  );
  t.equal(answer.status, 299);
  t.equal(answer.phrase, 'Quite Odd');
  t.same(answer.rawHeaders, [
    ...['X-b', '1', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2; Path=/', 'Content-Length', '2'],
    ...['Date', 'Thu, 01 Jan 1970 00:00:00 GMT', 'X-Bytes', '\xe9\xff'],
    ...['Connection', 'keep-alive', 'Keep-Alive', 'timeout=5'],
  ]);
  t.equal(answer.text, 'ok');
});

t.test('an upstream without a clock is dated by us', async (t) => {
  const { answer } = await pass(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  t.equal(answer.all('date').length, 1);
});

t.test('a reason phrase that HTTP does not allow is replaced by the usual one', async (t) => {
  const { answer } = await pass(t, 'HTTP/1.1 200 \xff\xfe\r\nContent-Length: 0\r\n\r\n');
  t.equal(answer.phrase, 'OK');
});

t.test('answers without a body', async (t) => {
  for (const [method, head] of [
    ['HEAD', '200 OK\r\nContent-Length: 1000'],
    ['HEAD', '200 OK\r\nTransfer-Encoding: chunked'],
    ['GET', '304 Not Modified\r\nETag: "x"'],
    ['GET', '304 Not Modified\r\nContent-Length: 1000'],
    ['GET', '204 No Content'],
  ] as const) {
    const { answer, client, front } = await pass(t, `HTTP/1.1 ${head}\r\n\r\n`, { method });
    t.equal(answer.status, Number(head.slice(0, 3)), `${method} ${head}`);
    t.equal(answer.header('content-length'), /Length: (\d+)/.exec(head)?.[1]);
    t.equal(answer.header('transfer-encoding'), undefined);
    await client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    t.equal(
      (await client.response({ head: method === 'HEAD' })).status,
      Number(head.slice(0, 3)),
      'and the connection goes on',
    );
    t.same(front.refusals, []);
  }
});

t.test(
  'an answer that ends with its connection becomes chunked, or close-delimited for HTTP/1.0',
  async (t) => {
    const bytes = 'HTTP/1.1 200 OK\r\n\r\nall of it';
    const modern = await pass(t, bytes, { close: true });
    t.equal(modern.answer.text, 'all of it');
    t.equal(modern.answer.framing, 'chunked');
    const old = await pass(t, bytes, { close: true, version: '1.0' });
    t.equal(old.answer.text, 'all of it');
    t.equal(old.answer.framing, 'close');
    t.ok(old.answer.complete);
  },
);

t.test('an HTTP/1.0 upstream is understood', async (t) => {
  const { answer } = await pass(t, 'HTTP/1.0 200 OK\r\n\r\nold', { close: true });
  t.equal(answer.text, 'old');
});

t.test('a truncated answer never looks complete', async (t) => {
  for (const [what, bytes] of [
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf'],
    ['chunked rubbish', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'],
  ] as const) {
    for (const version of ['1.1', '1.0']) {
      const wire = await startWire(t, (socket) => socket.write(bytes));
      const front = await startFront(t, wire.url);
      const client = await connectRaw(t, front.origin);
      const begun = once(client.socket, 'data');
      await client.send(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
      await Promise.race([begun, client.closed()]);
      wire.sockets[0]?.end();
      const ending = await client.closed();
      if (version === '1.0') t.equal(ending, 'reset', `${what}, HTTP/1.0`);
      else t.notOk((await client.response()).complete, `${what}, HTTP/1.1`);
      await front.ended(1);
      t.match(front.outcomes[0]?.reason, /^upstream_(protocol|unreachable)$/);
      t.same(front.refusals, [], 'nothing is written into it');
    }
  }
});

t.test('103 is passed on, other interim answers are not', async (t) => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n';
  const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const { answer, client } = await pass(t, `HTTP/1.1 102 Processing\r\n\r\n${hints}${final}`);
  t.equal(answer.status, 103);
  t.equal(answer.header('link'), '</style.css>; rel=preload; as=style');
  t.equal((await client.response()).text, 'ok');
  const old = await pass(t, hints + final, { version: '1.0', close: true });
  t.equal(old.answer.status, 200, 'HTTP/1.0 knows none');
  const odd = await pass(t, `HTTP/1.1 103 Early Hints\r\nLink: nonsense\r\n\r\n${final}`);
  t.equal(odd.answer.status, 200, 'hints that Node will not send are left out');
});

t.test('pipelined requests are answered in order', async (t) => {
  const url = await startUpstream(t, (request, response) => {
    const slow = request.url === '/1';
    setImmediate(() => (slow ? setImmediate(() => response.end('one')) : response.end('two')));
  });
  const front = await startFront(t, url);
  const answers = await exchange(
    t,
    front.origin,
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  t.same(
    answers.map(({ text }) => text),
    ['one', 'two'],
  );
});

t.test('the base path goes before, the prefix off, and both are mapped back', async (t) => {
  const wire = await startWire(t, (socket) =>
    socket.write(
      'HTTP/1.1 302 Found\r\nLocation: /base/y\r\nSet-Cookie: a=1; Path=/base\r\nSet-Cookie: b=2; Path=/base/z\r\nContent-Length: 0\r\n\r\n',
    ),
  );
  const front = await startFront(
    t,
    `${wire.url}/base/`,
    {},
    { path: '/billing/x?q=/billing', stripPrefix: '/billing' },
  );
  const [answer] = await exchange(t, front.origin, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.match(wire.heads[0], /^GET \/base\/x\?q=\/billing HTTP\/1.1\r\n/);
  t.match(wire.heads[0], /\r\nX-Forwarded-Prefix: \/billing\r\n/);
  t.equal(answer?.header('location'), '/billing/y');
  t.same(answer?.all('set-cookie'), ['a=1; Path=/billing', 'b=2; Path=/billing/z']);
});

t.test('Host is the client’s, or the upstream’s where it is not preserved', async (t) => {
  const wire = await startWire(t, (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
  for (const [preserveHost, host] of [
    [true, 'api.test:1'],
    [false, new URL(wire.url).host],
  ] as const) {
    const front = await startFront(t, wire.url, { preserveHost });
    await exchange(t, front.origin, 'GET / HTTP/1.1\r\nHost: api.test:1\r\nConnection: close\r\n\r\n');
    t.same(wire.heads.at(-1)?.match(/^host: .*$/gim), [`host: ${host}`]);
  }
});

t.test('the connection’s own headers are ours, whatever the client asks of it', async (t) => {
  const wire = await startWire(t, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
  const front = await startFront(t, wire.url, { setHeaders: { 'X-Set': 'ours' } });
  await exchange(
    t,
    front.origin,
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Set, X-Gone\r\nTE: trailers\r\nKeep-Alive: timeout=9\r\nX-Gone: 1\r\nProxy-Authorization: Basic x\r\nX-Raw: \xe9\r\n\r\n',
  );
  t.match(wire.heads[0], /\r\nX-Set: ours\r\nX-Raw: \xe9\r\n\r\n$/);
  t.same(wire.heads[0]?.match(/^(connection|te|keep-alive|x-gone|proxy-authorization): .*$/gim), [
    'connection: keep-alive',
  ]);
});
