import { METHODS } from 'node:http';
import t from 'tap';
import { type Echo, startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import type { RawResponse } from '../helpers/raw.ts';
import { ask, open } from './wire.ts';

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (...fields: string[]) => ask('POST /x', ...fields);

/** Sends bytes and reads every answer to them: up to the connection's end, or to that of a request sent after them. */
async function converse(gateway: TestGateway, bytes: string): Promise<RawResponse[]> {
  const raw = await gateway.raw();
  await raw.send(bytes);
  const first = await raw.response();
  if (first.header('connection') === 'close') return [first, ...(await raw.responses())];
  await raw.send(ask('GET /sentinel', 'Connection: close'));
  const answers = [first, ...(await raw.responses())];
  const last = answers.pop();
  return last?.status === 200 && last.json().url === '/sentinel' ? answers : [];
}

/** What the upstream took for a whole request since then, besides the sentinel. */
function wholeSince(echo: Echo, before = 0): string[] {
  const whole = echo.seen.slice(before).filter(({ url, body }) => body.complete && url !== '/sentinel');
  return whole.map(({ url }) => url);
}

/** One answer each, and nothing whole behind it. By the reason. */
const refused: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  request_malformed: {
    'a length and a coding': `${post('Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    'a coding and a length': `${post('Transfer-Encoding: chunked', 'Content-Length: 4')}0\r\n\r\n${smuggled}`,
    'a length and a coding that is none': `${post('Content-Length: 4', 'Transfer-Encoding: identity')}abcd${smuggled}`,
    'two codings, chunked last': `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n${smuggled}`,
    'two codings, chunked first': `${post('Transfer-Encoding: chunked, gzip')}0\r\n\r\n${smuggled}`,
    'chunked twice': `${post('Transfer-Encoding: chunked, chunked')}0\r\n\r\n${smuggled}`,
    'chunked on two lines': `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    'a second coding in other letters': `${post('Transfer-Encoding: chunked', 'TRANSFER-ENCODING: x')}0\r\n\r\n${smuggled}`,
    gzip: `${post('Transfer-Encoding: gzip')}${smuggled}`,
    identity: `${post('Transfer-Encoding: identity')}${smuggled}`,
    xchunked: `${post('Transfer-Encoding: xchunked')}0\r\n\r\n${smuggled}`,
    'chunked in quotes': `${post('Transfer-Encoding: "chunked"')}0\r\n\r\n${smuggled}`,
    'chunked with a parameter': `${post('Transfer-Encoding: chunked;q=1')}0\r\n\r\n${smuggled}`,
    'chunked after a vertical tab': `${post('Transfer-Encoding: \u000bchunked')}0\r\n\r\n${smuggled}`,
    'an empty coding': `${post('Transfer-Encoding:')}${smuggled}`,
    'a coding before a space': `${post('Transfer-Encoding : chunked')}0\r\n\r\n${smuggled}`,
    'a coding over a fold': `${post('Transfer-Encoding:\r\n chunked')}0\r\n\r\n${smuggled}`,
    'a coding behind a bare LF': `${post('X: y\nTransfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    'a coding in HTTP/1.0': `POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'two lengths': `${post('Content-Length: 1', 'Content-Length: 0')}${smuggled}`,
    'one length twice': `${post('Content-Length: 0', 'Content-Length: 0')}${smuggled}`,
    'lengths in a list': `${post('Content-Length: 0, 0')}${smuggled}`,
    'a negative length': `${post('Content-Length: -1')}${smuggled}`,
    'a length with a sign': `${post('Content-Length: +1')}a${smuggled}`,
    'a length in hexadecimal': `${post('Content-Length: 0x1')}a${smuggled}`,
    'a length that is a fraction': `${post('Content-Length: 1.0')}a${smuggled}`,
    'a length with a space in it': `${post('Content-Length: 1 1')}a${smuggled}`,
    'a length beyond all bounds': `${post(`Content-Length: ${'9'.repeat(30)}`)}${smuggled}`,
    'an empty length': `${post('Content-Length:')}${smuggled}`,
    'space before a colon': ask('GET /x', 'X-A : 1'),
    'a tab before a colon': ask('GET /x', 'X-A\t: 1'),
    'a folded line': ask('GET /x', 'X-A: 1\r\n 2'),
    'a first line that is folded': `GET /x HTTP/1.1\r\n X: 1\r\nHost: a\r\n\r\n`,
    'a bare CR': ask('GET /x', 'X-A: 1\rX-B: 2'),
    'a bare LF': `GET /x HTTP/1.1\nHost: a\n\n${smuggled}`,
    'a bare LF after a field': `GET /x HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n`,
    'a bare LF at the end of the head': `GET /x HTTP/1.1\r\nHost: a\r\n\n${smuggled}`,
    'NUL in a value': ask('GET /x', 'X-A: a\u0000b'),
    'NUL in a name': ask('GET /x', 'X\u0000A: b'),
    'a control character in a value': ask('GET /x', 'X-A: a\u0001b'),
    'a name that is none': ask('GET /x', 'X(A): 1'),
    'an empty name': ask('GET /x', ': 1'),
    'no colon': ask('GET /x', 'nonsense'),
    'no Host': 'GET /x HTTP/1.1\r\n\r\n',
    'two Hosts': 'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'one Host twice': 'GET /x HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n',
    'two Hosts in HTTP/1.0': 'GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n',
    'a Host with a path': 'GET /x HTTP/1.1\r\nHost: a/admin\r\n\r\n',
    'a Host with a user': 'GET /x HTTP/1.1\r\nHost: a@b\r\n\r\n',
    'two Hosts in one': 'GET /x HTTP/1.1\r\nHost: a b\r\n\r\n',
    'two Hosts in a list': 'GET /x HTTP/1.1\r\nHost: a, b\r\n\r\n',
    'a Host with a query': 'GET /x HTTP/1.1\r\nHost: a?b\r\n\r\n',
    'a Host outside ASCII': 'GET /x HTTP/1.1\r\nHost: \u00e9\r\n\r\n',
    'HTTP/0.9': 'GET /x\r\n\r\n',
    'a version that is none': 'GET /x HTTP/1.9\r\nHost: a\r\n\r\n',
    'two digits of a version': 'GET /x HTTP/1.10\r\nHost: a\r\n\r\n',
    'HTTP/2 over TCP': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/2.0 in the words of HTTP/1': 'GET /x HTTP/2.0\r\nHost: a\r\n\r\n',
    'another protocol': 'GET /x ICE/1.0\r\nHost: a\r\n\r\n',
    'an unknown method': ask('FROB /x'),
    'a method in small letters': ask('get /x'),
    'no method': ask(' /x'),
    'no HTTP at all': '\u0016\u0003\u0001\u0002\u0000',
  },
  method_not_allowed: {
    TRACE: ask('TRACE /x'),
    'CONNECT, with early data': `${ask('CONNECT a:80')}${smuggled}`,
    'CONNECT to a path': ask('CONNECT /x'),
    'CONNECT, with a body': `${ask('CONNECT a:80', `Content-Length: ${smuggled.length}`)}${smuggled}`,
  },
  headers_too_large: {
    'one large field': ask('GET /x', `X-A: ${'x'.repeat(40_000)}`),
    'many fields': ask('GET /x', ...Array.from({ length: 4000 }, (_, at) => `X-${at}: ${at}`)),
    'a large target': ask(`GET /${'x'.repeat(40_000)}`),
  },
};

t.test('what two servers could frame differently is one refusal', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  for (const [code, cases] of Object.entries(refused)) {
    for (const [name, bytes] of Object.entries(cases)) {
      const [answer, ...more] = await converse(gateway, bytes);
      t.equal(more.length, 0, `${name}: one answer`);
      if (answer === undefined) {
        t.fail(`${name}: no answer`);
        continue;
      }
      const status = { method_not_allowed: 405, headers_too_large: 431 }[code] ?? 400;
      t.match([answer.status, answer.header('content-type')], [status, 'application/problem+json'], name);
      t.match(answer.json(), { code, status }, name);
      const line = await gateway.line(answer.header('x-request-id'));
      t.match(line, { reason: code, decision: 'deny', status }, `${name}: logged`);
    }
  }
  t.strictSame(wholeSince(echo), [], 'the upstream saw none of them');
});

t.test('a body that breaks off its framing is no request', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  const chunked = post('Transfer-Encoding: chunked');
  const cases = {
    'a negative chunk': `${chunked}-1\r\n`,
    'a chunk size that is none': `${chunked}xyz\r\n`,
    'a chunk size with a prefix': `${chunked}0x3\r\nabc\r\n0\r\n\r\n`,
    'a chunk size beyond all bounds': `${chunked}FFFFFFFFFFFFFFFFF\r\n`,
    'an empty chunk size': `${chunked}\r\nabc\r\n0\r\n\r\n`,
    'a chunk longer than it says': `${chunked}3\r\nabcd\r\n0\r\n\r\n`,
    'a chunk shorter than it says': `${chunked}5\r\nabc\r\n0\r\n\r\n`,
    'a bare LF after a chunk size': `${chunked}3\nabc\r\n0\r\n\r\n`,
    'a bare LF after a chunk': `${chunked}3\r\nabc\n0\r\n\r\n`,
    'a bare LF at the end': `${chunked}3\r\nabc\r\n0\r\n\n${smuggled}`,
    'a space before a chunk size': `${chunked} 3\r\nabc\r\n0\r\n\r\n`,
    'a bare LF in a chunk extension': `${chunked}3;a\nabc\r\n0\r\n\r\n`,
    'a bare CR in a chunk extension': `${chunked}3;a\rb\r\nabc\r\n0\r\n\r\n`,
    'endless chunk extensions': `${chunked}3;${'a'.repeat(40_000)}\r\nabc\r\n0\r\n\r\n`,
    'a trailer that is none': `${chunked}3\r\nabc\r\n0\r\nX A: 1\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const before = echo.seen.length;
    const answers = await converse(gateway, bytes);
    t.equal(answers.length, 1, `${name}: one answer`);
    t.ok([400, 431].includes(answers[0]?.status ?? 0), `${name}: a refusal`);
    t.strictSame(wholeSince(echo, before), [], `${name}: nothing whole behind it`);
  }
  t.strictSame(wholeSince(echo), []);
});

t.test('what only looks odd is read in one way', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  const length = `Content-Length: ${smuggled.length}`;
  const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
  const cases = {
    'a body on GET': { bytes: `${ask('GET /x', length)}${smuggled}`, body: smuggled.length },
    'a body on HEAD': { bytes: `${ask('HEAD /x', length)}${smuggled}`, body: smuggled.length },
    'a body in a chunk': { bytes: `${post('Transfer-Encoding: chunked')}${chunk}`, body: smuggled.length },
    'chunked in any case': { bytes: `${post('Transfer-Encoding: CHUNKED')}${chunk}`, body: smuggled.length },
    'chunked on GET': {
      bytes: `${ask('GET /x', 'Transfer-Encoding: chunked')}${chunk}`,
      body: smuggled.length,
    },
    'a small chunk extension': {
      bytes: `${post('Transfer-Encoding: chunked')}3;a=b;c="d"\r\nabc\r\n0\r\n\r\n`,
      body: 3,
    },
    'zeros before a chunk size': {
      bytes: `${post('Transfer-Encoding: chunked')}0003\r\nabc\r\n000\r\n\r\n`,
      body: 3,
    },
    'zeros before a length': { bytes: `${post('Content-Length: 003')}abc`, body: 3 },
    'a length of zero': { bytes: post('Content-Length: 0'), body: 0 },
    'a coding by another name': {
      bytes: ask('GET /x', 'Transfer_Encoding: chunked', 'Content_Length: 9'),
      body: 0,
    },
    'a length nominated in Connection': {
      bytes: `${post('Content-Length: 3', 'Connection: content-length')}abc`,
      body: 3,
    },
    'a coding nominated in Connection': {
      bytes: `${post('Transfer-Encoding: chunked', 'Connection: transfer-encoding')}${chunk}`,
      body: smuggled.length,
    },
    'empty lines before it': { bytes: `\r\n\r\n${ask('GET /x')}`, body: 0 },
    'HTTP/1.0': { bytes: 'GET /x HTTP/1.0\r\n\r\n', body: 0 },
    'HTTP/1.0 with a length': {
      bytes: 'POST /x HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
      body: 3,
    },
    'an address as Host': { bytes: 'GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n', body: 0 },
    'an empty Host': { bytes: 'GET /x HTTP/1.1\r\nHost:\r\n\r\n', body: 0 },
  };
  for (const [name, { bytes, body }] of Object.entries(cases)) {
    const before = echo.seen.length;
    const raw = await gateway.raw();
    await raw.send(bytes);
    const answer = await raw.response({ head: bytes.startsWith('HEAD') });
    raw.reset();
    t.equal(answer.status, 200, name);
    t.strictSame(wholeSince(echo, before), ['/x'], `${name}: one request`);
    t.equal(echo.seen.at(-1)?.body.bytes, body, name);
  }
});

t.test('a request that comes byte by byte is the same request', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  const raw = await gateway.raw();
  await raw.sendPieces(`${post('Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n${ask('GET /y')}`);
  t.match((await raw.response()).json(), { url: '/x', text: 'abc' });
  t.match((await raw.response()).json(), { url: '/y' });
  t.equal(echo.seen.length, 2);
});

t.test('what follows a request is decided on its own', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: open.issuers,
    rules: [{ path: '/open/*', auth: 'none' }],
  });
  const firsts = {
    'a request': ask('GET /open/x'),
    'a body': `${ask('POST /open/x', 'Content-Length: 3')}abc`,
    'a refusal': ask('GET /closed', 'Authorization: Basic x'),
    'a refused body': `${ask('POST /closed', 'Content-Length: 3')}abc`,
  };
  for (const [name, first] of Object.entries(firsts)) {
    const before = echo.seen.length;
    const spoof = ask('GET /closed', 'X-Verified-Subject: root');
    const raw = await gateway.raw();
    await raw.send(`${first}${spoof}${ask('GET /open/last', 'Connection: close')}`);
    const [begin, ...rest] = (await raw.responses()).map(({ status }) => status);
    t.strictSame(rest, [401, 200], name);
    t.strictSame(
      echo.seen.slice(before).map(({ url }) => url),
      begin === 200 ? ['/open/x', '/open/last'] : ['/open/last'],
      name,
    );
  }
});

t.test('an Upgrade to anything but a WebSocket is an ordinary request', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  for (const protocol of ['h2c', 'TLS/1.0']) {
    const before = echo.seen.length;
    const raw = await gateway.raw();
    await raw.send(`${ask('GET /x', 'Connection: Upgrade', `Upgrade: ${protocol}`)}${smuggled}`);
    t.equal((await raw.response()).json().url, '/x', protocol);
    await raw.send(ask('GET /y', 'Connection: close'));
    t.strictSame(
      (await raw.responses()).map((answer) => answer.json().url),
      ['/y'],
      `${protocol}: the connection goes on`,
    );
    t.strictSame(wholeSince(echo, before), ['/x', '/y'], protocol);
  }
});

t.test('every registered method is passed on as it is', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  for (const method of METHODS.filter((each) => each !== 'CONNECT' && each !== 'TRACE')) {
    const raw = await gateway.raw();
    await raw.send(ask(`${method} /x`, 'Content-Length: 0'));
    t.equal((await raw.response({ head: method === 'HEAD' })).status, 200, method);
    t.equal(echo.seen.at(-1)?.method, method);
  }
});
