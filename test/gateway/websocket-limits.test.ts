import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { withDeadline } from '../helpers/deadline.ts';
import { startGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw.ts';
import { closing, handshake, message, startSockets } from './sockets.ts';
import { ask, deadUrl, open as noAuth, startTcp } from './wire.ts';

t.test('a WebSocket ends when its token does', async (t) => {
  const { open, issuer, gateway } = await startSockets(t);
  const exp = Date.now() / 1000 + 3;
  const { client, server } = await open('/', { token: issuer.mint({ claims: { exp } }) });
  const both = Promise.all([closing(client), closing(server)]);
  t.same(await both, [
    { code: 4401, reason: 'token expired' },
    { code: 1001, reason: 'token expired' },
  ]);
  t.match(await gateway.lineWhere(({ status }) => status === 101), { decision: 'allow' });
});

t.test('unless it need not, has none, or one that lives for ever', async (t) => {
  const soon = () => Date.now() / 1000 + 3;
  const keeping = await startSockets(t, { websockets: { closeAtExpiry: false } });
  const reporting = await startSockets(t, { mode: 'report', rules: [{ path: '/*', scopes: ['none'] }] });
  const pairs = [
    await keeping.open('/', { token: keeping.issuer.mint({ claims: { exp: soon() } }) }),
    await reporting.open('/', { token: reporting.issuer.mint({ claims: { exp: soon() } }) }),
    await reporting.open('/', { token: null }),
    await keeping.open('/', { token: keeping.issuer.mint({ claims: { exp: 1e300 } }) }),
  ];
  // A token of the same age has expired by now, and its WebSocket is gone.
  const { open, issuer } = await startSockets(t);
  await closing((await open('/', { token: issuer.mint({ claims: { exp: soon() } }) })).client);
  for (const { client, server } of pairs) {
    client.send('still here');
    t.equal(await message(server), 'still here');
  }
});

t.test('a message that is too large', async (t) => {
  const { open } = await startSockets(t, { websockets: { maxMessageSize: '1KiB' } });
  for (const end of ['client', 'server'] as const) {
    const { client, server } = await open();
    const sender = end === 'client' ? client : server;
    const receiver = end === 'client' ? server : client;
    receiver.on('message', () => t.fail('nothing of it may come through whole'));
    const both = Promise.all([closing(sender), closing(receiver)]);
    sender.send(Buffer.alloc(1025));
    const [sent, received] = await both;
    t.same(sent, { code: 1009, reason: 'message too big' }, `by the ${end}`);
    t.equal(received.code, end === 'client' ? 1001 : 1011);
  }
  const { client, server } = await open();
  client.send(Buffer.alloc(1024));
  t.equal(((await message(server)) as Buffer).length, 1024, 'one that is not');
});

t.test('what is no WebSocket any more', async (t) => {
  const { gateway, issuer } = await startSockets(t);
  const raw = await connectRaw(t, gateway.url);
  await raw.send(ask('GET /', ...handshake, `Authorization: Bearer ${issuer.mint()}`));
  t.equal((await raw.response()).status, 101);
  await raw.send(Buffer.from([0x81, 0x01, 0x61]));
  const rest = await raw.rest();
  t.same(
    rest.subarray(0, 4),
    Buffer.from([0x88, 16, 0x03, 0xea]),
    'a frame without a mask is a protocol error',
  );
});

t.test('one that is idle', async (t) => {
  const { open } = await startSockets(t, { websockets: { idleTimeout: '300ms' } });
  const { client, server } = await open();
  const both = Promise.all([closing(client), closing(server)]);
  t.match(await both, [{ code: 1001, reason: 'idle' }, { code: 1001 }]);
});

t.test('a process that goes away says so', async (t) => {
  const { open, gateway, ask: request } = await startSockets(t, { drain: { delay: 0, timeout: '5m' } });
  const pairs = [await open(), await open()];
  const all = Promise.all(pairs.flatMap(({ client, server }) => [closing(client), closing(server)]));
  const drained = gateway.server.drain();
  for (const { code } of await all) t.equal(code, 1001);
  t.same(await drained, { cut: 0 });
  await t.rejects(request('GET /', ...handshake));
});

t.test('who does not go is cut', async (t) => {
  const { gateway, issuer } = await startSockets(t, { drain: { delay: 0, timeout: '300ms' } });
  const raw = await connectRaw(t, gateway.url);
  await raw.send(ask('GET /', ...handshake, `Authorization: Bearer ${issuer.mint()}`));
  t.equal((await raw.response()).status, 101);
  t.same(await gateway.server.drain(), { cut: 1 });
  await raw.closed();
});

t.test('a reader that reads nothing holds the sender back', async (t) => {
  const { open } = await startSockets(t);
  const { client, server } = await open();
  const chunk = Buffer.alloc(1024 * 1024);
  client.pause();
  let sent = 0;
  // Until a megabyte finds no room any more: sockets and the gateway together hold some.
  for (;;) {
    const taken = new Promise<boolean>((resolve) => server.send(chunk, () => resolve(true)));
    sent++;
    const full = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 500));
    if (!(await Promise.race([taken, full]))) break;
    if (sent > 64) break;
  }
  t.ok(sent <= 64, `${sent} MiB were taken`);
  let received = 0;
  const whole = new Promise<void>((resolve) => {
    client.on('message', () => {
      received++;
      if (received === sent) resolve();
    });
  });
  client.resume();
  await withDeadline(whole, 'all that was sent');
});

/** An upstream that answers a handshake with bytes of a test's own. */
async function answering(t: Test, answer: string | null) {
  const sockets: Socket[] = [];
  const upstream = await startTcp(t, (socket) => {
    sockets.push(socket);
    socket.on('data', () => answer !== null && socket.write(answer));
  });
  const gateway = await startGateway(t, {
    ...noAuth,
    upstream: { url: upstream.url, headersTimeout: '300ms' },
  });
  const get = async () => {
    const raw = await connectRaw(t, gateway.url);
    await raw.send(ask('GET /', ...handshake));
    return raw.response();
  };
  return { get, gateway, sockets };
}

t.test('an upstream that does not accept', async (t) => {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';
  const cases: Readonly<
    Record<string, { readonly answer: string | null; readonly status: number; readonly code?: string }>
  > = {
    'another status': {
      answer: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: not\r\n\r\nno',
      status: 403,
    },
    'a page': {
      answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      status: 200,
    },
    'an accept of another key': {
      answer: `${head}Sec-WebSocket-Accept: AAAA\r\n\r\n`,
      status: 502,
      code: 'upstream_protocol',
    },
    'no accept': { answer: `${head}\r\n`, status: 502, code: 'upstream_protocol' },
    'a protocol that nobody offered': {
      answer: `${head}${accept}Sec-WebSocket-Protocol: other\r\n\r\n`,
      status: 502,
      code: 'upstream_protocol',
    },
    silence: { answer: null, status: 504, code: 'upstream_timeout' },
    garbage: { answer: 'garbage\r\n\r\n', status: 502, code: 'upstream_protocol' },
  };
  for (const [name, { answer, status, code }] of Object.entries(cases)) {
    const { get } = await answering(t, answer);
    const response = await get();
    t.equal(response.status, status, name);
    t.equal(response.header('connection'), 'close', name);
    if (code !== undefined) t.match(response.json(), { code }, name);
    else t.equal(response.text, status === 403 ? 'no' : 'ok', `${name}: with its body`);
  }
  const gateway = await startGateway(t, { ...noAuth, upstream: await deadUrl() });
  const raw = await connectRaw(t, gateway.url);
  await raw.send(ask('GET /', ...handshake));
  t.match((await raw.response()).json(), { status: 502, code: 'upstream_unreachable' });
});

t.test('a client that leaves during the handshake takes it along', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const gateway = await startGateway(t, { ...noAuth, upstream: `http://127.0.0.1:${port}` });
  const raw = await connectRaw(t, gateway.url);
  const connected = once(server, 'connection');
  await raw.send(ask('GET /', ...handshake));
  const [socket] = (await connected) as [Socket];
  await once(socket, 'data');
  const closed = withDeadline(once(socket, 'close'), 'the end of the handshake');
  raw.socket.destroy();
  await closed;
  t.match(await gateway.lineWhere(({ msg }) => msg === 'request'), { status: 499 });
});
