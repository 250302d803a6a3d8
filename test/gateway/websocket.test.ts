import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { createCertificate } from '../helpers/certificate.ts';
import { startGateway } from '../helpers/gateway.ts';
import { sight } from './scene.ts';
import { closing, handshake, message, startSockets } from './sockets.ts';
import { open as noAuth } from './wire.ts';

t.test('messages, pings and the close go both ways, as they are', async (t) => {
  const { open, gateway } = await startSockets(t);
  const { client, server } = await open();
  t.equal(await gateway.metric('jwks_sidecar_websockets_open'), 1);
  client.send('up');
  t.equal(await message(server), 'up');
  server.send(Buffer.from([0, 255]));
  t.same(await message(client), Buffer.from([0, 255]));
  const large = 'x'.repeat(1_000_000);
  client.send(large);
  t.equal(await message(server), large);
  server.send(large);
  t.equal(await message(client), large);

  const [pinged, ponged] = [once(server, 'ping'), once(client, 'pong')];
  client.ping('a');
  t.equal(String((await pinged)[0]), 'a', 'the other end is asked');
  t.equal(String((await ponged)[0]), 'a', 'and answers');
  const back = once(client, 'ping');
  server.ping('b');
  t.equal(String((await back)[0]), 'b');

  const closed = [closing(client), closing(server)];
  client.close(4000, 'done');
  t.same(await Promise.all(closed), Array(2).fill({ code: 4000, reason: 'done' }));
  const line = await gateway.lineWhere(({ status }) => status === 101);
  t.match(line, { msg: 'request', method: 'GET', path: '/chat', decision: 'allow', reason: 'ok' });
  t.ok((line.bytes as number) > large.length, 'what the client got is counted');
  t.equal(await gateway.metric('jwks_sidecar_websockets_open'), 0);
  t.equal(await gateway.metric('jwks_sidecar_requests_total{rule="default",method="GET",status="101"}'), 1);
  t.equal(await gateway.metric('jwks_sidecar_request_duration_seconds_count{rule="default"}'), 0);
  t.equal(await gateway.metric('jwks_sidecar_upstream_duration_seconds_count{upstream="default"}'), 0);
});

t.test('codes of the close, from either end', async (t) => {
  const { open } = await startSockets(t);
  const codes: Readonly<Record<string, { readonly send?: number; readonly get: number }>> = {
    normal: { send: 1000, get: 1000 },
    none: { get: 1005 },
    'of an application': { send: 4999, get: 4999 },
  };
  for (const [name, { send, get }] of Object.entries(codes)) {
    for (const end of ['client', 'server'] as const) {
      const pair = await open();
      const other = closing(end === 'client' ? pair.server : pair.client);
      pair[end].close(send);
      t.equal((await other).code, get, `${name}, by the ${end}`);
    }
  }
  for (const end of ['client', 'server'] as const) {
    const pair = await open();
    const other = closing(end === 'client' ? pair.server : pair.client);
    pair[end].terminate();
    t.equal((await other).code, 1006, `without a close, by the ${end}`);
  }
});

t.test('the upstream gets identity, and nothing that a client may not say', async (t) => {
  const { open, issuer } = await startSockets(t);
  const { request } = await open('/chat?room=1', {
    headers: {
      'X-Verified-Subject': 'root',
      x_verified_subject: 'root',
      'X-Original-URL': '/admin',
      'X-Forwarded-For': '1.2.3.4',
      Cookie: 'a=b',
      Origin: 'https://shop.example',
    },
    token: issuer.mint({ claims: { sub: 'alice' } }),
  });
  const seen = sight({ ...request, rawHeaders: request.rawHeaders } as never);
  t.equal(request.url, '/chat?room=1');
  t.equal(seen.header('x-verified-subject'), 'alice');
  t.equal(seen.header('x-forwarded-for'), '127.0.0.1');
  t.equal(seen.header('cookie'), 'a=b');
  t.equal(seen.header('origin'), 'https://shop.example');
  for (const name of ['authorization', 'x_verified_subject', 'x-original-url'])
    t.notOk(seen.names.includes(name), name);
});

t.test('a rule may have an upstream and a prefix of its own', async (t) => {
  const chat = await startSockets(t);
  const front = await startSockets(t, {
    rules: [{ path: '/chat/*', auth: 'none', upstream: 'chat', stripPrefix: '/chat' }],
    upstreams: { chat: chat.gateway.url },
  });
  const token = `Authorization: Bearer ${chat.issuer.mint({ claims: { sub: 'alice' } })}`;
  const line = 'GET /chat/room?x=%2F';
  const answer = await front.ask(
    line,
    ...handshake,
    token,
    'Connection: X-Verified-Subject, X-Forwarded-For',
  );
  t.equal(answer.status, 101);
  t.match(
    chat.seen.map(({ url, headers }) => ({ url, headers })),
    [{ url: '/room?x=%2F', headers: { 'x-verified-subject': 'alice', 'x-forwarded-for': '127.0.0.1' } }],
    'and Connection takes nothing away that the gateway says',
  );
  const nominated = await front.ask(line, ...handshake, token, 'Connection: Authorization');
  t.equal(nominated.json().code, 'token_missing', 'it takes away what the client says');
  t.equal(front.seen.length, 0);
});

t.test('subprotocols', async (t) => {
  const { open } = await startSockets(t);
  t.equal((await open('/', { protocols: ['other', 'chosen'] })).client.protocol, 'chosen');
  t.equal((await open('/', { protocols: [] })).client.protocol, '');
});

t.test('compression is between the two ends', async (t) => {
  const { open } = await startSockets(t);
  const { client, server } = await open('/', { perMessageDeflate: { threshold: 0 } });
  t.match(client.extensions, 'permessage-deflate');
  client.send('x'.repeat(10_000));
  t.equal(await message(server), 'x'.repeat(10_000));
});

t.test('no 101 before the token is good', async (t) => {
  const { ask, seen, issuer, gateway } = await startSockets(t, {
    rules: [
      { path: '/admin', scopes: ['admin'] },
      { path: '/public/*', auth: 'none' },
    ],
  });
  const good = issuer.mint();
  const cases: Readonly<
    Record<
      string,
      { readonly line: string; readonly token?: string; readonly status: number; readonly code: string }
    >
  > = {
    'no token': { line: 'GET /chat', status: 401, code: 'token_missing' },
    forged: {
      line: 'GET /chat',
      token: `${good.slice(0, -6)}AAAAAA`,
      status: 401,
      code: 'signature_invalid',
    },
    expired: {
      line: 'GET /chat',
      token: issuer.mint({ claims: { exp: 1 } }),
      status: 401,
      code: 'token_expired',
    },
    'without the scope': { line: 'GET /admin', token: good, status: 403, code: 'scope_insufficient' },
    'a dot segment': { line: 'GET /public/../admin', status: 400, code: 'path_ambiguous' },
    'an encoded one': { line: 'GET /public/%2e%2e/admin', status: 400, code: 'path_ambiguous' },
  };
  for (const [name, { line, token, status, code }] of Object.entries(cases)) {
    const answer = await ask(line, ...handshake, ...(token ? [`Authorization: Bearer ${token}`] : []));
    t.equal(answer.status, status, name);
    t.match(answer.json(), { code }, name);
    t.equal(answer.header('connection'), 'close', name);
    t.match(await gateway.line(answer.header('x-request-id')), { status, reason: code }, name);
  }
  t.equal(seen.length, 0, 'the upstream has seen nothing');
  const cookies = await startSockets(t, { token: { sources: [{ type: 'cookie', name: 'session' }] } });
  const cookie = `Cookie: session=${cookies.issuer.mint()}`;
  const crossSite = await cookies.ask('GET /chat', ...handshake, cookie, 'Origin: https://evil.example');
  t.match(crossSite.json(), { code: 'csrf_rejected', status: 403 });
  const same = await cookies.ask('GET /chat', ...handshake, cookie, 'Origin: http://shop.example');
  t.equal(same.status, 101);
});

t.test('what is no handshake', async (t) => {
  const { ask, seen } = await startSockets(t, { rules: [{ path: '/*', auth: 'none' }] });
  const without = (name: string) => handshake.filter((each) => !each.startsWith(name));
  const bad: Readonly<Record<string, readonly string[]>> = {
    'no key': without('Sec-WebSocket-Key'),
    'a short key': [...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: short'],
    'two keys': [...handshake, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
    'another version': [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8'],
  };
  for (const [name, fields] of Object.entries(bad)) {
    const answer = await ask('GET /chat', ...fields);
    t.equal(answer.status, 400, name);
    t.match(answer.json(), { code: 'request_malformed' }, name);
  }
  t.equal(seen.length, 0);
  for (const protocol of ['h2c', 'TLS/1.0', 'websocket, h2c', 'websocket2']) {
    const answer = await ask('GET /chat', 'Connection: Upgrade', `Upgrade: ${protocol}`);
    t.match([answer.status, answer.text], [404, 'no such thing'], `${protocol} is an ordinary request`);
  }
  const post = await ask('POST /chat', ...handshake, 'Content-Length: 0');
  t.equal(post.status, 404, 'so is any method but GET');
  t.equal(seen.length, 0, 'and upgrades nothing');
});

t.test('switched off, a request for one is an ordinary request', async (t) => {
  const { ask, seen, issuer } = await startSockets(t, { websockets: { enabled: false } });
  const answer = await ask('GET /chat', ...handshake, `Authorization: Bearer ${issuer.mint()}`);
  t.equal(answer.status, 404);
  t.equal(seen.length, 0);
});

t.test('what a client sends before the answer is for the WebSocket alone', async (t) => {
  const { gateway, issuer, seen } = await startSockets(t);
  const socket = connect(gateway.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  const fields = [...handshake, 'Host: a', `Authorization: Bearer ${issuer.mint()}`].join('\r\n');
  const mask = Buffer.alloc(4);
  const frame = Buffer.concat([Buffer.from([0x89, 0x85]), mask, Buffer.from('early')]);
  socket.write(Buffer.concat([Buffer.from(`GET /chat HTTP/1.1\r\n${fields}\r\n\r\n`), frame]));
  let received = Buffer.alloc(0);
  while (!received.includes('early')) received = Buffer.concat([received, (await once(socket, 'data'))[0]]);
  t.match(received.toString('latin1'), /^HTTP\/1.1 101 .*\r\n\r\n\x8a\x05early$/s, 'the ping is answered');
  const smuggled = connect(gateway.port, '127.0.0.1');
  t.teardown(() => smuggled.destroy());
  const { length } = seen;
  smuggled.write(
    `GET /chat HTTP/1.1\r\nHost: a\r\n${handshake.join('\r\n')}\r\n\r\nGET /chat HTTP/1.1\r\n${fields}\r\n\r\n`,
  );
  let answers = '';
  smuggled.on('data', (chunk) => {
    answers += chunk;
  });
  await once(smuggled, 'close');
  t.equal(answers.match(/HTTP\/1.1 /g)?.length, 1, 'one answer');
  t.match(answers, /^HTTP\/1.1 401 /);
  t.equal(seen.length, length);
});

t.test('over TLS on both sides', async (t) => {
  const certificate = createCertificate();
  const folder = t.testdir({ cert: certificate.cert, key: certificate.key });
  const [certFile, keyFile] = [join(folder, 'cert'), join(folder, 'key')];
  const https = createServer(certificate).listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({ server: https });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`got ${data}`)));
  await once(https, 'listening');
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    https.close().closeAllConnections();
  });
  const gateway = await startGateway(t, {
    ...noAuth,
    listen: { tls: { certFile, keyFile } },
    upstream: {
      url: `https://127.0.0.1:${(https.address() as AddressInfo).port}`,
      tls: { caFile: certFile },
    },
  });
  const client = new WebSocket(`wss://127.0.0.1:${gateway.port}/`, { ca: certificate.cert });
  t.teardown(() => client.terminate());
  await once(client, 'open');
  client.send('it');
  t.equal(await message(client), 'got it');
});
