import { once } from 'node:events';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import type { Reason } from '../../src/errors.ts';
import { connectRaw, exchange } from '../helpers/raw.ts';
import { startFront, startUpstream, startWire } from './front.ts';

const get = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** The reason that is answered where the upstream sends some bytes, and closes. */
async function reasonFor(t: Test, bytes: string): Promise<Reason | undefined> {
  const wire = await startWire(t, (socket) => socket.end(bytes, 'latin1'));
  const front = await startFront(t, wire.url);
  const answers = await exchange(t, front.origin, get);
  await front.ended(1);
  t.equal(answers.length, 1, 'one answer');
  t.equal(wire.heads.length, 1, 'one request');
  t.match(front.outcomes, [{ reason: front.refusals[0] }]);
  return front.refusals[0];
}

const answers: Readonly<Record<string, { bytes: string; reason: Reason }>> = {
  nothing: { bytes: '', reason: 'upstream_unreachable' },
  'half a head': { bytes: 'HTTP/1.1 200 OK\r\nContent-Le', reason: 'upstream_unreachable' },
  garbage: { bytes: 'SSH-2.0-OpenSSH_9.9\r\n', reason: 'upstream_protocol' },
  'HTTP/0.9': { bytes: '<html>hello</html>\r\n', reason: 'upstream_protocol' },
  'two lengths': {
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    reason: 'upstream_protocol',
  },
  'length and chunked': {
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    reason: 'upstream_protocol',
  },
  'a coding nobody asked for': {
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx',
    reason: 'upstream_protocol',
  },
  'two codings': {
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    reason: 'upstream_protocol',
  },
  'a header name with space': { bytes: 'HTTP/1.1 200 OK\r\nX Y: 1\r\n\r\n', reason: 'upstream_protocol' },
  'a header value with NUL': { bytes: 'HTTP/1.1 200 OK\r\nX-Y: a\0b\r\n\r\n', reason: 'upstream_protocol' },
  'a status below 100': {
    bytes: 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n',
    reason: 'upstream_unreachable',
  },
  'huge headers': {
    bytes: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    reason: 'upstream_protocol',
  },
  '101 unasked': {
    bytes: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly',
    reason: 'upstream_unreachable',
  },
  '100 unasked': { bytes: 'HTTP/1.1 100 Continue\r\n\r\n', reason: 'upstream_unreachable' },
};
for (const [what, { bytes, reason }] of Object.entries(answers)) {
  t.test(`the upstream answers ${what}`, async (t) => t.equal(await reasonFor(t, bytes), reason));
}

t.test('headers up to 60 KiB pass', async (t) => {
  const value = 'x'.repeat(60 * 1024);
  const wire = await startWire(t, (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nX: ${value}\r\nContent-Length: 0\r\n\r\n`),
  );
  const front = await startFront(t, wire.url);
  const [answer] = await exchange(t, front.origin, get);
  t.equal(answer?.header('x'), value);
});

t.test('a refused connection is 502, again and again, until the upstream is there', async (t) => {
  const server = createServer((socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 204 No Content\r\n\r\n'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const front = await startFront(t, `http://127.0.0.1:${port}`, { connections: 2 });
  for (let i = 0; i < 5; i++) {
    const [answer] = await exchange(t, front.origin, get);
    t.equal(answer?.status, 502);
  }
  t.same(new Set(front.refusals), new Set(['upstream_unreachable']));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  t.equal((await exchange(t, front.origin, get))[0]?.status, 204);
});

t.test('a name that does not resolve is 502', async (t) => {
  const front = await startFront(t, 'http://nowhere.invalid');
  t.equal((await exchange(t, front.origin, get))[0]?.status, 502);
  t.same(front.refusals, ['upstream_unreachable']);
});

t.test('a connection that is reset is 502', async (t) => {
  const wire = await startWire(t, (socket) => socket.resetAndDestroy());
  const front = await startFront(t, wire.url);
  t.equal((await exchange(t, front.origin, get))[0]?.status, 502);
  t.same(front.refusals, ['upstream_unreachable']);
  t.equal(wire.heads.length, 1);
});

t.test('an upstream that does not answer in time is 504, and gets no more of it', async (t) => {
  const wire = await startWire(t, () => {});
  const front = await startFront(t, wire.url, { headersTimeout: 50 });
  t.equal((await exchange(t, front.origin, get))[0]?.status, 504);
  t.same(front.refusals, ['upstream_timeout']);
  await wire.closed(0);
});

t.test('a connection that does not open in time is 504', async (t) => {
  // An https upstream that never says a word of TLS.
  const wire = await startWire(t, () => {});
  const front = await startFront(t, wire.url.replace('http:', 'https:'), { connectTimeout: 50 });
  t.equal((await exchange(t, front.origin, get))[0]?.status, 504);
  t.same(front.refusals, ['upstream_timeout']);
});

t.test('an answer that stops for bodyTimeout is cut', async (t) => {
  const wire = await startWire(t, (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
  );
  const front = await startFront(t, wire.url, { bodyTimeout: 50 });
  const [answer] = await exchange(t, front.origin, get);
  t.match(answer, { status: 200, text: 'half', complete: false });
  await front.ended(1);
  t.match(front.outcomes, [{ reason: 'upstream_timeout', bytes: 4 }]);
  await wire.closed(0);
});

t.test('what comes before is no answer to what comes after', async (t) => {
  // Bytes after a whole answer (response splitting, a late second answer) must not answer the next request.
  const wire = await startWire(t, (socket, _head, index) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nreal${index}`);
    if (index === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale');
  });
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  for (const text of ['real0', 'real1', 'real2']) {
    await client.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    t.equal((await client.response()).text, text);
  }
});

t.test('failures in their hundreds leave every place in the pool free', async (t) => {
  let broken = true;
  const url = await startUpstream(t, (request, response) => {
    if (broken) request.socket.destroy();
    else response.end('fine');
  });
  const front = await startFront(t, url, { connections: 2 });
  await Promise.all(Array.from({ length: 200 }, () => exchange(t, front.origin, get)));
  t.equal(front.refusals.length, 200);
  broken = false;
  const after = await Promise.all(Array.from({ length: 20 }, () => exchange(t, front.origin, get)));
  t.ok(after.every(([answer]) => answer?.text === 'fine'));
});

t.test('a path that undici would not send is refused, and takes no place in the pool', async (t) => {
  const url = await startUpstream(t, (_request, response) => response.end('fine'));
  for (const path of ['/a b', '/\n', '/\u0100', '*', 'x', '', '/\0']) {
    const front = await startFront(t, url, { connections: 1 }, { path });
    await exchange(t, front.origin, get);
    t.same(front.refusals, ['request_malformed'], JSON.stringify(path));
  }
  const bad = { headers: ['X', 'a\nb'] };
  const front = await startFront(t, url, { connections: 1 }, bad);
  for (let i = 0; i < 3; i++) await exchange(t, front.origin, get);
  t.same(front.refusals, ['request_malformed', 'request_malformed', 'request_malformed']);
  bad.headers[1] = 'ab';
  t.equal((await exchange(t, front.origin, get))[0]?.text, 'fine');
});

t.test('a path that the prefix is not of goes nowhere', async (t) => {
  const url = await startUpstream(t, (_request, response) => response.end('fine'));
  const front = await startFront(t, url, {}, { stripPrefix: '/billing' });
  t.equal((await exchange(t, front.origin, get))[0]?.status, 500);
});
