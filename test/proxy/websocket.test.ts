import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { closeFrame } from '../../src/proxy/close-frame.ts';
import { WebSocketRelay } from '../../src/proxy/websocket.ts';

/** Two ends of a connection: one for a test, one for the relay. */
async function connection(t: Test): Promise<{ readonly far: Socket; readonly near: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({ port: (server.address() as AddressInfo).port, allowHalfOpen: true });
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  far.on('error', () => {});
  t.teardown(() => {
    far.destroy();
    near.destroy();
  });
  return { far, near };
}

/** A relay, the timers of which stand still. */
async function startRelay(t: Test) {
  const [client, upstream] = [await connection(t), await connection(t)];
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const options = { early: [], maxMessageSize: null, idleTimeout: 0 };
  const relay = new WebSocketRelay({ client: client.near, upstream: upstream.near, ...options });
  return { relay, client, upstream };
}

const ends = ['client', 'upstream'] as const;

for (const end of ends) {
  const other = end === 'client' ? 'upstream' : 'client';

  t.test(`a close by the ${end} that the other end leaves unanswered`, async (t) => {
    const scene = await startRelay(t);
    const frame = closeFrame(1000, 'bye', end === 'client');
    scene[end].far.write(frame);
    t.same((await once(scene[other].far, 'data'))[0], frame, 'passes as it is');
    mock.timers.tick(29_999);
    t.notOk(scene.client.near.destroyed);
    mock.timers.tick(1);
    t.ok(scene.client.near.destroyed && scene.upstream.near.destroyed, 'is not waited for for ever');
  });

  t.test(`an end by the ${end}, where the other end stays`, async (t) => {
    const scene = await startRelay(t);
    const ended = once(scene[other].far, 'end');
    scene[other].far.resume();
    scene[end].far.end();
    await ended;
    t.notOk(scene[other].near.destroyed);
    mock.timers.tick(30_000);
    t.ok(scene[other].near.destroyed);
  });

  t.test(`a close of the gateway's that the ${end} leaves unanswered`, async (t) => {
    const scene = await startRelay(t);
    scene.relay.close(4401, 'token expired');
    await Promise.all(ends.map((each) => once(scene[each].far, 'data')));
    scene[other].far.write(closeFrame(1000, '', other === 'client'));
    await once(scene[other].near, 'close');
    mock.timers.tick(5000);
    t.ok(scene[end].near.destroyed);
  });

  t.test(`what the ${end} says after a close of the gateway's goes nowhere`, async (t) => {
    const scene = await startRelay(t);
    const data = closeFrame(1000, 'as good as any', end === 'client');
    data[0] = 0x82;
    scene.relay.close(4401, 'token expired');
    const [farewell] = await once(scene[other].far, 'data');
    t.equal(farewell[0], 0x88);
    scene[other].far.on('data', () => t.fail('nothing more comes'));
    scene[end].far.write(data);
    scene[end].far.write(closeFrame(1000, '', end === 'client'));
    await once(scene[end].near, 'close');
    mock.timers.tick(5000);
    t.ok(scene[other].near.destroyed);
  });
}

t.test(
  'a close comes in behind the frame that is under way, even after the other end has closed',
  async (t) => {
    const { relay, client, upstream } = await startRelay(t);
    upstream.far.write(Buffer.from([0x82, 4, 1, 2]));
    t.same((await once(client.far, 'data'))[0], Buffer.from([0x82, 4, 1, 2]));
    relay.close(4401, 'token expired');
    await once(upstream.far, 'data');
    upstream.far.write(Buffer.from([3, 4, 0x82, 1, 9]));
    const [rest] = await once(client.far, 'data');
    t.same(rest, Buffer.concat([Buffer.from([3, 4]), closeFrame(4401, 'token expired', false)]));
  },
);

t.test('a token that expires while a close is under way ends it sooner', async (t) => {
  const { relay, client, upstream } = await startRelay(t);
  upstream.far.write(closeFrame(1000, '', false));
  await once(client.far, 'data');
  client.far.on('data', () => t.fail('no second close frame'));
  const ended = once(client.far, 'end');
  relay.close(4401, 'token expired');
  t.equal((await once(upstream.far, 'data'))[0][0], 0x88, 'the upstream is told');
  await ended;
  mock.timers.tick(5000);
  t.ok(client.near.destroyed && upstream.near.destroyed);
});
