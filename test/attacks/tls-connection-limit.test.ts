import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { startGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw.ts';

t.test('a connection over the limit of a TLS port is closed without a word in the clear', async (t) => {
  const { cert, key } = createCertificate();
  const folder = t.testdir({ cert, key });
  const gateway = await startGateway(t, {
    upstream: 'http://127.0.0.1:1',
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    listen: { maxConnections: 1, tls: { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') } },
  });
  const address = { host: '127.0.0.1', port: gateway.port, ca: cert };
  const first = connect(address);
  t.teardown(() => first.destroy());
  await once(first, 'secureConnect');
  const second = await connectRaw(t, `http://127.0.0.1:${gateway.port}`);
  t.equal((await second.rest()).length, 0);
  t.match(await gateway.lineWhere(({ reason }) => reason === 'overloaded'), { status: 503 });
  first.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [answer] = await once(first, 'data');
  t.match(String(answer), /^HTTP\/1\.1 401 /, 'the connection within the limit is served');
});
