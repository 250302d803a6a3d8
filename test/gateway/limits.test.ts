import { once } from 'node:events';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import type { RawResponse } from '../helpers/raw.ts';
import { ask, open, sendRaw, startUpstream } from './wire.ts';

async function inFront(t: Test, config: Partial<ConfigInput>) {
  const echo = await startEcho(t);
  return { echo, gateway: await startGateway(t, { ...open, upstream: echo.url, ...config }) };
}

/** That an answer is ours, for this reason, and in the log. */
async function assertRefusal(
  t: Test,
  gateway: TestGateway,
  answer: RawResponse,
  status: number,
  code: string,
) {
  t.equal(answer.status, status, code);
  t.match(answer.json(), { code, status });
  t.equal(answer.header('content-type'), 'application/problem+json');
  t.match(await gateway.line(answer.header('x-request-id')), { status, reason: code });
}

t.test('bodies', async (t) => {
  const { echo, gateway } = await inFront(t, { listen: { maxBodySize: 10 } });
  const chunk = (size: number) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
  const chunked = ask('POST /x', 'Transfer-Encoding: chunked');
  const sized = (size: number) => ask('POST /x', `Content-Length: ${size}`);
  for (const bytes of [
    `${sized(10)}${'x'.repeat(10)}`,
    sized(0),
    `${chunked}${chunk(9)}${chunk(1)}0\r\n\r\n`,
  ]) {
    t.equal((await sendRaw(gateway, bytes)).status, 200, 'up to the limit');
  }
  const before = echo.seen.length;
  await assertRefusal(t, gateway, await sendRaw(gateway, sized(11)), 413, 'body_too_large');
  await assertRefusal(t, gateway, await sendRaw(gateway, sized(10 ** 12)), 413, 'body_too_large');
  t.equal(echo.seen.length, before, 'a length that is too large is refused before anything is sent on');
  for (const bytes of [`${chunked}${chunk(11)}`, `${chunked}${chunk(10)}${chunk(1)}`]) {
    await assertRefusal(t, gateway, await sendRaw(gateway, bytes), 413, 'body_too_large');
  }
  t.ok(
    echo.seen.slice(before).every(({ body }) => body.bytes <= 10 && !body.complete),
    'and of one that says no length, the upstream sees no more, and no end',
  );
});

t.test('a body that grows too large when the answer has begun ends the connection', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    response.writeHead(200).write('begun');
  });
  const gateway = await startGateway(t, { ...open, upstream, listen: { maxBodySize: 10 } });
  const raw = await gateway.raw();
  await raw.send(`${ask('POST /x', 'Transfer-Encoding: chunked')}5\r\nabcde\r\n`);
  await once(raw.socket, 'data');
  await raw.send('6\r\nabcdef\r\n');
  t.notOk((await raw.response()).complete, 'never a clean end');
});

t.test('heads', async (t) => {
  const { echo, gateway } = await inFront(t, { listen: { maxHeaderSize: '4KiB' } });
  t.equal((await sendRaw(gateway, ask('GET /x', `X: ${'x'.repeat(3500)}`))).status, 200);
  for (const bytes of [ask('GET /x', `X: ${'x'.repeat(4200)}`), ask(`GET /${'x'.repeat(4200)}`)]) {
    await assertRefusal(t, gateway, await sendRaw(gateway, bytes), 431, 'headers_too_large');
  }
  t.equal(echo.seen.length, 1);
});

t.test('time', async (t) => {
  const { gateway, echo } = await inFront(t, {
    listen: { headersTimeout: '200ms', requestTimeout: '400ms' },
  });
  const slow = {
    'half a head': 'GET /x HTTP/1.1\r\nHost: a\r\n',
    'half a line': 'GE',
    'half a body': `${ask('POST /x', 'Content-Length: 10')}abc`,
    'half a chunk': `${ask('POST /x', 'Transfer-Encoding: chunked')}5\r\nab`,
  };
  for (const [name, bytes] of Object.entries(slow)) {
    const raw = await gateway.raw();
    await raw.send(bytes);
    await assertRefusal(t, gateway, await raw.response(), 408, 'request_timeout');
    await raw.closed();
    t.pass(`${name}, and the connection ends`);
  }
  t.ok(
    echo.seen.every(({ body }) => !body.complete),
    'nothing looks whole to the upstream',
  );
});

t.test('idle connections', async (t) => {
  const { gateway } = await inFront(t, { listen: { keepAliveTimeout: '100ms' } });
  const raw = await gateway.raw();
  await raw.send(ask('GET /x'));
  t.equal((await raw.response()).status, 200);
  t.equal(await raw.closed(), 'end', 'are closed after keepAliveTimeout');
});

t.test('connections', async (t) => {
  const { gateway, echo } = await inFront(t, { listen: { maxConnections: 2 } });
  const [first, second] = [await gateway.raw(), await gateway.raw()];
  await second.send(ask('GET /x'));
  t.equal((await second.response()).status, 200);
  const third = await gateway.raw();
  const answer = await third.response();
  await assertRefusal(t, gateway, answer, 503, 'overloaded');
  t.ok(answer.header('retry-after'));
  t.equal(answer.header('connection'), 'close');
  await third.closed();
  await second.send(ask('GET /y'));
  t.equal((await second.response()).status, 200, 'those that are open go on');

  first.halfClose();
  await first.closed();
  const next = await gateway.raw();
  await next.send(ask('GET /z', 'Connection: close'));
  t.equal((await next.response()).status, 200, 'and one that ends makes room');
  t.equal(echo.seen.length, 3);
});

t.test('Expect: 100-continue', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: open.issuers,
    listen: { maxBodySize: 10 },
    rules: [{ path: '/open/*', auth: 'none' }],
  });
  const expecting = (path: string, length: number) =>
    ask(`POST ${path}`, `Content-Length: ${length}`, 'Expect: 100-continue');
  const refused = { '/x': 401, '/open/../x': 400 };
  for (const [path, status] of Object.entries(refused)) {
    t.equal((await sendRaw(gateway, expecting(path, 4))).status, status, 'refused before the body is sent');
  }
  t.equal((await sendRaw(gateway, expecting('/open/x', 11))).status, 413);
  t.equal(echo.seen.length, 0);
  const raw = await gateway.raw();
  await raw.send(expecting('/open/x', 4));
  t.equal((await raw.response()).status, 100);
  await raw.send('body');
  t.equal((await raw.response()).json().text, 'body');
  const seen = echo.seen.at(-1)?.rawHeaders ?? [];
  t.notOk(
    seen.some((name) => name.toLowerCase() === 'expect'),
    'the upstream is asked nothing',
  );
  t.equal(
    (await sendRaw(gateway, `${expecting('/open/x', 4)}body`)).status,
    100,
    'nor need it be waited for',
  );
  const odd = await sendRaw(gateway, `${ask('POST /open/x', 'Content-Length: 4', 'Expect: miracles')}body`);
  t.equal(odd.status, 200, 'an expectation that nobody knows is ignored');
});

t.test('a client that goes away takes its upstream request with it', async (t) => {
  const arrivals: string[] = [];
  let onArrival = () => {};
  let onGone = () => {};
  const upstream = await startUpstream(t, (request, response) => {
    response.once('close', () => onGone());
    if (request.url === '/answering') response.writeHead(200).write('some');
    arrivals.push(request.url ?? '');
    onArrival();
  });
  const gateway = await startGateway(t, { ...open, upstream });
  for (const [path, bytes] of [
    ['/waiting', ask('GET /waiting')],
    ['/sending', `${ask('POST /sending', 'Content-Length: 100000')}abc`],
    ['/answering', ask('GET /answering')],
  ] as const) {
    for (const leave of ['reset', 'halfClose'] as const) {
      const arrived = new Promise<void>((resolve) => {
        onArrival = resolve;
      });
      const gone = new Promise<void>((resolve) => {
        onGone = resolve;
      });
      const raw = await gateway.raw();
      await raw.send(bytes);
      await withDeadline(arrived, path);
      if (path === '/answering') await once(raw.socket, 'data');
      raw[leave]();
      await withDeadline(gone, `the end of ${path}`);
      raw.reset();
      t.pass(`${path}: ${leave}`);
    }
  }
  t.equal(arrivals.length, 6, 'and none is sent again');
});
