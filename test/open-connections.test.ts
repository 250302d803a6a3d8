import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { OpenConnections } from '../src/open-connections.ts';
import { createCertificate } from './helpers/certificate.ts';
import { withDeadline } from './helpers/deadline.ts';
import { connectRaw } from './helpers/raw.ts';

/** A server whose requests the test answers. */
async function start(t: Test, server: Server = createServer()) {
  const connections = new OpenConnections();
  connections.watch(server);
  server.on('request', (request, response) => {
    connections.enter(request);
    response.once('close', () => connections.leave(request));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    connections.destroy();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const accept = async () => {
    const accepted = once(server, 'connection');
    const raw = await connectRaw(t, url);
    return { raw, socket: (await accepted)[0] as Socket };
  };
  const asked = async () => (await once(server, 'request'))[1] as ServerResponse;
  /** A connection with a request on it. */
  const ask = async () => {
    const { raw, socket } = await accept();
    const response = asked();
    await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    return { raw, socket, response: await response };
  };
  return { connections, port, accept, ask, asked };
}

t.test('one that is quiet from one look to the next is closed', async (t) => {
  const { connections, accept, ask } = await start(t);
  const silent = await accept();
  const answered = await ask();
  answered.response.end('ok');
  t.equal((await answered.raw.response()).text, 'ok');
  connections.closeQuiet();
  t.notOk(silent.socket.destroyed, 'not at the first look');
  connections.closeQuiet();
  for (const { raw } of [silent, answered]) t.equal(await raw.closed(), 'end');
});

t.test('half a head is no request, but what still comes may make it one', async (t) => {
  const { connections, accept } = await start(t);
  const { raw, socket } = await accept();
  connections.closeQuiet();
  await raw.send('GET / HT');
  while (socket.bytesRead < 8) await new Promise(setImmediate);
  connections.closeQuiet();
  t.notOk(socket.destroyed);
  connections.closeQuiet();
  await raw.closed();
});

t.test('one with a request is never closed, nor before it was quiet after the answer', async (t) => {
  const { connections, ask } = await start(t);
  const { raw, socket, response } = await ask();
  for (let i = 0; i < 3; i++) connections.closeQuiet();
  t.equal(connections.requests, 1);
  response.end('ok');
  t.equal((await raw.response()).text, 'ok');
  t.equal(connections.requests, 0);
  connections.closeQuiet();
  t.notOk(socket.destroyed);
  connections.closeQuiet();
  t.equal(await raw.closed(), 'end');
});

t.test('an answer is not over while the client has still to read it', async (t) => {
  const { connections, port, asked } = await start(t);
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const response = await asked();
  response.end(Buffer.alloc(20_000_000));
  t.ok(response.writableEnded, 'to Node it has ended');
  for (let i = 0; i < 3; i++) connections.closeQuiet();
  const closed = once(response, 'close');
  client.resume();
  await withDeadline(closed, 'the end of the answer');
  t.ok(response.writableFinished);
  client.destroy();
});

t.test('the last request of a connection', async (t) => {
  const { connections, accept, ask } = await start(t);
  const { raw, response } = await ask();
  t.ok(connections.isLast(response.req));
  const other = await accept();
  await other.raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  while (connections.requests < 2) await new Promise(setImmediate);
  t.ok(connections.isLast(response.req), 'whatever comes on others');
  await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  while (connections.requests < 3) await new Promise(setImmediate);
  t.notOk(connections.isLast(response.req));
});

t.test('a client that never begins TLS is ended with the rest', async (t) => {
  const { cert, key } = createCertificate();
  const { connections, accept } = await start(t, createTlsServer({ cert, key }));
  const { raw } = await accept();
  connections.destroy();
  await raw.closed();
});
