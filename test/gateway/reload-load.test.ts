import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { Agent } from 'undici';
import type { ConfigInput } from '../../src/config/schema.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { startTcp } from './wire.ts';

const reloads = 200;
const clients = 4;

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

t.test('200 reloads under load: no failed request, nothing left behind', async (t) => {
  const open = new Set<Socket>();
  const upstream = await startTcp(t, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  const [issuer, other] = await Promise.all([startFakeIssuer(t), startFakeIssuer(t)]);
  const config = (round: number): ConfigInput => ({
    // Another pool every time, other keys and another verifier every second time.
    upstream: { url: upstream.url, connections: 100 + round },
    log: { requests: 'none' },
    issuers: [issuer, other].slice(0, 1 + (round % 2)).map(({ issuer, audience }) => ({ issuer, audience })),
  });
  const gateway = await startGateway(t, config(0));
  const agent = new Agent({ connections: 1 });
  t.teardown(() => agent.close());
  const token = issuer.mint();
  const statuses = new Map<number, number>();
  const answers = new EventEmitter();
  let ended = false;
  const load = async () => {
    while (!ended) {
      const { statusCode, body } = await agent.request({
        origin: gateway.url,
        path: '/x',
        method: 'GET',
        headers: { authorization: `Bearer ${token}` },
      });
      await body.dump();
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      answers.emit('answer');
    }
  };
  const loads = Array.from({ length: clients }, load);
  const heap: number[] = [];
  for (let round = 1; round <= reloads; round++) {
    await Promise.all([gateway.reload(config(round)), once(answers, 'answer')]);
    if (round % 100 !== 0) continue;
    collectGarbage();
    heap.push(process.memoryUsage().heapUsed);
  }
  ended = true;
  await Promise.all(loads);
  t.strictSame([...statuses.keys()], [200], 'every request was answered by the upstream');
  t.ok((statuses.get(200) ?? 0) >= reloads, `${statuses.get(200)} requests`);
  for (const socket of [...open].slice(0, -clients)) {
    if (!socket.destroyed)
      await withDeadline(once(socket, 'close'), 'the end of a connection of an earlier config');
  }
  const [half = 0, whole = 0] = heap;
  t.ok(whole - half < 4_000_000, `the heap grew by ${whole - half} bytes in ${reloads / 2} reloads`);
});
