import type { Socket } from 'node:net';
import t from 'tap';
import { startGateway } from '../helpers/gateway.ts';
import { ask, open, startTcp } from './wire.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const go = 'HTTP/1.1 100 Continue\r\n\r\n';

/** A gateway before an upstream that writes bytes of a test's own, by path. */
async function before(t: Parameters<typeof startTcp>[0], answers: Record<string, (socket: Socket) => void>) {
  const upstream = await startTcp(t, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => answers[String(chunk).split(' ', 2)[1] ?? '']?.(socket));
  });
  const gateway = await startGateway(t, { ...open, upstream: upstream.url });
  return { upstream, gateway };
}

/** Pieces that leave one by one. */
const inPieces =
  (...pieces: string[]) =>
  (socket: Socket) => {
    const [piece, ...rest] = pieces;
    if (piece !== undefined) socket.write(piece, 'latin1', () => setImmediate(inPieces(...rest), socket));
  };

t.test('an interim answer that nobody asked for is passed over', async (t) => {
  const answers = {
    '/100': inPieces(go + ok),
    '/apart': inPieces(go, ok),
    '/letters': inPieces(...(go + ok)),
    '/headers': inPieces(`HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n${ok}`),
    '/twice': inPieces(go + go + ok),
    '/102': inPieces(`HTTP/1.1 102 Processing\r\n\r\n${go}${ok}`),
    '/199': inPieces(`HTTP/1.1 199 Odd\r\n\r\n${ok}`),
    '/body': inPieces('HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n', go),
  };
  const { gateway, upstream } = await before(t, answers);
  for (const path of Object.keys(answers)) {
    for (const method of ['GET', 'POST']) {
      const raw = await gateway.raw();
      await raw.send(ask(`${method} ${path}`, ...(method === 'POST' ? ['Content-Length: 0'] : [])));
      let answer = await raw.response();
      while (answer.status < 200) answer = await raw.response();
      t.equal(answer.status, 200, `${method} ${path}`);
      t.equal(answer.text, path === '/body' ? go : 'ok', `${method} ${path}: the body is as it came`);
    }
  }
  t.equal(upstream.connections, 1, 'and the connection goes on');
});

t.test('an answer that only the end of its connection ends is cut where that is a reset', async (t) => {
  const { gateway } = await before(t, {
    '/end': (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nwhole'),
    '/reset': (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\npart', () => reset.push(socket)),
  });
  const reset: Socket[] = [];
  const whole = await gateway.raw();
  await whole.send(ask('GET /end'));
  t.match(await whole.response(), { complete: true, text: 'whole' });
  const cut = await gateway.raw();
  await cut.send(ask('GET /reset'));
  while (!(await cut.bytes(1)).equals(Buffer.from('t')));
  reset[0]?.resetAndDestroy();
  await cut.closed();
  t.notMatch(String(await cut.rest()), '0\r\n\r\n', 'no last chunk says that it is whole');
  t.match(await gateway.lineWhere(({ path }) => path === '/reset'), { cut: 'upstream_unreachable' });
});

t.test('bytes beyond ASCII in a header arrive as they came, with and without the body at hand', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nX-A: caf\xe9\r\nContent-Length: 2\r\n\r\n';
  const waiting: Socket[] = [];
  const { gateway } = await before(t, {
    '/together': (socket) => socket.write(`${head}ok`, 'latin1'),
    '/apart': (socket) => socket.write(head, 'latin1', () => waiting.push(socket)),
  });
  const together = await gateway.raw();
  await together.send(ask('GET /together'));
  t.equal((await together.response()).header('x-a'), 'caf\xe9');
  const apart = await gateway.raw();
  await apart.send(ask('GET /apart'));
  let seen = '';
  while (!seen.endsWith('\r\n\r\n')) seen += (await apart.bytes(1)).toString('latin1');
  waiting[0]?.write('ok');
  t.match(seen, /\r\nX-A: caf\xe9\r\n/);
});
