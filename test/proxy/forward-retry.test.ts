import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { connectRaw } from '../helpers/raw.ts';
import { startFront, startWire } from './front.ts';

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** A connection that has answered one request, and fails the next; any further connection answers. */
async function startStale(t: Test, fail: (socket: Socket) => void) {
  const wire = await startWire(t, (socket, _head, index) => {
    if (index === 0) socket.write(ok('first'));
    else if (socket === wire.sockets[0]) fail(socket);
    else socket.write(ok('again'));
  });
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal((await client.response()).text, 'first');
  return { wire, front, client };
}

for (const [how, fail] of Object.entries({
  closes: (socket: Socket) => socket.end(),
  resets: (socket: Socket) => socket.resetAndDestroy(),
})) {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
    t.test(`${method} is sent again, once, where a reused connection ${how}`, async (t) => {
      const { wire, front, client } = await startStale(t, fail);
      await client.send(`${method} /second HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
      t.equal((await client.response({ head: method === 'HEAD' })).status, 200);
      t.same(
        wire.heads.map((head) => head.split(' ', 2).join(' ')),
        ['GET /first', `${method} /second`, `${method} /second`],
      );
      t.equal(wire.sockets.length, 2);
      t.same(front.refusals, []);
    });
  }
}

const never: Readonly<Record<string, string>> = {
  'a POST': 'POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
  'a PATCH': 'PATCH /second HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
  'a method that is not known': 'LINK /second HTTP/1.1\r\nHost: a\r\n\r\n',
  'a PUT with a body': 'PUT /second HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx',
  'a GET with a body': 'GET /second HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx',
  'a DELETE with a chunked body':
    'DELETE /second HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
};
for (const [what, bytes] of Object.entries(never)) {
  t.test(`${what} is never sent again`, async (t) => {
    const { wire, front, client } = await startStale(t, (socket) => socket.end());
    await client.send(bytes);
    t.equal((await client.response()).status, 502);
    t.equal(wire.heads.length, 2);
    t.same(front.refusals, ['upstream_unreachable']);
  });
}

t.test('nothing is sent again once a byte of an answer has come', async (t) => {
  const { wire, client } = await startStale(t, (socket) => socket.end('H'));
  await client.send('GET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal((await client.response()).status, 502);
  t.equal(wire.heads.length, 2);
});

t.test('a fresh connection that closes is believed: one request, no more', async (t) => {
  const wire = await startWire(t, (socket) => socket.end());
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal((await client.response()).status, 502);
  t.equal(wire.heads.length, 1);
});

t.test('the second attempt is the last', async (t) => {
  const wire = await startWire(t, (socket, _head, index) => {
    if (index === 0) socket.write(ok('first'));
    else socket.end();
  });
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  for (const status of [200, 502]) {
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    t.equal((await client.response()).status, status);
  }
  t.equal(wire.heads.length, 3);
});

t.test('an answer of 503 is an answer', async (t) => {
  const wire = await startWire(t, (socket) =>
    socket.write('HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n'),
  );
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const answer = await client.response();
  t.match([answer.status, answer.header('retry-after'), wire.heads.length], [503, '1', 1]);
});

t.test('an idle connection that the upstream has closed is not used', async (t) => {
  const wire = await startWire(t, (socket) =>
    socket.end(ok('x').replace('\r\n', '\r\nConnection: keep-alive\r\n')),
  );
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  for (let i = 0; i < 3; i++) {
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
    t.equal((await client.response()).status, 200);
    await wire.closed(i);
  }
  t.equal(wire.heads.length, 3);
});
