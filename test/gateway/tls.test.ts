import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type Certificate, type CertificateOptions, createCertificate } from '../helpers/certificate.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw.ts';
import { request } from '../helpers/request.ts';
import { ask, open } from './wire.ts';

type Tls = NonNullable<NonNullable<ConfigInput['listen']>['tls']>;

const server = createCertificate({ name: 'server' });
const authority = createCertificate({ name: 'authority' });
const client = createCertificate({ name: 'client', issuer: authority });
const stranger = createCertificate({ name: 'stranger' });

async function start(t: Test, tls: Partial<Tls> = {}) {
  const folder = t.testdir({ cert: server.cert, key: server.key, ca: authority.cert });
  const files = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
  const clientCa = tls.clientCertificates === undefined ? {} : { clientCaFile: join(folder, 'ca') };
  const echo = await startEcho(t);
  const listen = { tls: { ...files, ...clientCa, ...tls } };
  const input = { ...open, upstream: echo.url, listen };
  return { echo, folder, input, gateway: await startGateway(t, input) };
}

function rsa(modulusLength: number) {
  return generateKeyPairSync('rsa', { modulusLength });
}

/** What the client sends when it has the certificates in between as well. */
function withChain({ cert, key }: Certificate, issuer: Certificate): Certificate {
  return { cert: cert + issuer.cert, key };
}

/** A session of such a connection, to go on with in another; null where the server gives none. */
async function takeSession(t: Test, { port }: TestGateway, options: ConnectionOptions) {
  const socket = connect({ host: '127.0.0.1', port, ca: server.cert, ...options });
  t.teardown(() => socket.destroy());
  const taken = new Promise<Buffer | null>((resolve) => {
    socket.once('session', resolve);
    socket.once('error', () => resolve(null));
    socket.once('close', () => resolve(null));
  });
  socket.once('secureConnect', () => socket.write(ask('GET /x')));
  const session = await withDeadline(taken, 'a session');
  socket.destroy();
  return session;
}

/** Sends a request over a connection of such options: the status, or null where the server would have none of it. */
async function tryTls(t: Test, { port }: TestGateway, options: ConnectionOptions): Promise<number | null> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca: server.cert, ...options });
  t.teardown(() => socket.destroy());
  socket.once('secureConnect', () => socket.write(ask('GET /x', 'Connection: close')));
  const answered = new Promise<number | null>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().split(' ')[1])));
    socket.once('error', () => resolve(null));
    socket.once('close', () => resolve(null));
  });
  return withDeadline(answered, 'an answer or its refusal');
}

t.test('a connection is TLS 1.2 or 1.3, and nothing else', async (t) => {
  const { gateway, echo } = await start(t);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    t.equal(await tryTls(t, gateway, { minVersion: version, maxVersion: version }), 200, version);
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    // Its own library would not even try without the lower level.
    const ciphers = 'DEFAULT:@SECLEVEL=0';
    t.equal(await tryTls(t, gateway, { minVersion: version, maxVersion: version, ciphers }), null, version);
  }
  t.equal(await tryTls(t, gateway, { ca: stranger.cert }), null, 'and of this certificate');
  t.equal(echo.seen.length, 2);
  const plain = await connectRaw(t, `http://127.0.0.1:${gateway.port}`);
  await plain.send(ask('GET /x'));
  t.notMatch((await plain.rest()).toString('latin1'), /200 OK/, 'without TLS nothing is served');
  t.equal(echo.seen.length, 2);
});

t.test('the upstream is told', async (t) => {
  const { gateway, echo } = await start(t);
  t.equal(
    (await request(gateway.url, { ca: server.cert, headers: { 'X-Forwarded-Proto': 'http' } })).status,
    200,
  );
  const { rawHeaders = [] } = echo.seen.at(-1) ?? {};
  t.equal(rawHeaders[rawHeaders.indexOf('X-Forwarded-Proto') + 1], 'https');
  t.equal(rawHeaders[rawHeaders.indexOf('X-Forwarded-Port') + 1], String(gateway.port));
  const refused = await connectRaw(t, gateway.url, { ca: server.cert });
  await refused.send(ask('GET /a/../b'));
  t.equal((await refused.response()).json().code, 'path_ambiguous', 'refusals are the same');
  await refused.send(ask('FROB /'));
  t.equal((await refused.response()).json().code, 'request_malformed');
});

t.test('client certificates', async (t) => {
  const shown = ({ cert, key }: typeof client) => ({ cert, key });
  const cases = [
    { clientCertificates: 'none', none: 200, ours: 200, strange: 200 },
    { clientCertificates: 'optional', none: 200, ours: 200, strange: null },
    { clientCertificates: 'required', none: null, ours: 200, strange: null },
  ] as const;
  for (const { clientCertificates, ...wanted } of cases) {
    const { gateway, echo } = await start(t, { clientCertificates });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const only = { minVersion: version, maxVersion: version } as const;
      const name = `${clientCertificates}, ${version}`;
      t.equal(await tryTls(t, gateway, only), wanted.none, `${name}: none`);
      t.equal(
        await tryTls(t, gateway, { ...only, ...shown(client) }),
        wanted.ours,
        `${name}: of the authority`,
      );
      t.equal(
        await tryTls(t, gateway, { ...only, ...shown(stranger) }),
        wanted.strange,
        `${name}: of a stranger`,
      );
    }
    const served = Object.values(wanted).filter((status) => status === 200).length;
    t.equal(echo.seen.length, 2 * served, 'the upstream saw the others alone');
  }
});

t.test('a client certificate that has expired, is for servers, or is weak is none', async (t) => {
  const past = { notBefore: new Date(0), notAfter: new Date(1000) };
  const from = (more: CertificateOptions) => createCertificate({ name: 'c', issuer: authority, ...more });
  const middle = createCertificate({ name: 'middle', issuer: authority, authority: true });
  const leaf = createCertificate({ name: 'leaf', issuer: client });
  const cases = {
    'for clients': [from({ usage: 'client' }), 200],
    expired: [from(past), null],
    'not valid yet': [from({ notBefore: new Date(Date.now() + 3_600_000) }), null],
    'for servers': [from({ usage: 'server' }), null],
    'of 1024 bits': [from({ keyPair: rsa(1024) }), null],
    'of another authority of the same name': [
      createCertificate({ issuer: createCertificate({ name: 'authority' }) }),
      null,
    ],
    'signed by one that may sign none': [{ ...leaf, cert: leaf.cert + client.cert }, null],
    'with what leads to the authority': [withChain(createCertificate({ issuer: middle }), middle), 200],
  } as const;
  for (const clientCertificates of ['required', 'optional'] as const) {
    const { gateway } = await start(t, { clientCertificates });
    for (const [name, [{ cert, key }, wanted]] of Object.entries(cases)) {
      // With the weak one its own library would not even try.
      const ciphers = 'DEFAULT:@SECLEVEL=0';
      t.equal(await tryTls(t, gateway, { cert, key, ciphers }), wanted, `${clientCertificates}: ${name}`);
    }
  }
});

t.test('a session that was begun with a bad certificate is no way in', async (t) => {
  const { gateway } = await start(t, { clientCertificates: 'optional' });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { cert: stranger.cert, key: stranger.key, maxVersion };
    const session = await takeSession(t, gateway, options);
    const resumed = session === null ? {} : { session };
    t.equal(await tryTls(t, gateway, { ...options, ...resumed }), null, maxVersion);
  }
});

t.test('a reload that changes the authority ends the sessions of the one before', async (t) => {
  const config = await start(t, { clientCertificates: 'required' });
  const { gateway, input, folder } = config;
  const options = { cert: client.cert, key: client.key };
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    writeFileSync(join(folder, 'ca'), authority.cert);
    await gateway.reload(input);
    const session = await takeSession(t, gateway, { ...options, maxVersion });
    t.ok(session, 'there is one');
    const resume = { ...options, maxVersion, ...(session && { session }) };
    t.equal(await tryTls(t, gateway, resume), 200, `${maxVersion}: resumed`);
    writeFileSync(join(folder, 'ca'), stranger.cert);
    await gateway.reload(input);
    t.equal(await tryTls(t, gateway, resume), null, `${maxVersion}: not any more`);
  }
});

t.test(
  'the whole chain of the certificate is sent, whatever its key and the name that is asked for',
  async (t) => {
    const root = createCertificate({ name: 'root' });
    const middle = createCertificate({ name: 'middle', issuer: root, authority: true });
    const keyPairs = { ec: undefined, rsa: rsa(2048), ed25519: generateKeyPairSync('ed25519') };
    const folder = t.testdir();
    const echo = await startEcho(t);
    for (const [kind, keyPair] of Object.entries(keyPairs)) {
      const leaf = createCertificate({ name: kind, issuer: middle, ...(keyPair && { keyPair }) });
      const files = { certFile: join(folder, `${kind}.cert`), keyFile: join(folder, `${kind}.key`) };
      writeFileSync(files.certFile, leaf.cert + middle.cert);
      writeFileSync(files.keyFile, leaf.key);
      const gateway = await startGateway(t, { ...open, upstream: echo.url, listen: { tls: files } });
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
        t.equal(await tryTls(t, gateway, { ca: root.cert, maxVersion }), 200, `${kind}, ${maxVersion}`);
      const checkServerIdentity = () => undefined;
      const servername = 'other.example';
      t.equal(await tryTls(t, gateway, { ca: root.cert, servername, checkServerIdentity }), 200, servername);
    }
  },
);

t.test('https upstreams are verified', async (t) => {
  const own = createCertificate();
  const upstream = createServer({ cert: own.cert, key: own.key }, (_request, response) => response.end('ok'));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const url = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const folder = t.testdir({ own: own.cert, stranger: stranger.cert });
  const through = (tls: { caFile: string | null; serverName?: string }) =>
    startGateway(t, { ...open, upstream: { url, tls } });
  const caFile = join(folder, 'own');
  for (const tls of [{ caFile }, { caFile, serverName: 'localhost' }])
    t.equal((await (await through(tls)).get('/')).text, 'ok', 'by its own authority');
  for (const tls of [
    { caFile: null },
    { caFile: join(folder, 'stranger') },
    { caFile, serverName: 'other.example' },
  ]) {
    const refused = await (await through(tls)).get('/');
    t.match(
      [refused.status, refused.json().code],
      [502, 'upstream_unreachable'],
      JSON.stringify(Object.keys(tls)),
    );
  }
});

t.test('ciphers without forward secrecy or authenticated encryption', async (t) => {
  const { gateway } = await start(t);
  const maxVersion = 'TLSv1.2';
  const weak = [
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES256-SHA384',
    'ECDHE-ECDSA-AES128-SHA256',
    'AES128-GCM-SHA256',
    'AES256-SHA',
    'DHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES128-CCM8',
  ];
  for (const ciphers of weak)
    t.equal(await tryTls(t, gateway, { maxVersion, ciphers: `${ciphers}:@SECLEVEL=0` }), null, ciphers);
  for (const ciphers of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'])
    t.equal(await tryTls(t, gateway, { maxVersion, ciphers }), 200, ciphers);
});

t.test('nobody renegotiates', async (t) => {
  const { gateway } = await start(t);
  const socket = connect({ host: '127.0.0.1', port: gateway.port, ca: server.cert, maxVersion: 'TLSv1.2' });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  const refused = new Promise((resolve) => {
    socket.once('error', () => resolve(true));
    socket.once('close', () => resolve(true));
    socket.renegotiate({}, (error) => resolve(error !== null));
  });
  t.ok(await withDeadline(refused, 'the answer to a renegotiation'));
});

t.test('groups that cost the server much are not offered', async (t) => {
  const { gateway } = await start(t);
  for (const ecdhCurve of ['X25519', 'P-256', 'P-384'])
    t.equal(await tryTls(t, gateway, { ecdhCurve }), 200, ecdhCurve);
  for (const ecdhCurve of ['ffdhe2048', 'ffdhe8192', 'P-521', 'X448'])
    t.equal(await tryTls(t, gateway, { ecdhCurve }), null, ecdhCurve);
});
