import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { connectRaw } from '../helpers/raw.ts';
import { startFront, startUpstream, startWire } from './front.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Seen {
  method: string | undefined;
  body: Buffer;
  rawHeaders: string[];
}

/** An upstream that sends every body back, and remembers it. */
async function startMirror(t: Test, chunked: boolean) {
  const seen: Seen[] = [];
  const url = await startUpstream(t, async (request, response) => {
    const body = await collect(request);
    seen.push({ method: request.method, body, rawHeaders: request.rawHeaders });
    if (!chunked) response.setHeader('Content-Length', body.length);
    response.setHeader('Content-Type', request.headers['content-type'] ?? 'x/y');
    if (chunked) response.flushHeaders();
    response.end(body);
  });
  return { url, seen };
}

function send(origin: string, method: string, headers: Record<string, string>, body: Buffer | null) {
  return new Promise<{ status: number; body: Buffer; response: IncomingMessage }>((resolve, reject) => {
    const request = httpRequest(origin, { method, headers, agent: false }, (response) => {
      collect(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, body: bytes, response }),
        reject,
      );
    });
    request.on('error', reject);
    request.end(body ?? undefined);
  });
}

const bodies: Readonly<Record<string, Buffer>> = {
  'one byte': Buffer.from('x'),
  '16 MiB': randomBytes(16 * 1024 * 1024),
  gzip: gzipSync(randomBytes(5000)),
  'latin1 text': Buffer.from('Grüße, naïve café', 'latin1'),
  'every byte': Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
};

for (const chunked of [false, true]) {
  t.test(`bodies survive both ways, ${chunked ? 'chunked' : 'with a length'}`, async (t) => {
    const mirror = await startMirror(t, chunked);
    const front = await startFront(t, mirror.url);
    for (const method of ['POST', 'PUT', 'PATCH', 'GET', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      for (const [name, body] of Object.entries(bodies)) {
        if (body.length > 100_000 && method !== 'POST' && method !== 'GET') continue;
        const framing = chunked
          ? { 'Transfer-Encoding': 'chunked' }
          : { 'Content-Length': String(body.length) };
        const answer = await send(front.origin, method, { ...framing, 'Content-Type': 'text/plain' }, body);
        t.equal(answer.status, 200);
        t.equal(
          sha256(mirror.seen.at(-1)?.body ?? Buffer.alloc(0)),
          sha256(body),
          `${method}, ${name}, there`,
        );
        t.equal(sha256(answer.body), sha256(body), `${method}, ${name}, and back`);
        t.equal(mirror.seen.at(-1)?.method, method);
        t.equal(answer.response.headers['content-type'], 'text/plain');
        t.equal(answer.response.headers['content-length'], chunked ? undefined : String(body.length));
      }
    }
    await front.ended(front.outcomes.length);
    t.ok(front.outcomes.every(({ reason, upstreamMs }) => reason === null && upstreamMs !== null));
    t.ok(front.outcomes.some(({ bytes }) => bytes === 16 * 1024 * 1024));
  });
}

t.test('no body is no body', async (t) => {
  const mirror = await startMirror(t, false);
  const front = await startFront(t, mirror.url);
  for (const [method, headers, body] of [
    ['GET', {}, null],
    ['DELETE', {}, null],
    ['POST', { 'Content-Length': '0' }, null],
    ['POST', { 'Transfer-Encoding': 'chunked' }, Buffer.alloc(0)],
  ] as const) {
    const answer = await send(front.origin, method, headers, body);
    t.equal(answer.status, 200, method);
    t.equal(answer.body.length, 0);
    t.equal(mirror.seen.at(-1)?.body.length, 0);
    t.equal(answer.response.headers['content-length'], '0');
  }
});

t.test('trailers of the client go no further and break nothing', async (t) => {
  const wire = await startWire(t, (socket, _head, index) => {
    if (index > 0) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const mirror = await startMirror(t, false);
  const front = await startFront(t, mirror.url);
  const client = await connectRaw(t, front.origin);
  await client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Verified-Subject\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Verified-Subject: root\r\n\r\n' +
      'GET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  t.equal((await client.response()).text, 'abc');
  t.equal((await client.response()).status, 200);
  t.equal(
    mirror.seen[0]?.rawHeaders.findIndex((each) => /trailer|verified/i.test(each)),
    -1,
  );
  t.equal(wire.heads.length, 0);
});

t.test('an answer is passed on piece by piece, before the upstream has done', async (t) => {
  const wire = await startWire(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  });
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nDate: ';
  t.equal((await client.bytes(head.length)).toString(), head, 'the head comes alone');
  await client.bytes(
    'Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n'
      .length,
  );
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    wire.sockets[0]?.write(`9\r\n${event}\r\n`);
    t.equal((await client.bytes(14)).toString(), `9\r\n${event}\r\n`);
  }
  wire.sockets[0]?.write('0\r\n\r\n');
  t.equal((await client.bytes(5)).toString(), '0\r\n\r\n');
  await front.ended(1);
  t.match(front.outcomes[0], { eventStream: true, bytes: 18, reason: null });
});

t.test('a request body is passed on piece by piece, and the answer may come before its end', async (t) => {
  const wire = await startWire(t, () => {});
  const front = await startFront(t, wire.url);
  const client = await connectRaw(t, front.origin);
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await wire.received(1);
  wire.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nearl');
  const answer = await client.response();
  t.equal(answer.text, 'earl');
  t.equal(answer.header('connection'), 'close', 'the rest of the body must not stand before a next request');
  t.equal(await client.closed(), 'end');
});
