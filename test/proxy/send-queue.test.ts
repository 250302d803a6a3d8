import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import t from 'tap';
import { readSendQueues } from '../../src/proxy/send-queue.ts';
import { createCertificate } from '../helpers/certificate.ts';

const tick = () => new Promise((resolve) => setImmediate(resolve));

interface Kind {
  readonly host: string;
  readonly secure: boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  'over IPv4': { host: '127.0.0.1', secure: false },
  'over IPv6': { host: '::1', secure: false },
  'over TLS': { host: '127.0.0.1', secure: true },
};

for (const [name, { host, secure }] of Object.entries(kinds)) {
  t.test(`what the kernel holds for a reader ${name}`, { skip: process.platform !== 'linux' }, async (t) => {
    const certificate = createCertificate();
    const server: Server = secure ? createTlsServer(certificate) : createServer();
    server.listen(0, host);
    t.teardown(() => server.close());
    try {
      await once(server, 'listening');
    } catch {
      t.comment(`there is no ${host} here`);
      return;
    }
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, secure ? 'secureConnection' : 'connection');
    const reader = secure ? connectTls({ port, host, ca: certificate.cert }) : connect(port, host);
    const [socket] = (await accepted) as [Socket];
    t.teardown(() => {
      reader.destroy();
      socket.destroy();
    });
    reader.pause();
    const queued = async () => (await readSendQueues([socket])).get(socket);
    while ((await queued()) !== 0) await tick();
    // Far more than the kernel takes.
    socket.write(Buffer.alloc(64 * 1024 * 1024));
    while ((await queued()) === 0) await tick();
    reader.resume();
    await once(socket, 'drain');
    while ((await queued()) !== 0) await tick();
    socket.destroy();
    t.equal(await queued(), undefined, 'nothing is known of one that is closed');
  });
}

t.test('nobody asks the kernel for nobody', async (t) => {
  t.equal((await readSendQueues([])).size, 0);
});
