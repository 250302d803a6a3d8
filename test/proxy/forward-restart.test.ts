import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { connectRaw } from '../helpers/raw.ts';
import { startFront, startWire } from './front.ts';

const clients = 8;
const rounds = 100;
/** What may be sent twice. */
const methods = ['GET', 'HEAD', 'PUT', 'DELETE'] as const;
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Several clients at once, each with one request after the other: how often each status came. */
async function load(t: Test, origin: string, methods: readonly string[]) {
  const statuses: Record<string, number> = {};
  const one = async () => {
    const client = await connectRaw(t, origin);
    for (let round = 0; round < rounds; round++) {
      const method = methods[round % methods.length] as string;
      await client.send(`${method} /${round} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
      const { status } = await client.response({ head: method === 'HEAD' });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, one));
  return statuses;
}

const failures: Readonly<Record<string, { answered(socket: Socket): void; again(socket: Socket): void }>> = {
  'closes when the next request comes': { answered() {}, again: (socket) => socket.end() },
  'resets when the next request comes': { answered() {}, again: (socket) => socket.resetAndDestroy() },
  'closes as soon as it has answered': { answered: (socket) => socket.end(), again() {} },
};

for (const [what, { answered, again }] of Object.entries(failures)) {
  t.test(`an upstream that keeps no connection, says nothing of it and ${what}`, async (t) => {
    const used = new WeakSet<Socket>();
    const wire = await startWire(t, (socket, head) => {
      if (used.has(socket)) return again(socket);
      used.add(socket);
      socket.write(head.startsWith('HEAD') ? answer.slice(0, -2) : answer);
      answered(socket);
    });
    const front = await startFront(t, wire.url);
    t.same(await load(t, front.origin, methods), { 200: clients * rounds });
    t.same(front.refusals, []);
  });
}

/** An upstream that is restarted after every so many requests: its successor takes over the port, which never closes. */
async function startRestarted(t: Test, every: number) {
  let current: Server;
  let served = 0;
  let restarts = 0;
  const startProcess = () => {
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      request.resume();
      response.end('ok');
      if (++served % every === 0) restart();
      // It leaves once it has answered.
      if (server !== current) response.once('finish', () => request.socket.end());
    });
    return server;
  };
  const restart = () => {
    const before = current;
    current = startProcess();
    before.closeIdleConnections();
    restarts++;
  };
  current = startProcess();
  const port = createTcpServer((socket) => current.emit('connection', socket)).listen(0, '127.0.0.1');
  await once(port, 'listening');
  t.teardown(() => port.close());
  return {
    url: `http://127.0.0.1:${(port.address() as AddressInfo).port}`,
    get served() {
      return served;
    },
    get restarts() {
      return restarts;
    },
  };
}

t.test('an upstream that is restarted under load', async (t) => {
  const upstream = await startRestarted(t, 20);
  const front = await startFront(t, upstream.url);
  t.same(await load(t, front.origin, methods), { 200: clients * rounds });
  t.ok(upstream.restarts >= (clients * rounds) / 20, `${upstream.restarts} restarts`);
  t.same(front.refusals, []);
});

t.test('a POST is never sent twice, and answered all the same', async (t) => {
  const upstream = await startRestarted(t, 20);
  const front = await startFront(t, upstream.url);
  const { 200: whole = 0, 502: lost = 0, ...others } = await load(t, front.origin, ['POST']);
  t.same(others, {});
  t.equal(whole + lost, clients * rounds);
  t.ok(upstream.served <= clients * rounds, `${upstream.served} came, ${whole} answers, ${lost} lost`);
});
