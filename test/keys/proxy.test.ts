import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkProxyVariables, readProxyVariables } from '../../src/config/proxy.ts';
import { createFetchJson } from '../../src/keys/fetch.ts';
import { connectThrough } from '../../src/keys/proxy.ts';
import { createCertificate } from '../helpers/certificate.ts';
import { listen } from './server.ts';

const certificate = createCertificate({ hosts: ['idp.example.com'] });

/** A proxy that tunnels to one server, whatever name it is asked for. */
async function startProxy(t: Test, to: string) {
  const asked: { readonly target: string; readonly authorization: string | undefined }[] = [];
  const server = createHttpServer();
  server.on('connect', (request, socket) => {
    asked.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    const upstream = connect(Number(new URL(to).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    t.teardown(() => upstream.destroy());
    for (const each of [socket, upstream]) each.on('error', () => {});
  });
  const { url } = await listen(t, server, 'http', (_request, response) => response.writeHead(500).end());
  return { url, asked };
}

async function scene(t: Test, noProxy = '') {
  const caFile = join(t.testdir({ ca: certificate.cert }), 'ca');
  const issuer = await listen(t, createServer(certificate), 'https', (_request, response) =>
    response.end('{}'),
  );
  const proxy = await startProxy(t, issuer.url);
  const httpsProxy = proxy.url.replace('//', '//user:p%40ss@');
  const limits = { timeout: 5000, maxSize: 100, bearerTokenFile: null, allowInsecureHttp: true };
  const dispatcher = connectThrough({ httpsProxy, noProxy });
  return { proxy, issuer, fetchJson: createFetchJson({ ...limits, caFile, dispatcher }), limits, dispatcher };
}

t.test('https goes through the tunnel, and the host is verified all the same', async (t) => {
  const { proxy, issuer, fetchJson, limits, dispatcher } = await scene(t);
  t.same(await fetchJson('https://idp.example.com/jwks'), { document: {} });
  const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
  t.same(proxy.asked, [{ target: 'idp.example.com:443', authorization }]);
  t.equal(issuer.seen[0]?.headers['proxy-authorization'], undefined, 'the password is for the proxy alone');
  await t.rejects(fetchJson('https://other.example.com/jwks'), { code: 'tls' });
  const untrusting = createFetchJson({ ...limits, caFile: null, dispatcher });
  await t.rejects(untrusting('https://idp.example.com/jwks'), { code: 'tls' });
});

t.test('loopback and plain http go directly', async (t) => {
  const { proxy, fetchJson } = await scene(t);
  const plain = await listen(t, createHttpServer(), 'http', (_request, response) => response.end('{}'));
  t.same(await fetchJson(plain.url), { document: {} });
  await t.rejects(fetchJson('http://idp.example.invalid/jwks'), { code: 'network' });
  t.same(proxy.asked, []);
});

t.test('NO_PROXY', async (t) => {
  for (const noProxy of [
    '*',
    'example.invalid',
    '.example.invalid',
    'a.example.com, idp.example.invalid:443',
  ]) {
    const { proxy, fetchJson } = await scene(t, noProxy);
    await t.rejects(fetchJson('https://idp.example.invalid/jwks'), { code: 'network' }, noProxy);
    t.same(proxy.asked, [], noProxy);
  }
  for (const noProxy of ['', 'example.org', 'ample.invalid', 'idp.example.invalid:8443']) {
    const { proxy, fetchJson } = await scene(t, noProxy);
    await t.rejects(fetchJson('https://idp.example.invalid/jwks'), { code: 'tls' }, noProxy);
    t.equal(proxy.asked.length, 1, noProxy);
  }
});

t.test('a proxy that is down or refuses', async (t) => {
  const { limits } = await scene(t);
  const refusing = createHttpServer();
  refusing.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  const { url } = await listen(t, refusing, 'http', () => {});
  for (const httpsProxy of [url, 'http://127.0.0.1:1']) {
    const dispatcher = connectThrough({ httpsProxy, noProxy: '' });
    const fetchJson = createFetchJson({ ...limits, caFile: null, dispatcher });
    await t.rejects(fetchJson('https://idp.example.com/jwks'), { code: 'network' }, httpsProxy);
  }
});

t.test('the variables', async (t) => {
  t.equal(readProxyVariables({}), null);
  t.equal(readProxyVariables({ HTTPS_PROXY: '', NO_PROXY: 'a' }), null);
  t.same(readProxyVariables({ HTTPS_PROXY: 'http://a', NO_PROXY: 'b' }), {
    httpsProxy: 'http://a',
    noProxy: 'b',
  });
  t.same(
    readProxyVariables({ https_proxy: 'http://c', HTTPS_PROXY: 'http://a', no_proxy: 'd', NO_PROXY: 'b' }),
    {
      httpsProxy: 'http://c',
      noProxy: 'd',
    },
  );
  t.same(checkProxyVariables(null), []);
  t.same(checkProxyVariables({ httpsProxy: 'http://user:secret@proxy:3128', noProxy: '' }), []);
  for (const httpsProxy of ['proxy:3128', 'socks5://user:secret@proxy', 'user:secret'])
    t.strictSame(checkProxyVariables({ httpsProxy, noProxy: '' }), [
      { path: '', message: 'HTTPS_PROXY is not an http or https URL' },
    ]);
});
