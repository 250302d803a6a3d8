import { METHODS } from 'node:http';
import t from 'tap';
import { ask, open } from '../gateway/wire.ts';
import { type Echo, startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import type { RawResponse } from '../helpers/raw.ts';
import { post, refused, smuggled } from './smuggling-cases.ts';

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
    t.equal((await raw.response()).json().url, '/smuggled', `${protocol}: what came behind is a request too`);
    await raw.send(ask('GET /y', 'Connection: close'));
    t.strictSame(
      (await raw.responses()).map((answer) => answer.json().url),
      ['/y'],
      `${protocol}: the connection goes on`,
    );
    t.strictSame(wholeSince(echo, before), ['/x', '/smuggled', '/y'], protocol);
  }
});

t.test('every registered method is passed on as it is', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  for (const method of METHODS.filter((each) => !['CONNECT', 'TRACE', 'SOURCE'].includes(each))) {
    const raw = await gateway.raw();
    await raw.send(ask(`${method} /x`, 'Content-Length: 0'));
    t.equal((await raw.response({ head: method === 'HEAD' })).status, 200, method);
    t.equal(echo.seen.at(-1)?.method, method);
  }
});

t.test('a request line of another protocol is none', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open });
  const lines = [
    'GET /x RTSP/1.0',
    'OPTIONS /x RTSP/1.0',
    'DESCRIBE /x RTSP/1.0',
    'ANNOUNCE rtsp://a/x RTSP/1.0',
    'SOURCE /x ICE/1.0',
    'SOURCE /x ICE/1.1',
    'SOURCE /x HTTP/1.1',
    'GET /x RTSP/1.1',
    'OPTIONS /x RTSP/1.1',
    'GET /x ICE/1.0',
    'GET /x HTTP/0.9',
    'GET /x HTTP/1.2',
    'GET /x HTTP/2.0',
    'PRI * HTTP/2.0',
  ];
  for (const line of lines) {
    const raw = await gateway.raw();
    await raw.send(`${line}\r\nHost: a\r\n\r\n`);
    const answer = await raw.response();
    t.equal(answer.status, 400, line);
    t.equal(answer.json().code, 'request_malformed', line);
  }
  t.equal(echo.seen.length, 0, 'the upstream sees nothing');
});

t.test('a length that a number cannot hold is refused before any limit is looked at', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open, listen: { maxBodySize: '1KiB' } });
  for (const length of [
    '9007199254740992',
    '9007199254740993',
    '18446744073709551615',
    '99999999999999999999',
  ]) {
    const raw = await gateway.raw();
    await raw.send(ask('POST /x', `Content-Length: ${length}`));
    const answer = await raw.response();
    t.equal(answer.json().code, 'request_malformed', length);
  }
  const raw = await gateway.raw();
  await raw.send(ask('POST /x', 'Content-Length: 9007199254740991'));
  t.equal((await raw.response()).json().code, 'body_too_large', 'the largest number that is exact');
  t.equal(echo.seen.length, 0, 'the upstream sees nothing');
});
