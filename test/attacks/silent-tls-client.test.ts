import { join } from 'node:path';
import t from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { startGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw.ts';

t.test(
  'a client that never finishes its handshake does not keep a connection longer than headers may take',
  async (t) => {
    const { cert, key } = createCertificate();
    const folder = t.testdir({ cert, key });
    const gateway = await startGateway(t, {
      upstream: 'http://127.0.0.1:1',
      issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
      listen: {
        headersTimeout: '200ms',
        tls: { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') },
      },
    });
    const raw = await connectRaw(t, `http://127.0.0.1:${gateway.port}`);
    await raw.closed();
    t.pass('it was closed within the deadline of the connection');
  },
);
