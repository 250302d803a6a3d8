import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw.ts';
import { holdClock } from './held-clock.ts';
import { ask, open, startUpstream } from './wire.ts';

type Settings = Omit<Exclude<ConfigInput['upstream'], string | undefined>, 'url'>;
type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Far more than any test takes. */
const deadline = 120_000;

interface Seen {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Bytes of the body so far. */
  bytes: number;
}

/** A gateway whose clock stands still, before an upstream of the test's own. */
async function start(t: Test, listener: Listener, settings: Settings = {}, more: Partial<ConfigInput> = {}) {
  const all: Seen[] = [];
  let changed = () => {};
  const url = await startUpstream(t, (request, response) => {
    const seen: Seen = { request, response, bytes: 0 };
    all.push(seen);
    response.on('close', () => changed());
    request.on('error', () => {});
    listener(request, response);
    request.on('data', (chunk) => {
      seen.bytes += chunk.length;
      changed();
    });
    changed();
  });
  const clock = holdClock();
  const gateway = await startGateway(t, { ...open, ...more, upstream: { url, ...settings } }, { clock });
  const until = async (holds: () => boolean, what: string) => {
    while (!holds()) {
      await withDeadline(new Promise<void>((resolve) => (changed = resolve)), what, deadline);
    }
  };
  const find = (path: string) => all.find(({ request }) => request.url === path);
  return {
    gateway,
    clock,
    paths: () => all.map(({ request }) => request.url),
    find: (path: string) => find(path) as Seen,
    client: (localAddress = '127.0.0.1') => connectRaw(t, gateway.url, { localAddress, deadline }),
    /** Resolves when the upstream has a request, and so many bytes of its body. */
    arrived: (path: string, bytes = 0) =>
      until(() => (find(path)?.bytes ?? -1) >= bytes, `${path} to arrive`),
    /** Resolves when the upstream has lost the connection of a request, or has answered it. */
    gone: (path: string) => until(() => find(path)?.response.closed === true, `${path} to be let go`),
  };
}

type Scene = Awaited<ReturnType<typeof start>>;

/** Lets time pass. It has been looked at every transfer since when one beside them has been cut off. */
async function pass(t: Test, scene: Scene, milliseconds: number) {
  const path = `/canary-${scene.paths().length}`;
  const canary = await scene.client();
  await canary.send(`${ask(`POST ${path}`, 'Transfer-Encoding: chunked')}1\r\na\r\n`);
  await scene.arrived(path);
  let cut = false;
  const answer = canary.response().then((response) => {
    cut = true;
    return response;
  });
  for (let passed = 0; passed < milliseconds || !cut; passed += 1000) {
    scene.clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.equal((await answer).status, 408, 'one that is meant is cut off');
}

const echo: Listener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => response.end(Buffer.concat(chunks)));
};
const never: Listener = () => {};

for (const [what, begin, ...fields] of [
  ['of 65,537 bytes', 'a', 'Content-Length: 65537'],
  ['in chunks', '1\r\na\r\n', 'Transfer-Encoding: chunked'],
  ['that was asked for', 'a', 'Content-Length: 65537', 'Expect: 100-continue'],
] as const) {
  t.test(`a body ${what} that is not sent is answered with 408`, async (t) => {
    const scene = await start(t, echo);
    const client = await scene.client();
    await client.send(ask('POST /upload', ...fields));
    if (what === 'that was asked for') t.equal((await client.response()).status, 100);
    await client.send(begin);
    await scene.arrived('/upload', 1);
    scene.clock.advance(4500);
    t.equal((await scene.gateway.request({ path: '/other' })).status, 200);
    t.notOk(scene.find('/upload').response.closed);
    scene.clock.advance(500);
    const answer = await client.response();
    t.equal(answer.status, 408);
    t.equal(answer.json().code, 'request_timeout');
    t.equal(answer.header('connection'), 'close');
    await scene.gone('/upload');
    const line = await scene.gateway.lineWhere(({ path }) => path === '/upload');
    t.match(line, { status: 408, reason: 'request_timeout' });
    t.notOk('cut' in line);
  });
}

t.test('a body that comes slowly but steadily is passed on to its end', async (t) => {
  const scene = await start(t, echo);
  const client = await scene.client();
  const piece = 'x'.repeat(1024);
  await client.send(ask('POST /upload', 'Transfer-Encoding: chunked'));
  for (let sent = 1; sent <= 4; sent++) {
    await client.send(`400\r\n${piece}\r\n`);
    await scene.arrived('/upload', sent * 1024);
    scene.clock.advance(4000);
    // Time enough for a look.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await client.send('0\r\n\r\n');
  t.equal((await client.response()).text.length, 4 * 1024);
});

t.test('a body that stops after the answer has begun cuts the answer', async (t) => {
  const scene = await start(t, (_request, response) => void response.write('early'));
  const client = await scene.client();
  const begun = once(client.socket, 'data');
  await client.send(`${ask('POST /upload', 'Transfer-Encoding: chunked')}1\r\na\r\n`);
  await begun;
  scene.clock.advance(5000);
  t.match(await client.response(), { status: 200, complete: false });
  const line = await scene.gateway.lineWhere(({ path }) => path === '/upload');
  t.match(line, { status: 200, reason: 'ok', cut: 'request_timeout', bytes: 5 });
});

t.test('an answer that is not read is cut, and the log says so', async (t) => {
  const scene = await start(t, (_request, response) => {
    const piece = Buffer.alloc(1024 * 1024);
    const fill = () => {
      while (response.write(piece));
    };
    response.on('drain', fill);
    fill();
  });
  const client = await scene.client();
  client.socket.pause();
  await client.send(ask('GET /big'));
  await scene.arrived('/big');
  const timer = setInterval(() => scene.clock.advance(100), 10);
  t.teardown(() => clearInterval(timer));
  await scene.gone('/big');
  const line = await scene.gateway.lineWhere(({ path }) => path === '/big');
  t.match(line, { status: 200, decision: 'allow', reason: 'ok', cut: 'answer_not_read' });
  client.socket.resume();
  t.match(await client.response(), { status: 200, complete: false }, 'nobody takes it for whole');
});

t.test('log.requests: denied keeps the line of an answer that was cut', async (t) => {
  const scene = await start(
    t,
    (_request, response) => void response.write('early'),
    {},
    {
      log: { requests: 'denied' },
    },
  );
  const client = await scene.client();
  const begun = once(client.socket, 'data');
  await client.send(`${ask('POST /upload', 'Transfer-Encoding: chunked')}1\r\na\r\n`);
  await begun;
  scene.clock.advance(5000);
  t.match(await scene.gateway.lineWhere(({ path }) => path === '/upload'), { cut: 'request_timeout' });
});

t.test('an upstream that is silent is not meant', async (t) => {
  const scene = await start(t, (request, response) => {
    if (request.url === '/events')
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('a');
    if (request.url === '/unread') request.pause();
  });
  const [poll, events, sent, unread] = [
    await scene.client(),
    await scene.client(),
    await scene.client(),
    await scene.client(),
  ];
  await poll.send(ask('GET /poll'));
  const event = once(events.socket, 'data');
  await events.send(ask('GET /events'));
  await event;
  await sent.send(`${ask('POST /sent', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`);
  // More than fits between the two: it is the upstream that does not read.
  const much = 64 * 1024 * 1024;
  unread.socket.write(ask('POST /unread', `Content-Length: ${much}`));
  unread.socket.write(Buffer.alloc(much));
  for (const path of ['/poll', '/events', '/sent', '/unread']) await scene.arrived(path);
  await pass(t, scene, 60_000);
  for (const path of ['/poll', '/events', '/sent']) {
    t.notOk(scene.find(path).response.closed, path);
    scene.find(path).response.end('done');
  }
  t.equal((await poll.response()).text, 'done');
  t.equal((await events.response()).text, 'adone');
  t.equal((await sent.response()).text, 'done');
  const { request, response } = scene.find('/unread');
  t.notOk(response.closed, '/unread');
  request.on('end', () => response.end('done')).resume();
  t.equal((await unread.response()).text, 'done');
});

for (const [what, head, rest] of [
  ['a probe with one byte of its body', `${ask('GET /healthz', 'Content-Length: 2')}a`, 'b'],
  ['a probe with none', ask('GET /healthz', 'Content-Length: 2'), 'ab'],
  ['64 KiB', `${ask('PUT /healthz', 'Content-Length: 65536')}${'a'.repeat(60_000)}`, 'b'.repeat(5536)],
] as const) {
  t.test(`a short body takes no connection before it has come whole: ${what}`, async (t) => {
    const scene = await start(t, echo, { connections: 1 });
    const client = await scene.client();
    await client.send(head);
    t.equal((await scene.gateway.request({ path: '/other' })).status, 200, 'the one connection is free');
    await pass(t, scene, 60_000);
    t.notOk(
      scene.paths().includes('/healthz'),
      'the upstream has not heard of it, and it has not been cut off',
    );
    await client.send(rest);
    t.equal((await client.response()).text, head.slice(head.indexOf('\r\n\r\n') + 4) + rest);
  });
}

t.test('Expect is answered for a short body before there is a connection', async (t) => {
  const scene = await start(t, echo);
  const client = await scene.client();
  await client.send(ask('POST /x', 'Content-Length: 3', 'Expect: 100-continue'));
  t.equal((await client.response()).status, 100);
  t.same(scene.paths(), []);
  await client.send('abc');
  t.equal((await client.response()).text, 'abc');
});

t.test('a client that leaves in the midst of a short body was never heard of', async (t) => {
  const scene = await start(t, echo);
  const client = await scene.client();
  await client.send(`${ask('POST /left', 'Content-Length: 3')}ab`);
  client.reset();
  t.match(await scene.gateway.lineWhere(({ path }) => path === '/left'), { status: 499, bytes: 0 });
  t.same(scene.paths(), []);
});

t.test('of those that wait, the client with the fewest connections is served first', async (t) => {
  const scene = await start(t, never, { connections: 2 });
  const send = async (path: string, address: string) => {
    const client = await scene.client(address);
    await client.send(ask(`GET ${path}`));
    // By the answer to a later request it is known to have come.
    t.equal((await scene.gateway.request({ path: '/%00' })).status, 400);
    return client;
  };
  await send('/a1', '127.0.0.1');
  await send('/a2', '127.0.0.1');
  await scene.arrived('/a2');
  await send('/a3', '127.0.0.1');
  await send('/a4', '127.0.0.1');
  await send('/b1', '127.0.0.2');
  await send('/b2', '127.0.0.2');
  const order = ['/a1', '/a2', '/b1', '/a3', '/b2', '/a4'];
  for (let n = 2; n < order.length; n++) {
    scene.find(order[n - 2] as string).response.end();
    await scene.arrived(order[n] as string);
  }
  t.same(scene.paths(), order);
});

t.test('connectionsPerClient leaves the rest to others, by the networks of the failure limit', async (t) => {
  const scene = await start(t, never, { connectionsPerClient: 1 }, { failureLimit: { ipv4Prefix: 31 } });
  const send = async (path: string, address: string) =>
    (await scene.client(address)).send(ask(`GET ${path}`));
  await send('/2', '127.0.0.2');
  await scene.arrived('/2');
  await send('/3', '127.0.0.3');
  await send('/4', '127.0.0.4');
  await scene.arrived('/4');
  t.same(scene.paths(), ['/2', '/4'], '127.0.0.3 is of the network of 127.0.0.2');
  scene.find('/2').response.end();
  await scene.arrived('/3');
});

t.test('without a failure limit a client is an address', async (t) => {
  const scene = await start(t, never, { connectionsPerClient: 1 }, { failureLimit: null });
  for (const n of [2, 3, 2]) await (await scene.client(`127.0.0.${n}`)).send(ask(`GET /${n}`));
  await scene.arrived('/2');
  await scene.arrived('/3');
  t.equal(scene.paths().length, 2);
});
