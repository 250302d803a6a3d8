import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { createCertificate } from '../helpers/certificate.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { ask, deadUrl, open, sendRaw, startTcp } from './wire.ts';

const inFront = (t: Test, upstream: ConfigInput['upstream']) => startGateway(t, { ...open, upstream });

const ok = 'HTTP/1.1 200 OK\r\n';

/** What an upstream does once a request has come, by the code that answers the client. */
const faults: Readonly<Record<string, Readonly<Record<string, string | ((socket: Socket) => void)>>>> = {
  upstream_unreachable: {
    'closes without a word': (socket) => socket.end(),
    resets: (socket) => socket.resetAndDestroy(),
    'closes in its head': `${ok}Content-Le`,
    // undici gives up the connection for it, and has no code of its own.
    'switches protocols unasked':
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
  },
  upstream_protocol: {
    'speaks no HTTP': 'nonsense\r\n\r\n',
    'speaks another protocol': 'SSH-2.0-OpenSSH_9.9\r\n',
    'has no version': 'HTTP/x.y 200 OK\r\n\r\n',
    'has no status': 'HTTP/1.1 OK\r\n\r\n',
    'has a header that is none': `${ok}no colon here\r\n\r\n`,
    'has a space before a colon': `${ok}X-A : 1\r\n\r\n`,
    'has NUL in a header': `${ok}X-A: a\u0000b\r\n\r\n`,
    'frames twice': `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'has two lengths': `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
    'has a negative length': `${ok}Content-Length: -5\r\n\r\n`,
    'uses a coding that we did not ask for': `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'has too many headers': `${ok}X-A: ${'x'.repeat(100_000)}\r\n\r\n`,
  },
};

t.test('an upstream that breaks off or breaks the protocol is 502', async (t) => {
  for (const [code, cases] of Object.entries(faults)) {
    for (const [name, act] of Object.entries(cases)) {
      const tcp = await startTcp(t, (socket) =>
        socket.once('data', () => (typeof act === 'string' ? socket.end(act, 'latin1') : act(socket))),
      );
      const gateway = await inFront(t, tcp.url);
      const answer = await gateway.get('/x');
      t.equal(answer.status, 502, name);
      t.match(answer.json(), { code, status: 502 }, name);
      t.notMatch(answer.text, /127\.0\.0\.1|ECONN|HPE_|UND_|nonsense/, `${name}: no word about the inside`);
      t.equal(tcp.connections, 1, `${name}: is not tried twice over a new connection`);
      const line = await gateway.line(answer.header('x-request-id'));
      t.match(line, { decision: 'allow', reason: code, status: 502 }, name);
      if (code === 'upstream_unreachable') t.equal(line.got, undefined, name);
      else
        t.match(
          line.got,
          /^(UND_ERR_|HPE_|[A-Z][a-z]+ |an )[\w ,.:'/-]+$/,
          `${name}: the log says what was wrong`,
        );
      t.notMatch(JSON.stringify(line), /nonsense|OpenSSH|no colon|x.y/, `${name}: and nothing of what came`);
      t.equal(await gateway.metric(`jwks_sidecar_refusals_total{reason="${code}"}`), 1, name);
    }
  }
});

t.test('an upstream that cannot be reached is 502, one that is slow is 504', async (t) => {
  const silent = await startTcp(t, () => undefined);
  const dripping = await startTcp(t, (socket) => socket.once('data', () => socket.write('HTTP/1.1 ')));
  const cases = [
    { name: 'refuses', upstream: await deadUrl(), status: 502, code: 'upstream_unreachable' },
    {
      name: 'has a name that there is not',
      upstream: 'http://nowhere.invalid',
      status: 502,
      code: 'upstream_unreachable',
    },
    {
      name: 'speaks no TLS',
      upstream: { url: silent.url.replace('http', 'https'), connectTimeout: '200ms' },
      status: 504,
      code: 'upstream_timeout',
    },
    {
      name: 'says nothing',
      upstream: { url: silent.url, headersTimeout: '200ms' },
      status: 504,
      code: 'upstream_timeout',
    },
    {
      name: 'begins and says no more',
      upstream: { url: dripping.url, headersTimeout: '200ms' },
      status: 504,
      code: 'upstream_timeout',
    },
  ] as const;
  for (const { name, upstream, status, code } of cases) {
    const gateway = await inFront(t, upstream);
    const answer = await gateway.get('/x');
    t.equal(answer.status, status, name);
    t.match(answer.json(), { code, status }, name);
    t.notMatch(answer.text, /127\.0\.0\.1|nowhere|ECONN|ENOTFOUND|EAI_|UND_/, `${name}: no address`);
    t.match(
      await gateway.line(answer.header('x-request-id')),
      { decision: 'allow', reason: code, status },
      name,
    );
  }
});

t.test('an upstream whose certificate does not hold is 502', async (t) => {
  const own = createCertificate({ hosts: ['other.example'] });
  const server = createServer({ cert: own.cert, key: own.key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const folder = t.testdir({ ca: own.cert });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const caFile of [null, `${folder}/ca`]) {
    const answer = await (await inFront(t, { url, tls: { caFile } })).get('/x');
    t.match([answer.status, answer.json().code], [502, 'upstream_unreachable']);
    t.notMatch(answer.text, /certificate|other\.example/i);
  }
});

t.test('what is cut short never looks whole', async (t) => {
  const cases = {
    'by length': `${ok}Content-Length: 100\r\n\r\nshort`,
    'in a chunk': `${ok}Transfer-Encoding: chunked\r\n\r\n64\r\nshort`,
    'after a chunk': `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n`,
    'before the last line': `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n0\r\n`,
    'by a chunk that is none': `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n`,
    'without a byte': `${ok}Content-Length: 100\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(cases)) {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const tcp = await startTcp(t, (socket) => {
        socket.once('data', () => socket.write(bytes, 'latin1', () => setImmediate(() => socket[end]())));
      });
      const gateway = await inFront(t, tcp.url);
      const raw = await gateway.raw();
      await raw.send(ask('GET /x'));
      const answer = await raw.response().catch(() => null);
      t.notOk(answer !== null && answer.status === 200 && answer.complete, `${name}, ${end}`);
      await raw.closed().catch(() => undefined);
    }
  }
});

t.test('an answer that stops is cut after bodyTimeout', async (t) => {
  const tcp = await startTcp(t, (socket) =>
    socket.once('data', () => socket.write(`${ok}Content-Length: 9\r\n\r\nhalf`)),
  );
  const gateway = await inFront(t, { url: tcp.url, bodyTimeout: '200ms' });
  t.match(await sendRaw(gateway, ask('GET /x')), { status: 200, text: 'half', complete: false });
});

t.test('an answer of the upstream’s own is passed on, whatever its status', async (t) => {
  for (const status of [200, 301, 400, 401, 403, 404, 418, 429, 500, 502, 503, 504, 599]) {
    const tcp = await startTcp(t, (socket) =>
      socket.on('data', () =>
        socket.write(`HTTP/1.1 ${status} Own\r\nContent-Length: 3\r\nRetry-After: 1\r\n\r\nown`),
      ),
    );
    const gateway = await inFront(t, tcp.url);
    const answer = await gateway.get('/x');
    t.match([answer.status, answer.text, answer.header('retry-after')], [status, 'own', '1'], String(status));
    t.match(await gateway.lineWhere(({ msg }) => msg === 'request'), { status, reason: 'ok', bytes: 3 });
    t.equal(tcp.connections, 1, 'and asked for once');
  }
});

t.test('the gateway outlives its upstream', async (t) => {
  const first = await startEcho(t);
  const gateway = await inFront(t, first.url);
  t.equal((await gateway.get('/x')).status, 200);
  await first.close();
  for (let at = 0; at < 5; at++) t.equal((await gateway.get('/x')).json().code, 'upstream_unreachable');
  const again = await startEcho(t, { port: first.port });
  t.equal((await gateway.get('/x')).status, 200, 'and finds it again');
  t.equal(again.seen.length, 1);
});
