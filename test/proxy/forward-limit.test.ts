import { once } from 'node:events';
import t from 'tap';
import { connectRaw } from '../helpers/raw.ts';
import { startFront, startUpstream, startWire } from './front.ts';

const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

t.test('a body over maxBodySize by its own word is refused before the upstream hears of it', async (t) => {
  const wire = await startWire(t, (socket) => socket.write(ok));
  const front = await startFront(t, wire.url, {}, { maxBodySize: 10 });
  for (const [length, status] of [
    [10, 200],
    [11, 413],
    ['9007199254740993', 413],
  ] as const) {
    const client = await connectRaw(t, front.origin);
    await client.send(`${post}Content-Length: ${length}\r\n\r\n${length === 10 ? '0123456789' : ''}`);
    t.equal((await client.response()).status, status, String(length));
  }
  t.equal(wire.heads.length, 1);
  t.same(front.refusals, ['body_too_large', 'body_too_large']);
});

t.test(
  'a chunked body over maxBodySize is refused as it comes, and the upstream never sees it end well',
  async (t) => {
    let received = '';
    const wire = await startWire(t, (socket) => {
      socket.on('data', (bytes) => {
        received += bytes.toString();
      });
    });
    const front = await startFront(t, wire.url, {}, { maxBodySize: 10 });
    const client = await connectRaw(t, front.origin);
    await client.send(`${post}Transfer-Encoding: chunked\r\n\r\n${chunk('0123456789')}`);
    await wire.received(1);
    await client.send(chunk('surplus'));
    t.equal((await client.response()).status, 413);
    await wire.closed(0);
    t.notMatch(received, 'surplus');
    t.notMatch(received, /\r\n0\r\n/);
    await front.ended(1);
    t.match(front.outcomes, [{ reason: 'body_too_large' }]);
  },
);

t.test('a chunked body up to maxBodySize passes', async (t) => {
  const url = await startUpstream(t, (request, response) => {
    request.on('end', () => response.end('ok')).resume();
  });
  const front = await startFront(t, url, {}, { maxBodySize: 10 });
  const client = await connectRaw(t, front.origin);
  await client.send(`${post}Transfer-Encoding: chunked\r\n\r\n${chunk('01234')}${chunk('56789')}0\r\n\r\n`);
  t.equal((await client.response()).text, 'ok');
});

t.test('over maxBodySize once the answer has begun, both are cut', async (t) => {
  const wire = await startWire(t, (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'),
  );
  const front = await startFront(t, wire.url, {}, { maxBodySize: 10 });
  const client = await connectRaw(t, front.origin);
  const begun = once(client.socket, 'data');
  await client.send(`${post}Transfer-Encoding: chunked\r\n\r\n${chunk('01234')}`);
  await begun;
  await client.send(chunk('56789abc'));
  t.match(await client.response(), { status: 200, complete: false });
  await wire.closed(0);
  t.same(front.refusals, []);
  await front.ended(1);
  t.match(front.outcomes, [{ reason: 'body_too_large' }]);
});

t.test('Expect is answered when the body is wanted, and never sent on', async (t) => {
  const url = await startUpstream(t, (request, response) => {
    t.equal(request.headers.expect, undefined);
    request.on('end', () => response.end('done')).resume();
  });
  const front = await startFront(t, url, {}, { maxBodySize: 10 });
  const client = await connectRaw(t, front.origin);
  await client.send(`${post}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
  t.equal((await client.response()).status, 100);
  await client.send('abc');
  t.equal((await client.response()).text, 'done');
  await client.send(`${post}Expect: 100-continue\r\nContent-Length: 11\r\n\r\n`);
  t.equal((await client.response()).status, 413, 'refused before the body is sent');
});

t.test('Expect is not answered for a long body where the upstream cannot be reached', async (t) => {
  const front = await startFront(t, 'http://nowhere.invalid');
  const client = await connectRaw(t, front.origin);
  await client.send(`${post}Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n`);
  t.equal((await client.response()).status, 502);
});

t.test('a coding besides chunked is refused', async (t) => {
  const wire = await startWire(t, (socket) => socket.write(ok));
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send(`${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`);
  t.equal((await client.response()).status, 400);
  t.equal(wire.heads.length, 0);
});

t.test('a client that reads nothing holds the upstream back, then is cut off', async (t) => {
  const total = 256 * 1024 * 1024;
  const piece = Buffer.alloc(1024 * 1024);
  let written = 0;
  let full = () => {};
  const paused = new Promise<void>((resolve) => {
    full = resolve;
  });
  const wire = await startWire(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    const fill = () => {
      while (written < total) {
        written += piece.length;
        // Nothing more is taken once the system's buffers are full: nobody reads at the other end.
        if (!socket.write(piece)) return void socket.once('drain', fill);
      }
    };
    fill();
  });
  const front = await startFront(t, wire.url, { bodyTimeout: 1000 });
  const client = await connectRaw(t, front.origin);
  client.socket.pause();
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await wire.received(1);
  wire.sockets[0]?.once('close', full);
  await paused;
  await front.ended(1);
  const passed = front.outcomes[0]?.bytes ?? 0;
  t.ok(written < total / 4, `the upstream got rid of ${written} bytes`);
  t.ok(passed < total / 4, `${passed} bytes were passed on`);
  t.equal(front.outcomes[0]?.reason, 'answer_not_read');
});

t.test('a client that reads nothing of whole answers holds its connection for bodyTimeout', async (t) => {
  const url = await startUpstream(t, (_request, response) => response.end(Buffer.alloc(12 * 1024)));
  const front = await startFront(t, url, { bodyTimeout: 200 });
  const { socket } = await connectRaw(t, front.origin);
  socket.pause();
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // Who reads nothing learns of the end only by writing; an empty line before a request is none.
  const poke = setInterval(() => socket.write('\r\n'), 50);
  t.teardown(() => clearInterval(poke));
  // One after the other, until what the system keeps for a reader is full.
  const most = 5000;
  let sent = 0;
  while (!socket.destroyed && sent < most) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    sent++;
    await front.ended(sent, closed);
  }
  t.ok(sent < most, `cut after ${sent} answers`);
});

t.test('an upstream that reads nothing holds the client back', async (t) => {
  const total = 256 * 1024 * 1024;
  const wire = await startWire(t, (socket) => socket.pause());
  const front = await startFront(t, wire.url, { headersTimeout: 1000 });
  const client = await connectRaw(t, front.origin);
  client.socket.write(`${post}Content-Length: ${total}\r\n\r\n`);
  const piece = Buffer.alloc(1024 * 1024);
  let taken = 0;
  const fill = () => {
    while (taken < total && !client.socket.destroyed) {
      taken += piece.length;
      if (!client.socket.write(piece)) return void client.socket.once('drain', fill);
    }
  };
  fill();
  await wire.received(1);
  t.equal((await client.response()).status, 504, 'and in the end it is the upstream that was too slow');
  t.ok(taken < total / 4, `the client got rid of ${taken} bytes`);
});
