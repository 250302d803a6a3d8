import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { completeConfig } from '../../src/config/complete.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createServer } from '../../src/server.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { ask, open, startUpstream } from './wire.ts';

/** A gateway whose upstream answers at once, save `/held…`, which waits in `held` for the test to answer it. */
async function inFront(t: Test, drain: ConfigInput['drain']) {
  const held: ServerResponse[] = [];
  let onHeld = () => {};
  const upstream = await startUpstream(t, (request, response) => {
    request.resume();
    if (!request.url?.startsWith('/held')) return void response.end('ok');
    held.push(response);
    onHeld();
  });
  const { issuer, audience } = await startFakeIssuer(t);
  const gateway = await startGateway(t, { ...open, upstream, drain, issuers: [{ issuer, audience }] });
  /** Sends a request that the upstream holds, and comes back once it does. */
  const hold = async () => {
    const raw = await gateway.raw();
    const arrived = new Promise<void>((resolve) => {
      onHeld = resolve;
    });
    await raw.send(ask('GET /held'));
    await arrived;
    return { raw, response: held.at(-1) as ServerResponse };
  };
  /** Holds several at once, of one connection. */
  const holdAll = async (paths: readonly string[]) => {
    const raw = await gateway.raw();
    await raw.send(paths.map((path) => ask(`GET ${path}`)).join(''));
    while (held.length < paths.length) {
      await new Promise<void>((resolve) => {
        onHeld = resolve;
      });
    }
    const of = (path: string) => held.find(({ req }) => req.url === path) as ServerResponse;
    return { raw, responses: paths.map(of) };
  };
  const closing = () => gateway.lineWhere(({ msg }) => msg === 'closing');
  return { gateway, hold, holdAll, closing };
}

t.test('not ready at once, served as ever for a while', async (t) => {
  const { gateway, hold, closing } = await inFront(t, { delay: '5s', timeout: '5m' });
  t.equal((await request(gateway.admin, { path: '/readyz' })).status, 200);
  const { raw, response } = await hold();
  const drained = gateway.server.drain();
  const notReady = await request(gateway.admin, { path: '/readyz' });
  t.equal(notReady.status, 503);
  t.match(notReady.json(), { reasons: [{ code: 'draining' }] });
  t.equal((await request(gateway.admin, { path: '/livez' })).status, 200, 'alive all the same');
  const served = await gateway.raw();
  await served.send(ask('GET /x'));
  const answer = await served.response();
  t.match([answer.status, answer.text], [200, 'ok'], 'over a new connection');
  t.not(answer.header('connection'), 'close', 'that is kept');
  await closing();
  t.equal((await request(gateway.admin, { path: '/readyz' })).status, 503, 'and answered to the end');
  response.end('late');
  t.equal((await raw.response()).text, 'late');
  t.strictSame(await drained, { cut: 0 });
});

t.test('then what is in flight ends, and what still comes is sent away', async (t) => {
  const { gateway, hold, closing } = await inFront(t, { delay: 0, timeout: '5m' });
  const begun = await hold();
  begun.response.write('in two ');
  await once(begun.raw.socket, 'data');
  const waiting = await hold();
  const drained = gateway.server.drain();
  await closing();
  await t.rejects(request(gateway.url), { code: 'ECONNREFUSED' }, 'no new connection');

  await begun.raw.send(ask('GET /late'));
  begun.response.end('parts');
  t.match(await begun.raw.response(), { status: 200, text: 'in two parts', complete: true });
  const late = await begun.raw.response();
  t.equal(late.status, 503);
  t.match(late.json(), { code: 'draining', status: 503 });
  t.equal(late.header('connection'), 'close');
  t.ok(late.header('retry-after'));
  t.equal(await begun.raw.closed(), 'end');
  t.match(await gateway.line(late.header('x-request-id')), {
    reason: 'draining',
    status: 503,
    path: '/late',
  });

  waiting.response.end('whole');
  const answer = await waiting.raw.response();
  t.match(answer, { status: 200, text: 'whole', complete: true });
  t.equal(answer.header('connection'), 'close', 'and no further request is asked for');
  t.equal(await waiting.raw.closed(), 'end');
  t.strictSame(await drained, { cut: 0 });
});

t.test('a connection whose last answer ends does not hold the drain up', async (t) => {
  const { gateway, hold, closing } = await inFront(t, { delay: 0, timeout: '1h' });
  const { raw, response } = await hold();
  response.write('in two ');
  await once(raw.socket, 'data');
  const drained = gateway.server.drain();
  await closing();
  response.end('parts');
  t.match(await raw.response(), { text: 'in two parts', complete: true });
  t.equal(await raw.closed(), 'end');
  t.strictSame(await drained, { cut: 0 });
});

t.test('a drain ends early when nothing is in flight', async (t) => {
  const { gateway } = await inFront(t, { delay: 0, timeout: '1h' });
  const idle = [await gateway.raw(), await gateway.raw()];
  for (const raw of idle) {
    await raw.send(ask('GET /x'));
    t.equal((await raw.response()).status, 200);
  }
  const silent = await gateway.raw();
  const drained = gateway.server.drain();
  for (const raw of [...idle, silent]) t.equal(await raw.closed(), 'end', 'an idle connection is closed');
  t.strictSame(await drained, { cut: 0 });
});

t.test('what does not end in time is cut, and counted', async (t) => {
  const { gateway, hold } = await inFront(t, { delay: 0, timeout: '200ms' });
  const silent = await hold();
  const begun = await hold();
  begun.response.writeHead(200, { 'content-length': 100 }).write('some');
  await once(begun.raw.socket, 'data');
  t.strictSame(await gateway.server.drain(), { cut: 2 });
  await silent.raw.closed();
  t.notOk((await begun.raw.response()).complete, 'and does not look whole');
  t.match(
    gateway.lines.filter(({ msg }) => msg === 'drained'),
    [{ cut: 2 }],
  );
});

t.test('a body that is still coming is read to its end', async (t) => {
  const { gateway, closing } = await inFront(t, { delay: 0, timeout: '5m' });
  const raw = await gateway.raw();
  await raw.send(`${ask('POST /x', 'Content-Length: 6', 'Expect: 100-continue')}`);
  t.equal((await raw.response()).status, 100);
  await raw.send('abc');
  const drained = gateway.server.drain();
  await closing();
  await raw.send('def');
  t.equal((await raw.response()).status, 200);
  t.strictSame(await drained, { cut: 0 });
});

t.test('requests that wait behind another on their connection are answered too', async (t) => {
  const { gateway, holdAll, closing } = await inFront(t, { delay: 0, timeout: '5m' });
  const { raw, responses } = await holdAll(['/held1', '/held2', '/held3']);
  const drained = gateway.server.drain();
  await closing();
  const [first, second, third] = responses;
  for (const response of [third, first, second]) response?.end(response.req.url);
  const answers = await raw.responses();
  t.same(
    answers.map(({ status, text }) => [status, text]),
    [
      [200, '/held1'],
      [200, '/held2'],
      [200, '/held3'],
    ],
  );
  t.same(
    answers.map((answer) => answer.header('connection') === 'close'),
    [false, false, true],
    'the last one alone ends the connection',
  );
  t.strictSame(await drained, { cut: 0 });
});

t.test('half a request holds nothing up, and is no request that was cut', async (t) => {
  const { gateway } = await inFront(t, { delay: 0, timeout: '1h' });
  const raw = await gateway.raw();
  await raw.send('GET / HT');
  t.strictSame(await gateway.server.drain(), { cut: 0 });
  await raw.closed();
});

t.test('a drain that begins before the ports are open', async (t) => {
  const { gateway } = await inFront(t, { delay: 0, timeout: '1h' });
  const config = completeConfig({
    ...open,
    upstream: gateway.url,
    drain: { delay: 0, timeout: '1h' },
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
  });
  const server = createServer(config.config, { logger: createLogger({ level: 'silent' }) });
  const started = server.start();
  t.strictSame(await server.drain(), { cut: 0 });
  const { port, adminPort } = await started;
  for (const each of [port, adminPort])
    await t.rejects(request(`http://127.0.0.1:${each}`), { code: 'ECONNREFUSED' }, 'and leaves none open');
});
