import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { handshake } from './sockets.ts';
import { ask, open as noAuth, startTcp, startUpstream } from './wire.ts';

const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';

t.test('a large answer instead of 101 comes whole', async (t) => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'x');
  const upstream = await startUpstream(t, (_request, response) => response.end(body));
  const gateway = await startGateway(t, { ...noAuth, upstream });
  const raw = await gateway.raw();
  await raw.send(ask('GET /chat', ...handshake));
  t.equal((await raw.response()).body.length, body.length);
});

t.test('a handshake that the upstream leaves unanswered holds up no end of the process', async (t) => {
  for (const way of ['drain', 'close'] as const) {
    const progress = new EventEmitter();
    const upstream = await startTcp(t, (socket) => socket.once('data', () => progress.emit('asked')));
    const drain = { delay: 0, timeout: '300ms' };
    const gateway = await startGateway(t, { ...noAuth, upstream: upstream.url, drain });
    const raw = await gateway.raw();
    const asked = once(progress, 'asked');
    await raw.send(ask('GET /chat', ...handshake));
    await asked;
    const ended = await withDeadline<unknown>(gateway.server[way](), way);
    if (way === 'drain') t.same(ended, { cut: 1 });
    await raw.closed();
    t.match(await gateway.lineWhere(({ msg }) => msg === 'request'), { path: '/chat' }, way);
  }
});

t.test('an answer of the upstream that is none to a request for a WebSocket', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    'another protocol': `${upgrade.replace('websocket', 'h2c')}${accept}`,
    'two protocols': `${upgrade}Upgrade: h2c\r\n${accept}`,
    'no protocol': `${upgrade.replace('Upgrade: websocket\r\n', '')}${accept}`,
    'no Connection': `${upgrade.replace('Connection: Upgrade\r\n', '')}${accept}`,
    'an extension that nobody offered': `${upgrade}${accept}Sec-WebSocket-Extensions: permessage-deflate\r\n`,
    'a second accept': `${upgrade}${accept}${accept}`,
  };
  for (const [name, head] of Object.entries(cases)) {
    const upstream = await startTcp(t, (socket) => socket.once('data', () => socket.write(`${head}\r\n`)));
    const gateway = await startGateway(t, { ...noAuth, upstream: upstream.url });
    const raw = await gateway.raw();
    await raw.send(ask('GET /chat', ...handshake));
    t.equal((await raw.response()).status, 502, name);
    await raw.closed();
  }
});

t.test('frames that come in one piece with 101, and what else the upstream says', async (t) => {
  const hello = Buffer.from([0x81, 2, 0x68, 0x69]);
  const said = `${upgrade}${accept}Set-Cookie: a=b; Path=/\r\nKeep-Alive: timeout=5\r\nX-Cafe: \xe9\r\n\r\n`;
  const upstream = await startTcp(t, (socket) =>
    socket.once('data', () => socket.write(Buffer.concat([Buffer.from(said, 'latin1'), hello]))),
  );
  const gateway = await startGateway(t, { ...noAuth, upstream: upstream.url });
  const raw = await gateway.raw();
  await raw.send(ask('GET /chat', ...handshake));
  const answer = await raw.response();
  t.equal(answer.status, 101);
  t.equal(answer.header('set-cookie'), 'a=b; Path=/');
  t.equal(answer.header('x-cafe'), '\xe9');
  t.notOk(answer.header('keep-alive'), 'nothing that was for one connection');
  t.same(await raw.bytes(4), hello);
});

t.test('a request with a body is an ordinary one, whatever protocol it asks for', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...noAuth });
  for (const method of ['GET', 'POST']) {
    for (const fields of [handshake, ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c']]) {
      for (const [framing, body] of [
        ['Content-Length: 5', 'hello'],
        ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
      ] as const) {
        const raw = await gateway.raw();
        await raw.send(`${ask(`${method} /x`, ...fields, framing)}${body}`);
        const name = `${method} ${fields.at(1)} ${framing}`;
        const answer = await raw.response();
        t.equal(answer.status, 200, name);
        const seen = echo.seen.at(-1);
        t.equal(String(seen?.body.start), 'hello', `${name}: the body is passed on`);
        t.notMatch(
          seen?.rawHeaders.join().toLowerCase(),
          /upgrade: |,upgrade,/,
          `${name}: the upgrade is not`,
        );
        t.equal(answer.header('connection'), 'close', `${name}: the client learns that nothing more is read`);
        t.equal(await raw.closed(), 'end');
      }
    }
  }
});
