import { createServer, type ServerResponse } from 'node:http';
import t from 'tap';
import { ask, startUpstream } from '../gateway/wire.ts';
import { startGateway } from '../helpers/gateway.ts';

const second = 'GET /second HTTP/1.1\r\nHost: a\r\n\r\n';
const chunked = 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n';

/** Each ends its connection, and has a request behind it in the same segment. RFC 9112 section 9.6. */
const last: Readonly<Record<string, string>> = {
  'a transfer coding that is refused': `POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'chunked in HTTP/1.0': `POST /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n${chunked}`,
  'a chunked body of a refused path': `POST /a/../b HTTP/1.1\r\nHost: a\r\n${chunked}`,
  'a chunked body of a refused method': `TRACE /a HTTP/1.1\r\nHost: a\r\n${chunked}`,
  'a chunked body without a token': `POST /closed HTTP/1.1\r\nHost: a\r\n${chunked}`,
  'Connection: close': 'GET /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'a list with close': 'GET /first HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n',
  'HTTP/1.0': 'GET /first HTTP/1.0\r\nHost: a\r\n\r\n',
  'HTTP/1.0, an answer without a length': `GET /endless HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`,
  'an Upgrade with a body':
    'POST /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx',
  'a request that is none': 'GARBAGE\r\n\r\n',
  'a body that is none': 'POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
};

t.test('nothing behind the last request of a connection is carried out', async (t) => {
  const seen: string[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    seen.push(request.url ?? '');
    request.resume();
    if (request.url === '/endless') response.write('no length');
    response.end();
  });
  const gateway = await startGateway(t, {
    upstream,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/closed' }, { path: '/*', auth: 'none' }],
  });
  for (const [name, bytes] of Object.entries(last)) {
    for (const before of ['', ask('GET /before')]) {
      const raw = await gateway.raw();
      if (before !== '') {
        await raw.send(before);
        t.equal((await raw.response()).status, 200);
      }
      await raw.send(`${bytes}${second}${second}`);
      const answers = await raw.responses();
      t.equal(answers.length, 1, `${name}: has one answer`);
      t.equal(answers[0]?.header('connection'), 'close', `${name}: the answer says that it is the last`);
      t.notOk(seen.includes('/second'), `${name}: the upstream sees nothing more`);
    }
  }
});

t.test('requests that may follow one another still do', async (t) => {
  const seen: string[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    seen.push(request.url ?? '');
    response.end('ok');
  });
  const gateway = await startGateway(t, {
    upstream,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
  });
  const raw = await gateway.raw();
  for (let i = 0; i < 3; i++) {
    await raw.send('GET /old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n');
    t.equal((await raw.response()).status, 200, 'HTTP/1.0 that keeps its connection');
  }
  for (const protocol of ['h2c', 'TLS/1.0', 'websocket, h2c']) {
    const upgrade = ask('GET /upgrade', 'Connection: Upgrade', `Upgrade: ${protocol}`);
    await raw.send(`${upgrade}${upgrade}${ask('GET /behind')}`);
    for (let i = 0; i < 3; i++) t.equal((await raw.response()).status, 200, `${protocol}: number ${i}`);
  }
  t.equal(seen.length, 12, 'the upstream has them all');
});

t.test('a fault behind requests that wait for their answers waits, too', async (t) => {
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => held.push(response));
  const upstream = await startUpstream(t, (request, response) => server.emit('request', request, response));
  const gateway = await startGateway(t, {
    upstream,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
  });
  for (const fault of ['GARBAGE\r\n\r\n', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const raw = await gateway.raw();
    const arrived = new Promise((resolve) => server.once('request', resolve));
    await raw.send(`${ask('GET /slow')}${fault}`);
    await arrived;
    held.pop()?.end('slow');
    const answers = await raw.responses();
    t.same(
      answers.map(({ status }) => status),
      [200, fault.startsWith('CONNECT') ? 405 : 400],
      'each answer stands at its place',
    );
  }
});
