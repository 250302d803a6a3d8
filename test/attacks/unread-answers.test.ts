import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { withDeadline } from '../helpers/deadline.ts';
import { startGateway } from '../helpers/gateway.ts';

t.test('a client that reads none of our answers loses its connection', async (t) => {
  const gateway = await startGateway(t, {
    upstream: 'http://127.0.0.1:1',
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    listen: { keepAliveTimeout: '200ms', headersTimeout: '60s' },
    log: { requests: 'none' },
  });
  const client = connect(gateway.port, '127.0.0.1').pause();
  t.teardown(() => client.destroy());
  const requests = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000);
  const lost = withDeadline(once(client, 'error'), 'the loss of the connection');
  const send = () => {
    while (client.writable && client.write(requests));
  };
  client.on('drain', send);
  send();
  // Not even the end of the connection reaches one who does not read, but what he still sends is answered by a reset.
  const knock = setInterval(() => client.write('\r\n'), 20);
  t.teardown(() => clearInterval(knock));
  const [error] = await lost;
  t.match(error, { code: /ECONNRESET|EPIPE/ });
});
