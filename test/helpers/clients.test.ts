import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { startEcho } from './echo.ts';
import { connectRaw, exchange } from './raw.ts';
import { request } from './request.ts';

/** A server that says what a test tells it to, whatever it hears. */
async function startServer(t: Pick<Test, 'teardown'>, onConnection: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    t.teardown(() => socket.destroy());
    onConnection(socket);
  });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('connectRaw', async (t) => {
  t.test('sends pieces, and reads one response after the other', async (t) => {
    const echo = await startEcho(t);
    const connection = await connectRaw(t, echo.url);
    await connection.sendPieces(['GET /1 HT', 'TP/1.1\r\n', '\r\nHEAD /2 HTTP/1.1\r\n\r\n']);
    t.equal((await connection.response()).json().url, '/1');
    t.match(await connection.response({ head: true }), { status: 200, framing: 'none' });
    await connection.send('GET /3 HTTP/1.1\r\nX: \xe9\r\nConnection: close\r\n\r\n');
    t.strictSame((await connection.response()).json().headers[0], ['X', 'é'], 'a string is its latin1 bytes');
    t.equal(await connection.closed(), 'end');
    t.equal(echo.connections, 1);
  });

  t.test('reads raw bytes after a response', async (t) => {
    const url = await startServer(t, (socket) => socket.end('HTTP/1.1 101 Up\r\n\r\nabcdef'));
    const connection = await connectRaw(t, url);
    t.equal((await connection.response()).status, 101);
    t.equal((await connection.bytes(2)).toString(), 'ab');
    t.equal((await connection.rest()).toString(), 'cdef');
    await t.rejects(connection.bytes(1), /ended \(end\)/);
    await t.rejects(connection.response(), /ended \(end\)/);
  });

  t.test('half-closes, and still reads', async (t) => {
    const url = await startServer(t, (socket) => {
      socket.once('end', () => socket.end('HTTP/1.1 200 OK\r\n\r\nbye')).resume();
    });
    const connection = await connectRaw(t, url);
    connection.halfClose();
    t.match(await connection.response(), { text: 'bye', complete: true });
  });

  t.test('tells a reset from an end, and keeps what came before', async (t) => {
    const url = await startServer(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort');
      socket.once('data', () => socket.resetAndDestroy());
    });
    const connection = await connectRaw(t, url);
    await once(connection.socket, 'data');
    await connection.send('go');
    t.match(await connection.response(), { text: 'short', complete: false });
    t.equal(await connection.closed(), 'reset');
    await connection.send('into the void');
  });

  t.test('resets', async (t) => {
    const failed = new Promise((resolve) => {
      startServer(t, (socket) => socket.on('error', resolve).resume()).then(async (url) => {
        (await connectRaw(t, url)).reset();
      });
    });
    t.match(await failed, { code: 'ECONNRESET' });
  });

  t.test('does not wait for ever', async (t) => {
    const url = await startServer(t, () => undefined);
    const connection = await connectRaw(t, url, { deadline: 1 });
    await t.rejects(connection.response(), /in vain for a response/);
    await t.rejects(connection.closed(), /in vain for the connection to close/);
  });

  t.test('comes from another address', async (t) => {
    let address: string | undefined;
    const url = await startServer(t, (socket) => {
      address = socket.remoteAddress;
      socket.end('HTTP/1.1 200 OK\r\n\r\n');
    });
    await exchange(t, url, '', { localAddress: '127.0.0.7' });
    t.equal(address, '127.0.0.7');
    await request(url, { localAddress: '127.0.0.8' });
    t.equal(address, '127.0.0.8');
  });
});

t.test('exchange', async (t) => {
  t.test('collects every answer', async (t) => {
    const echo = await startEcho(t);
    const answers = await exchange(
      t,
      echo.url,
      'GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n\r\n',
    );
    t.strictSame(
      answers.map((answer) => answer.json().url),
      ['/1', '/2'],
    );
  });

  t.test('is not content with half a head', async (t) => {
    const url = await startServer(t, (socket) => socket.end('HTTP/1.1 204 No\r\n\r\nHTTP/1.1 2'));
    await t.rejects(exchange(t, url, ''), /After the responses came "HTTP\/1\.1 2"/);
  });
});

t.test('request', async (t) => {
  t.test('sends path, headers and body as they are', async (t) => {
    const echo = await startEcho(t);
    const answer = await request(echo.url, {
      method: 'PURGE',
      path: '//a/../%2e%2E/;x?y=|#z',
      headers: [
        ['X-Two', '1'],
        ['x-two', '2'],
      ],
      body: 'text',
    });
    const { method, url, headers, text } = answer.json();
    t.match({ method, url, text }, { method: 'PURGE', url: '//a/../%2e%2E/;x?y=|#z', text: 'text' });
    t.strictSame(
      headers.filter(([name]: string[]) => name?.toLowerCase() === 'x-two'),
      [
        ['X-Two', '1'],
        ['x-two', '2'],
      ],
    );
    t.match((await request(echo.url, { headers: { A: 'b' } })).json(), {
      method: 'GET',
      url: '/',
      headers: [
        ['host', echo.url.slice(7)],
        ['connection', 'keep-alive'],
        ['A', 'b'],
      ],
    });
  });

  t.test('gives headers as they came', async (t) => {
    const url = await startServer(t, (socket) => {
      socket.end('HTTP/1.1 418 Tea\r\nX-a: 1\r\nx-A: 2\r\nB: \xe9\r\n\r\nhé', 'latin1');
    });
    const answer = await request(url);
    t.equal(answer.status, 418);
    t.strictSame(answer.rawHeaders, ['X-a', '1', 'x-A', '2', 'B', 'é']);
    t.strictSame(answer.all('X-A'), ['1', '2']);
    t.throws(() => answer.header('x-a'), /2 headers/);
    t.equal(answer.header('b'), 'é');
    t.equal(answer.header('c'), undefined);
    t.strictSame(answer.body, Buffer.from('hé', 'latin1'));
    t.throws(() => answer.json(), SyntaxError);
  });

  t.test('rejects a body that is cut short', async (t) => {
    const url = await startServer(t, (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi'),
    );
    await t.rejects(request(url));
  });
});
