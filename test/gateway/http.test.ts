import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';

const issuers = [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }];
const open = { issuers, rules: [{ path: '/*', auth: 'none' as const }] };

t.test('requests that two servers could read differently', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  const h = 'Host: a\r\n';
  const cases: { name: string; bytes: string; status: number; code: string }[] = [
    {
      name: 'both lengths',
      bytes: `POST / HTTP/1.1\r\n${h}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'two codings',
      bytes: `POST / HTTP/1.1\r\n${h}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'a coding twice',
      bytes: `POST / HTTP/1.1\r\n${h}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'an odd coding',
      bytes: `POST / HTTP/1.1\r\n${h}Transfer-Encoding: xchunked\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'a length twice',
      bytes: `POST / HTTP/1.1\r\n${h}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'a negative length',
      bytes: `POST / HTTP/1.1\r\n${h}Content-Length: -1\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'space before the colon',
      bytes: `GET / HTTP/1.1\r\n${h}X-A : 1\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'a folded line',
      bytes: `GET / HTTP/1.1\r\n${h}X-A: 1\r\n 2\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'a bare CR',
      bytes: `GET / HTTP/1.1\r\n${h}X-A: 1\rX-B: 2\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    { name: 'a bare LF', bytes: `GET / HTTP/1.1\n${h}\n`, status: 400, code: 'request_malformed' },
    {
      name: 'NUL in a header',
      bytes: `GET / HTTP/1.1\r\n${h}X-A: \u0000\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    { name: 'no Host', bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400, code: 'request_malformed' },
    {
      name: 'two Hosts',
      bytes: `GET / HTTP/1.1\r\n${h}Host: b\r\n\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'absolute-form',
      bytes: `GET http://b/ HTTP/1.1\r\n${h}\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'asterisk-form',
      bytes: `OPTIONS * HTTP/1.1\r\n${h}\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    {
      name: 'an unknown method',
      bytes: `FROB / HTTP/1.1\r\n${h}\r\n`,
      status: 400,
      code: 'request_malformed',
    },
    { name: 'TRACE', bytes: `TRACE / HTTP/1.1\r\n${h}\r\n`, status: 405, code: 'method_not_allowed' },
    {
      name: 'CONNECT, with early data',
      bytes: `CONNECT a:80 HTTP/1.1\r\n${h}\r\nGET / HTTP/1.1\r\n${h}\r\n`,
      status: 405,
      code: 'method_not_allowed',
    },
    {
      name: 'headers too large',
      bytes: `GET / HTTP/1.1\r\n${h}X-A: ${'x'.repeat(40_000)}\r\n\r\n`,
      status: 431,
      code: 'headers_too_large',
    },
    {
      name: 'no HTTP at all',
      bytes: '\u0016\u0003\u0001\u0002\u0000',
      status: 400,
      code: 'request_malformed',
    },
  ];
  for (const { name, bytes, status, code } of cases) {
    const raw = await gateway.raw();
    await raw.send(bytes);
    const answer = await raw.response();
    t.equal(answer.status, status, name);
    t.equal(answer.json().code, code, name);
    t.equal(answer.header('content-type'), 'application/problem+json', name);
    const line = await gateway.line(answer.header('x-request-id'));
    t.equal(line.reason, code, `${name}: logged`);
  }
  t.equal(echo.seen.length, 0, 'the upstream saw none of them');
  t.equal(await gateway.metric('jwks_sidecar_refusals_total{reason="method_not_allowed"}'), 2);
});

t.test('a body that the upstream must not take for a request', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const raw = await gateway.raw();
  await raw.send(`GET /outer HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`);
  t.equal((await raw.response()).json().url, '/outer');
  await raw.send(
    `GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n`,
  );
  t.equal((await raw.response()).json().url, '/upgrade', 'an upgrade is an ordinary request');
  t.same(
    echo.seen.map(({ url }) => url),
    ['/outer', '/upgrade'],
  );
});

t.test('slow requests are answered and end', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    ...open,
    listen: { headersTimeout: '300ms', requestTimeout: '600ms' },
  });
  const head = await gateway.raw();
  await head.send('GET / HTTP/1.1\r\nHost: a\r\n');
  t.equal((await head.response()).json().code, 'request_timeout');
  await head.closed();
  const body = await gateway.raw();
  await body.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
  t.equal((await body.response()).status, 408);
});

t.test('connections over the limit', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open, listen: { maxConnections: 1 } });
  const first = connect(gateway.port, '127.0.0.1');
  await once(first, 'connect');
  const second = await gateway.raw();
  const answer = await second.response();
  t.equal(answer.status, 503);
  t.equal(answer.json().code, 'overloaded');
  t.ok(answer.header('retry-after'));
  first.destroy();
});
