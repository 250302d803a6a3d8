import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { readSendQueues } from '../../src/proxy/send-queue.ts';

for (const host of ['127.0.0.1', '::1']) {
  t.test(
    `what the kernel holds for a reader at ${host}`,
    { skip: process.platform !== 'linux' },
    async (t) => {
      const server = createServer().listen(0, host);
      t.teardown(() => server.close());
      try {
        await once(server, 'listening');
      } catch {
        t.comment(`no ${host} here`);
        return;
      }
      const reader = connect((server.address() as AddressInfo).port, host).pause();
      const [socket] = (await once(server, 'connection')) as [Socket];
      t.teardown(() => {
        reader.destroy();
        socket.destroy();
      });
      const queued = async () => (await readSendQueues([socket])).get(socket);
      t.equal(await queued(), 0);
      // Far more than the kernel takes: it reaches its limit.
      socket.write(Buffer.alloc(64 * 1024 * 1024));
      while (!((await queued()) ?? 0)) await new Promise((resolve) => setImmediate(resolve));
      reader.resume();
      await once(socket, 'drain');
      while ((await queued()) !== 0) await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
      t.equal(await queued(), undefined, 'nothing is known of one that is closed');
    },
  );
}

t.test('nobody asks the kernel for nobody', async (t) => {
  t.equal((await readSendQueues([])).size, 0);
});
