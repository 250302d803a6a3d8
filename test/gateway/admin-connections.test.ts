import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { mock } from 'node:test';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { createAdmin } from '../../src/admin.ts';
import { compileAccess } from '../../src/admin-access.ts';
import type { AdminLimits } from '../../src/admin-connections.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { connectRaw, type RawConnection } from '../helpers/raw.ts';
import { request } from '../helpers/request.ts';

const secret = 'an-admin-token-of-32-bytes-or-so!!';
const authorization = `Authorization: Bearer ${secret}`;
const mebibyte = Buffer.alloc(1024 * 1024, 'x');

/** An admin port by itself, and its ends of all connections. */
async function start(t: Test, limits: AdminLimits = {}, metrics = '# nothing\n') {
  const folder = t.testdir({ token: secret });
  const access = compileAccess({ tokenFile: join(folder, 'token'), tokenRequired: false });
  const released: string[] = [];
  const app = createAdmin({
    access: () => access,
    limits,
    metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: async () => metrics },
    blocks: {
      list: () => ({ blocks: [], total: 0 }),
      release(network) {
        released.push(network);
        return null;
      },
    },
    readiness: () => ({ ready: true, reasons: [] }),
    status: () => Promise.reject(new Error('There is none')),
    explain: (input) => Promise.resolve({ got: input } as never),
  });
  const sockets: Socket[] = [];
  app.server.on('connection', (socket) => sockets.push(socket));
  t.teardown(() => app.close());
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const serverEnd = (raw: RawConnection) =>
    sockets.find(({ remotePort }) => remotePort === raw.socket.localPort) as Socket;
  return {
    url,
    sockets,
    released,
    serverEnd,
    /** Opens a connection, and waits until the admin port has taken it. */
    async connect(): Promise<RawConnection> {
      const raw = await connectRaw(t, url);
      while (serverEnd(raw) === undefined) await once(app.server, 'connection');
      return raw;
    },
    ready: async () => (await request(url, { path: '/readyz' })).status,
  };
}

function head(line: string, ...fields: readonly string[]): string {
  return `${[`${line} HTTP/1.1`, 'Host: a.example', ...fields].join('\r\n')}\r\n\r\n`;
}

const sized = `Content-Length: ${64 * mebibyte.length}`;
const chunked = 'Transfer-Encoding: chunked';
const json = 'Content-Type: application/json';
const form = 'Content-Type: application/x-www-form-urlencoded';
const unwanted = [
  { name: 'POST of an unknown path', bytes: head('POST /nothing', sized), status: 404 },
  { name: 'the same in JSON', bytes: head('POST /nothing', json, sized), status: 404 },
  { name: 'the same in chunks', bytes: head('POST /nothing', json, chunked), status: 404 },
  { name: 'POST of a path for GET', bytes: head('POST /metrics', json, chunked), status: 404 },
  { name: 'PUT', bytes: head('PUT /api/explain', json, sized), status: 404 },
  { name: 'PATCH', bytes: head('PATCH /x', sized), status: 404 },
  { name: 'QUERY', bytes: head('QUERY /livez', json, sized), status: 404 },
  { name: 'PROPFIND', bytes: head('PROPFIND /', sized), status: 404 },
  { name: 'POST without access', bytes: head('POST /api/explain', json, sized), status: 401 },
  { name: 'the same in chunks', bytes: head('POST /api/explain', json, chunked), status: 401 },
  { name: 'a form without access', bytes: head('POST /explain', form, sized), status: 401 },
  { name: 'a form of another site', bytes: head('POST /explain', authorization, form, sized), status: 403 },
  { name: 'GET with a length', bytes: head('GET /livez', sized), status: 200 },
  { name: 'GET in chunks', bytes: head('GET /readyz', chunked), status: 200 },
  { name: 'HEAD with a length', bytes: head('HEAD /metrics', sized), status: 200 },
  { name: 'GET without access', bytes: head('GET /api/status', sized), status: 401 },
  { name: 'DELETE without the token', bytes: head('DELETE /api/blocks/127.0.0.1', sized), status: 401 },
  {
    name: 'DELETE with the token',
    bytes: head('DELETE /api/blocks/127.0.0.1', authorization, json, sized),
    status: 404,
  },
  { name: 'a path that is no path', bytes: head('POST /%zz', json, sized), status: 400 },
  { name: 'more than is taken', bytes: head('POST /api/explain', authorization, json, sized), status: 413 },
  {
    name: 'another type',
    bytes: head('POST /api/explain', authorization, 'Content-Type: a/b', sized),
    status: 415,
  },
  { name: 'no type', bytes: head('POST /api/explain', authorization, sized), status: 415 },
];

t.test('a body that is not wanted is not read, and ends the connection', async (t) => {
  const { connect, serverEnd, ready } = await start(t);
  const ask = async ({ name, bytes, status }: (typeof unwanted)[0], raw: RawConnection) => {
    const socket = serverEnd(raw);
    const closed = once(socket, 'close');
    // How much of it the system takes is its own affair.
    raw.socket.on('error', () => {});
    raw.socket.write(bytes);
    for (let i = 0; i < 8; i++) raw.socket.write(bytes.includes(chunked) ? chunk(mebibyte) : mebibyte);
    const answer = await raw.response({ head: bytes.startsWith('HEAD') });
    t.equal(answer.status, status, name);
    t.equal(answer.header('connection'), 'close', name);
    await closed;
    t.ok(socket.bytesRead < mebibyte.length, `${name}: ${socket.bytesRead} bytes read`);
  };
  const asked: Promise<void>[] = [];
  for (const each of unwanted) asked.push(ask(each, await connect()));
  t.equal(await ready(), 200);
  await Promise.all(asked);
});

function chunk(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
}

t.test('400 connections with bodies fill no memory, and a probe gets through', async (t) => {
  const { connect, sockets, ready } = await start(t);
  const all: RawConnection[] = [];
  for (let i = 0; i < 400; i++) {
    const raw = await connect();
    raw.socket.on('error', () => {});
    raw.socket.write((unwanted[i % unwanted.length] as (typeof unwanted)[0]).bytes);
    raw.socket.write(mebibyte);
    all.push(raw);
    if (i % 50 === 49) t.equal(await ready(), 200, `beside ${i + 1}`);
  }
  await Promise.all(all.map((raw) => raw.closed()));
  const read = sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  t.ok(read < 400 * 256 * 1024, `${read} bytes were read of ${400 * mebibyte.length}`);
});

t.test('a body is asked for only where it is wanted', async (t) => {
  const { connect } = await start(t);
  const expect = 'Expect: 100-continue';
  for (const { name, bytes, status } of unwanted.filter(
    (each) => each.status !== 413 && each.status !== 415,
  )) {
    const raw = await connect();
    await raw.send(bytes.replace('Host:', `${expect}\r\nHost:`));
    const answer = await raw.response({ head: bytes.startsWith('HEAD') });
    t.equal(answer.status, status, `${name}: no 100 before it`);
  }
  const raw = await connect();
  await raw.send(head('POST /api/explain', authorization, json, 'Content-Length: 13', expect));
  t.equal((await raw.response()).status, 100);
  await raw.send('{"token":"a"}');
  const answer = await raw.response();
  t.equal(answer.status, 200);
  t.equal(answer.header('connection'), 'keep-alive', 'a body that was read ends nothing');
  await raw.send(head('GET /livez', 'Expect: a-miracle'));
  t.equal((await raw.response()).status, 200, 'an expectation that nobody knows is ignored');
});

t.test('nothing that comes after an answer that closes is looked at', async (t) => {
  const { connect, sockets, released } = await start(t);
  const next = head('DELETE /api/blocks/192.0.2.1', authorization);
  for (const first of [
    `${head('POST /nothing', 'Content-Length: 5')}12345`,
    `${head('POST /nothing', chunked)}0\r\n\r\n`,
    `${head('GET /metrics', 'Content-Length: 5')}12345`,
    `${head('POST /api/explain', 'Content-Length: 5')}12345`,
    `${head('POST /%zz', 'Content-Length: 5')}12345`,
    head('GET /livez', ...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`)),
  ]) {
    const raw = await connect();
    await raw.send(first + next + next);
    const answers = await raw.responses();
    t.equal(answers.length, 1, first.slice(0, 20));
    t.equal(answers[0]?.header('connection'), 'close');
  }
  const junk = await connect();
  await junk.send(`${head('POST /nothing', 'Content-Length: 5')}12345\0junk\r\n\r\n`);
  t.strictSame(
    (await junk.responses()).map(({ status }) => status),
    [404],
    'nor what is no request',
  );
  t.equal(sockets.length, 7);
  t.strictSame(released, [], 'let alone done');
  const raw = await connect();
  await raw.send(head('GET /livez') + head('GET /readyz') + head('GET /livez', 'Connection: close'));
  t.strictSame(
    (await raw.responses()).map(({ status }) => status),
    [200, 200, 200],
    'others are answered in turn',
  );
});

t.test('the 65th connection takes the place of the oldest that has finished no request', async (t) => {
  const { connect, sockets } = await start(t);
  const served = await connect();
  await served.send(head('GET /livez'));
  await served.response();
  const silent: RawConnection[] = [];
  for (let i = 0; i < 63; i++) silent.push(await connect());
  t.equal(sockets.filter((each) => !each.destroyed).length, 64, '64 stay open');

  for (let i = 0; i < 3; i++) {
    const probe = await connect();
    await silent[i]?.closed();
    await probe.send(head('GET /readyz'));
    t.equal((await probe.response()).status, 200, 'a probe gets in');
  }
  await served.send(head('GET /livez'));
  t.equal((await served.response()).status, 200, 'a connection that has finished one goes on');
  await silent[3]?.send(head('GET /livez'));
  t.equal((await silent[3]?.response())?.status, 200, 'as does a younger one that has not');
  t.equal(sockets.filter((each) => !each.destroyed).length, 64);
});

t.test('those that have finished a request do not keep others out', async (t) => {
  const { connect, sockets } = await start(t);
  const held: RawConnection[] = [];
  for (let i = 0; i < 64; i++) {
    const raw = await connect();
    await raw.send(head('GET /livez'));
    await raw.response();
    // And now a request that never ends.
    await raw.send('GET /livez HTTP/1.1\r\n');
    held.push(raw);
  }
  const others = [await connect(), await connect(), await connect()];
  await Promise.all(held.slice(0, 3).map((raw) => raw.closed()));
  for (const raw of others) {
    await raw.send(head('GET /readyz'));
    t.equal((await raw.response()).status, 200);
  }
  t.equal(sockets.filter((each) => !each.destroyed).length, 64);
});

/** Opens connections and asks over each, tells the main thread, and counts the answers. */
const crowd = `
const { connect } = require('node:net');
const { parentPort, workerData: { port, count, told } } = require('node:worker_threads');
let sent = 0;
let answered = 0;
let ended = 0;
for (let i = 0; i < count; i++) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.once('data', () => answered++);
  socket.once('close', () => ++ended === count && parentPort.postMessage(answered));
  socket.write('GET /readyz HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n', () => {
    if (++sent < count) return;
    Atomics.store(told, 0, 1);
    Atomics.notify(told, 0);
  });
}`;

t.test('a request that has come with its connection is answered, however many come with it', async (t) => {
  const { url } = await start(t);
  const told = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { port: Number(new URL(url).port), count: 200, told };
  const worker = new Worker(crowd, { eval: true, workerData });
  t.teardown(() => worker.terminate());
  const answered = once(worker, 'message');
  await once(worker, 'online');
  // As long as this thread does nothing, connections and requests wait in the system.
  Atomics.wait(told, 0, 0, 10_000);
  t.strictSame(await answered, [200]);
});

t.test('time begins anew with each answer, and no sooner', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const { connect, serverEnd } = await start(t);
  const raw = await connect();
  const closed = once(serverEnd(raw), 'close');
  for (let i = 0; i < 3; i++) {
    mock.timers.tick(9_999);
    await raw.send(head('GET /livez'));
    t.equal((await raw.response()).status, 200, `after ${9_999 * (i + 1)} ms`);
  }
  const half = await connect();
  let sent = 0;
  for (const line of ['GET /livez HTTP/1.1\r\n', 'Host: a.example\r\n']) {
    await half.send(line);
    sent += line.length;
    while (serverEnd(half).bytesRead < sent) await new Promise((done) => setImmediate(done));
    mock.timers.tick(5_000);
  }
  t.equal((await half.response()).status, 408);
  await closed;
});

t.test(
  'a request has its time: with its silence, its head, its body and the reading of its answer',
  async (t) => {
    const large = '# much\n'.repeat(4 * 1024 * 1024);
    const { connect, serverEnd } = await start(t, { requestTime: 300 }, large);
    const timedOut = [
      { name: 'half a head', bytes: 'GET /livez HTTP/1.1\r\nHost' },
      {
        name: 'half a body',
        bytes: `${head('POST /api/explain', authorization, json, 'Content-Length: 99')}{`,
      },
      {
        name: 'half a chunk',
        bytes: `${head('POST /explain', authorization, form, chunked, 'Sec-Fetch-Site: same-origin')}99\r\na`,
      },
    ];
    for (const { name, bytes } of timedOut) {
      const raw = await connect();
      await raw.send(bytes);
      const [answer, ...others] = await raw.responses();
      t.equal(answer?.status, 408, name);
      t.equal(answer?.header('connection'), 'close');
      t.equal(others.length, 0);
    }
    const later = await connect();
    await later.send(head('GET /livez'));
    await later.response();
    await later.send('GET /livez HTTP/1.1\r\n');
    t.equal((await later.response()).status, 408, 'half of a second one');

    const silent = await connect();
    t.equal((await silent.rest()).length, 0, 'nobody is told what did not ask');

    const unread = await connect();
    const { socket } = unread;
    const closed = once(serverEnd(unread), 'close');
    socket.pause();
    await unread.send(head('GET /metrics'));
    // A little of it now and then, which keeps off any limit of idleness.
    const drip = setInterval(() => socket.read(1), 20);
    t.teardown(() => clearInterval(drip));
    await withDeadline(closed, 'an answer that is not read');
  },
);

t.test('what is no request is refused, and never in the middle of an answer', async (t) => {
  const { connect } = await start(t, {}, '# much\n'.repeat(10_000));
  const cases = [
    { name: 'junk', bytes: '\0junk\r\n\r\n', status: 400 },
    { name: 'two lengths', bytes: head('POST /x', 'Content-Length: 1', 'Content-Length: 2'), status: 400 },
    { name: 'a head that is too large', bytes: head('GET /livez', `X: ${'x'.repeat(20_000)}`), status: 431 },
    {
      name: 'a head of too many lines',
      bytes: head('GET /livez', ...Array.from({ length: 200 }, (_, i) => `X-${i}: 1`)),
      status: 431,
    },
  ];
  for (const { name, bytes, status } of cases) {
    const raw = await connect();
    await raw.send(bytes);
    const answers = await raw.responses();
    t.strictSame(
      answers.map((answer) => answer.status),
      [status],
      name,
    );
    t.match(answers[0]?.header('content-type'), /^application\/problem\+json/);
  }
  const raw = await connect();
  await raw.send(`${head('GET /metrics')}\0junk\r\n\r\n`);
  const text = (await raw.rest()).toString();
  t.ok(text === '' || /^HTTP\/1\.1 (200|400) /.test(text));
  t.equal(text.match(/HTTP\/1\.1/g)?.length ?? 0, text === '' ? 0 : 1, 'at most one answer comes');
});

t.test('answers that nobody reads fill no memory', async (t) => {
  const large = '# much\n'.repeat(1024 * 1024);
  const { connect, sockets, ready, serverEnd } = await start(t, {}, large);
  const all: RawConnection[] = [];
  const waiting = () =>
    sockets
      .filter(({ destroyed }) => !destroyed)
      .reduce((sum, { writableLength }) => sum + writableLength, 0);
  for (let i = 0; i < 40; i++) {
    const raw = await connect();
    raw.socket.pause();
    const socket = serverEnd(raw);
    raw.socket.write(head('GET /metrics'));
    all.push(raw);
    while (!socket.destroyed && socket.writableLength === 0) await new Promise((done) => setImmediate(done));
    t.ok(waiting() < 48 * 1024 * 1024, `${waiting()} bytes wait beside ${i + 1}`);
  }
  t.equal(await ready(), 200);
  t.ok(sockets.filter(({ destroyed }) => destroyed).length > 30, 'those that leave most unread make room');
});

t.test('no connection has more than eight requests that wait', async (t) => {
  const { connect } = await start(t);
  const some = await connect();
  await some.send(head('GET /metrics').repeat(7) + head('GET /metrics', 'Connection: close'));
  t.equal((await some.responses()).length, 8);
  const many = await connect();
  await many.send(head('GET /metrics').repeat(500));
  t.ok((await many.rest()).length < 9 * 1024, 'it is cut');
});
