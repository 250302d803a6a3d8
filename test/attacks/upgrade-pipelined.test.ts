import t from 'tap';
import { handshake, startSockets } from '../gateway/sockets.ts';
import { ask, open as noAuth, startTcp, startUpstream } from '../gateway/wire.ts';
import { startGateway } from '../helpers/gateway.ts';

const welcome =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

t.test('a request for a WebSocket right behind one that is refused', async (t) => {
  const { gateway, seen } = await startSockets(t);
  const raw = await gateway.raw();
  await raw.send(`${ask('GET /first')}${ask('GET /second')}${ask('GET /chat', ...handshake)}`);
  const answers = await raw.responses();
  t.strictSame(
    answers.map((answer) => answer.json().code),
    Array(3).fill('token_missing'),
    'each has its answer',
  );
  t.equal(seen.length, 0);
  t.equal((await gateway.get('/after')).status, 401, 'and the process lives');
});

t.test('behind one that the upstream has not answered yet', async (t) => {
  let answerFirst = () => {};
  const asked = new Promise<void>((resolve) => {
    answerFirst = resolve;
  });
  const paths: string[] = [];
  const upstream = await startTcp(t, (socket) => {
    socket.on('data', async (chunk) => {
      const path = String(chunk).split(' ', 2)[1] as string;
      paths.push(path);
      if (path === '/chat') return socket.write(welcome);
      await asked;
      return socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow');
    });
  });
  const gateway = await startGateway(t, { ...noAuth, upstream: upstream.url });
  const raw = await gateway.raw();
  await raw.send(`${ask('GET /slow')}${ask('GET /chat', ...handshake)}`);
  t.equal((await gateway.request({ path: '/livez', method: 'TRACE' })).status, 405, 'others are served');
  answerFirst();
  t.equal((await raw.response()).text, 'slow');
  t.equal((await raw.response()).status, 101, 'in the order in which they came');
  t.strictSame(paths, ['/slow', '/chat']);
});

t.test('behind one whose answer is large and slowly read', async (t) => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'x');
  const upstream = await startUpstream(t, (_request, response) => response.end(body));
  const gateway = await startGateway(t, { ...noAuth, upstream });
  const raw = await gateway.raw();
  await raw.send(`${ask('GET /large')}${ask('GET /chat', ...handshake)}`);
  t.equal((await raw.response()).body.length, body.length);
  t.equal((await raw.response()).body.length, body.length, 'so is an answer that is no 101');
});

t.test('a client that leaves before its turn', async (t) => {
  let drop = () => {};
  const dropped = new Promise<void>((resolve) => {
    drop = resolve;
  });
  const upstream = await startTcp(t, (socket) => {
    socket.once('data', () => raw.reset());
    socket.once('close', drop);
  });
  const gateway = await startGateway(t, { ...noAuth, upstream: upstream.url });
  const raw = await gateway.raw();
  await raw.send(`${ask('GET /slow')}${ask('GET /chat', ...handshake)}`);
  await dropped;
  t.match(await gateway.lineWhere(({ msg }) => msg === 'request'), { path: '/slow', status: 499 });
  t.equal(upstream.connections, 1, 'nobody asks the upstream for its WebSocket');
});
