import { once } from 'node:events';
import t from 'tap';
import { connectRaw } from '../helpers/raw.ts';
import { startFront, startWire } from './front.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const gone = { reason: null, upstreamMs: null, bytes: 0 };

t.test('a client that leaves before the answer takes its upstream request with it', async (t) => {
  const wire = await startWire(t, () => {});
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send(get);
  await wire.received(1);
  client.socket.destroy();
  await wire.closed(0);
  await front.ended(1);
  t.match(front.outcomes, [gone]);
  t.same(front.refusals, []);
});

t.test('in the middle of the answer', async (t) => {
  const wire = await startWire(t, (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
  );
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  const begun = once(client.socket, 'data');
  await client.send(get);
  await begun;
  client.reset();
  await wire.closed(0);
  await front.ended(1);
  t.match(front.outcomes, [{ reason: null, bytes: 4 }]);
});

for (const [what, head] of [
  ['with a length', 'Content-Length: 100000\r\n\r\nhalf'],
  ['chunked', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
]) {
  t.test(`in the middle of its own body, ${what}: the upstream never sees it end well`, async (t) => {
    let received = '';
    const wire = await startWire(t, (socket) => {
      socket.on('data', (chunk) => {
        received += chunk.toString();
      });
    });
    const front = await startFront(t, wire.url);
    const client = await connectRaw(t, front.origin);
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\n${head}`);
    await wire.received(1);
    client.socket.destroy();
    await wire.closed(0);
    await front.ended(1);
    t.match(front.outcomes, [gone]);
    t.same(front.refusals, []);
    t.notMatch(received, /\r\n0\r\n/);
  });
}

t.test('while the connection to the upstream opens', async (t) => {
  // An https upstream that never says a word of TLS.
  const wire = await startWire(t, () => {});
  const front = await startFront(t, wire.url.replace('http:', 'https:'), {
    connectTimeout: 100,
    connections: 1,
  });
  const first = await connectRaw(t, front.origin);
  await first.send(get);
  while (wire.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
  first.socket.destroy();
  await front.ended(1);
  t.match(front.outcomes, [gone]);
  // Its place is free again: the next one runs into its own time-out, not into a full pool.
  const second = await connectRaw(t, front.origin);
  await second.send(get);
  t.equal((await second.response()).status, 504);
  await wire.closed(0);
});

t.test('while it waits for a connection', async (t) => {
  const wire = await startWire(t, () => {});
  const front = await startFront(t, wire.url, { connections: 1 });
  const first = await connectRaw(t, front.origin);
  await first.send(get);
  await wire.received(1);
  const second = await connectRaw(t, front.origin);
  await second.send(get.replace('/', '/second'));
  second.socket.destroy();
  const third = await connectRaw(t, front.origin);
  await third.send(get.replace('/', '/third'));
  await front.ended(1);
  wire.sockets[0]?.write('HTTP/1.1 204 No Content\r\n\r\n');
  t.equal((await first.response()).status, 204);
  await wire.received(2);
  t.match(wire.heads[1], /^GET \/third /, 'the one that left is never sent');
});

t.test('while its answer waits for an earlier one on the same connection', async (t) => {
  const wire = await startWire(t, (socket, head) => {
    // Ends neither, and sends more than is buffered for an answer whose turn has not come.
    if (head.startsWith('GET /2'))
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n${'x'.repeat(300_000)}`);
  });
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send(
    `GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx`,
  );
  await wire.received(3);
  client.socket.destroy();
  await front.ended(3);
  for (const n of [0, 1, 2]) await wire.closed(n);
  t.same(front.refusals, []);
});

t.test('before it was forwarded at all', async (t) => {
  const wire = await startWire(t, () => {});
  let begin = () => {};
  const waiting = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const front = await startFront(t, wire.url, {}, {}, waiting);
  const client = await connectRaw(t, front.origin);
  await client.send(get);
  client.socket.destroy();
  await front.left();
  begin();
  await front.ended(1);
  t.match(front.outcomes, [gone]);
  t.equal(wire.sockets.length, 0, 'the upstream saw nothing');
});

t.test(
  'an upstream that dies in the middle of a request body is answered for, and the client may go on',
  async (t) => {
    const wire = await startWire(t, (socket) => socket.resetAndDestroy());
    const front = await startFront(t, wire.url);
    const client = await connectRaw(t, front.origin);
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nsome');
    const answer = await client.response();
    t.equal(answer.status, 502);
    t.equal(answer.header('connection'), 'close');
  },
);

t.test(
  'what an answer leaves unread of a body that has come whole does not stand before the next request',
  async (t) => {
    const wire = await startWire(t, (socket, _head, index) => {
      if (index === 0) socket.pause();
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    });
    const front = await startFront(t, wire.url);
    const client = await connectRaw(t, front.origin);
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`);
    const answer = await client.response();
    t.equal(answer.text, 'ok');
    if (answer.header('connection') === 'close') return;
    await client.send(get);
    t.equal((await client.response()).text, 'ok');
  },
);

t.test('closing the upstreams lets what runs end; destroying them does not', async (t) => {
  const wire = await startWire(t, () => {});
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send(get);
  await wire.received(1);
  const closed = front.upstream.pool.close();
  wire.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  t.equal((await client.response()).text, 'ok');
  await closed;
  await wire.closed(0);
  await client.send(get);
  await wire.received(2);
  t.equal(wire.sockets.length, 2, 'a straggler is served still');
  front.upstream.pool.destroy();
  t.equal((await client.response()).status, 502);
  await wire.closed(1);
  await client.send(get);
  t.equal((await client.response()).status, 502, 'and then nobody');
});
