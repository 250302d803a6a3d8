import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { createUpstreams, type UpstreamOptions } from '../../src/proxy/upstreams.ts';
import { createCertificate } from '../helpers/certificate.ts';
import { exchange } from '../helpers/raw.ts';
import { defaults, startFront } from './front.ts';

const folder = mkdtempSync(join(tmpdir(), 'upstreams-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const authority = createCertificate({ name: 'authority' });
const caFile = file('ca.pem', authority.cert);
const leaf = (hosts: string[]) => createCertificate({ name: 'leaf', issuer: authority, hosts });
const get = 'GET / HTTP/1.1\r\nHost: client-chosen.test\r\nConnection: close\r\n\r\n';

/** An https upstream that says which name it was asked for, and which client certificate it was shown. */
async function startSecure(t: Test, options: { cert: string; key: string; ca?: string }, host = '127.0.0.1') {
  const names: (string | false)[] = [];
  const server: Server = createServer(
    { ...options, requestCert: options.ca !== undefined },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      response.end(socket.getPeerCertificate()?.subject?.CN ?? 'nobody');
    },
  );
  server.on('secureConnection', (socket: TLSSocket & { servername?: string | false }) =>
    names.push(socket.servername ?? false),
  );
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { names, port: (server.address() as AddressInfo).port };
}

const tls = (changes: Partial<UpstreamOptions['tls']>) => ({ tls: { ...defaults.tls, ...changes } });

t.test('an https upstream is verified against its own authority, by address or by name', async (t) => {
  const { names, port } = await startSecure(t, leaf(['127.0.0.1', 'localhost', 'up.test']));
  for (const [host, serverName, asked] of [
    ['127.0.0.1', null, false],
    ['localhost', null, 'localhost'],
    ['127.0.0.1', 'up.test', 'up.test'],
  ] as const) {
    const front = await startFront(t, `https://${host}:${port}`, tls({ caFile, serverName }));
    for (let i = 0; i < 2; i++)
      t.equal((await exchange(t, front.origin, get))[0]?.status, 200, `${host} ${i}`);
    t.equal(names.at(-1), asked, 'never what the client’s Host says');
  }
  t.equal(names.length, 3, 'and a connection is used again whatever that Host is');
});

const refused: Readonly<
  Record<
    string,
    { hosts?: string[]; options: Partial<UpstreamOptions['tls']>; own?: boolean; past?: boolean }
  >
> = {
  'an authority that is not known': { options: {} },
  'a certificate that signs itself': { own: true, options: { caFile } },
  'another address': { hosts: ['127.0.0.2', 'localhost'], options: { caFile } },
  'another name': { options: { caFile, serverName: 'other.test' } },
  'the client’s Host': { hosts: ['client-chosen.test'], options: { caFile } },
  'a certificate that has expired': { past: true, options: { caFile } },
};
for (const [what, { hosts = ['127.0.0.1'], options, own, past }] of Object.entries(refused)) {
  t.test(`an https upstream with ${what} is 502, whatever the environment says`, async (t) => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    t.teardown(() => {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const notAfter = new Date(Date.now() + (past ? -1000 : 86_400_000));
    const certificate = createCertificate(own ? { hosts } : { hosts, issuer: authority, notAfter });
    const { names, port } = await startSecure(t, certificate);
    const front = await startFront(t, `https://127.0.0.1:${port}`, tls(options));
    for (let i = 0; i < 2; i++) t.equal((await exchange(t, front.origin, get))[0]?.status, 502);
    t.same(front.refusals, ['upstream_unreachable', 'upstream_unreachable']);
    t.ok(names.length <= 2);
    await front.ended(2);
  });
}

t.test('a client certificate is shown where there is one', async (t) => {
  const { port } = await startSecure(t, { ...leaf(['127.0.0.1']), ca: authority.cert });
  const own = createCertificate({ name: 'gateway', issuer: authority });
  const certFile = file('own.pem', own.cert);
  const keyFile = file('own.key', own.key);
  const front = await startFront(t, `https://127.0.0.1:${port}`, tls({ caFile, certFile, keyFile }));
  t.equal((await exchange(t, front.origin, get))[0]?.text, 'gateway');
});

t.test('dial opens one connection, verified likewise', async (t) => {
  const { port } = await startSecure(t, leaf(['127.0.0.1']));
  const dial = (options: Partial<UpstreamOptions['tls']>) =>
    new Promise((resolve) => {
      const url = `https://127.0.0.1:${port}`;
      const { dial } = createUpstreams({ a: { ...defaults, url, ...tls(options) } }).get('a');
      dial((error, socket) => {
        socket?.destroy();
        resolve(error === null);
      });
    });
  t.equal(await dial({ caFile }), true);
  t.equal(await dial({}), false);
});

t.test('what an upstream is', async (t) => {
  const upstreams = createUpstreams({
    plain: { ...defaults, url: 'http://127.0.0.1:3000' },
    based: {
      ...defaults,
      url: 'https://Example.com:443/a/b/',
      setHeaders: { Authorization: 'Basic x', 'X-B': '' },
    },
    six: { ...defaults, url: 'http://[::1]:3000/' },
  });
  t.match(upstreams.get('plain'), {
    name: 'plain',
    origin: 'http://127.0.0.1:3000',
    basePath: '',
    host: '127.0.0.1:3000',
    serverName: '127.0.0.1',
  });
  t.match(upstreams.get('based'), {
    origin: 'https://example.com',
    basePath: '/a/b',
    host: 'example.com',
    serverName: 'example.com',
  });
  t.same(upstreams.get('based').setHeaders, ['Authorization', 'Basic x', 'X-B', '']);
  t.match(upstreams.get('six'), {
    origin: 'http://[::1]:3000',
    basePath: '',
    host: '[::1]:3000',
    serverName: '::1',
  });
  t.throws(() => upstreams.get('none'), /no upstream is called "none"/);
  t.throws(() => upstreams.get('constructor'));
  await upstreams.close();
});

t.test('an IPv6 upstream', async (t) => {
  const server = createServer();
  const there = await new Promise<boolean>((resolve) => {
    server.on('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
  });
  server.close();
  if (!there) return t.pass('this machine has no IPv6');
  const { names, port } = await startSecure(t, leaf(['127.0.0.1', 'six.test']), '::1');
  const front = await startFront(t, `https://[::1]:${port}`, tls({ caFile, serverName: 'six.test' }));
  t.equal((await exchange(t, front.origin, get))[0]?.status, 200);
  t.same(names, ['six.test']);
});

const faults: readonly { what: string; options: Partial<UpstreamOptions>; message: RegExp }[] = [
  { what: 'no URL', options: { url: 'nonsense' }, message: /^upstream "a": url is not a URL$/ },
  { what: 'another scheme', options: { url: 'ftp://x' }, message: /must be http or https/ },
  {
    what: 'credentials',
    options: { url: 'http://u:secret@x' },
    message: /^upstream "a": url must hold no credentials$/,
  },
  { what: 'a query', options: { url: 'http://x/?a' }, message: /no query or fragment/ },
  {
    what: 'a missing file',
    options: tls({ caFile: join(folder, 'none') }),
    message: /^upstream "a": tls\.caFile cannot be read: ENOENT/,
  },
  {
    what: 'an address as name',
    options: tls({ serverName: '10.0.0.1' }),
    message: /serverName must be a name/,
  },
  { what: 'Host set', options: { setHeaders: { host: 'x' } }, message: /host is not for a config to set/ },
  {
    what: 'a hop-by-hop header set',
    options: { setHeaders: { Connection: 'x' } },
    message: /Connection is not for/,
  },
  {
    what: 'a header name with space',
    options: { setHeaders: { 'X Y': 'x' } },
    message: /is not a header name/,
  },
  {
    what: 'a header value with CR LF',
    options: { setHeaders: { X: 'secret\r\nY: z' } },
    message: /^upstream "a": setHeaders: the value of X is not legal$/,
  },
];
for (const { what, options, message } of faults) {
  t.test(`refused with a plain sentence: ${what}`, async (t) => {
    t.throws(() => createUpstreams({ a: { ...defaults, url: 'http://x', ...options } }), { message });
  });
}
