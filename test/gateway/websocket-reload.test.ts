import t from 'tap';
import { closing, handshake, message, startSockets } from './sockets.ts';
import { deadUrl } from './wire.ts';

t.test('a WebSocket outlives a reload, and what the new config would refuse', async (t) => {
  const { gateway, issuer, open, ask } = await startSockets(t);
  const { client, server } = await open();
  const trust = { issuer: issuer.issuer, audience: issuer.audience };
  await gateway.reload({ upstream: await deadUrl(), issuers: [trust], unmatched: 'deny' });
  t.equal((await ask('GET /chat', ...handshake)).json().code, 'path_not_found', 'the config is another');
  client.send('up');
  t.equal(await message(server), 'up');
  server.send('down');
  t.equal(await message(client), 'down');
  const closed = Promise.all([closing(client), closing(server)]);
  await gateway.server.close();
  for (const { code } of await closed) t.equal(code, 1006, 'the end of the process ends it');
});
