import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import t, { type Test } from 'tap';
import { createFetchJson, type FetchOptions } from '../../src/keys/fetch.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { listen, startServer } from './server.ts';

const limits: FetchOptions = {
  timeout: 5000,
  maxSize: 1024,
  caFile: null,
  bearerTokenFile: null,
  allowInsecureHttp: false,
};

const sound = makeCertificate();

/** Serves `{}` over TLS; what trusts exactly this server is in `caFile`. */
async function startTls(t: Test, certificate: Certificate) {
  const caFile = `${t.testdir({ 'ca.pem': certificate.cert })}/ca.pem`;
  const server = createServer({ key: certificate.key, cert: certificate.cert });
  const { url, seen } = await listen(t, server, 'https', (_request, response) => response.end('{}'));
  return { url, seen, caFile };
}

t.test('a server that the own authority vouches for', async (t) => {
  const { url, caFile } = await startTls(t, sound);
  t.same(await createFetchJson({ ...limits, caFile })(url), { document: {} });
});

t.test('the authority is read at every fetch', async (t) => {
  const { url, caFile } = await startTls(t, sound);
  const fetchJson = createFetchJson({ ...limits, caFile });
  writeFileSync(caFile, makeCertificate().cert);
  await t.rejects(fetchJson(url), { code: 'tls' });
  writeFileSync(caFile, sound.cert);
  await t.resolves(fetchJson(url));
});

t.test('servers that are not trusted', async (t) => {
  const expired = makeCertificate({ until: new Date('2021-01-01') });
  const misplaced = makeCertificate({ address: '127.0.0.2' });
  const cases = [
    { name: 'self-signed', certificate: sound, known: false, message: /SELF_SIGNED/ },
    { name: 'expired', certificate: expired, known: true, message: /EXPIRED/ },
    { name: 'of another address', certificate: misplaced, known: true, message: /ALTNAME/ },
  ];
  for (const { name, certificate, known, message } of cases) {
    const { url, seen, caFile } = await startTls(t, certificate);
    const fetchJson = createFetchJson({ ...limits, caFile: known ? caFile : null });
    await t.rejects(fetchJson(url), { name: 'FetchError', code: 'tls', message }, name);
    t.same(seen, [], `${name}: nothing is sent to it`);
  }
});

t.test('no variable of Node switches the verification off', async (t) => {
  const { url } = await startTls(t, sound);
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  await t.rejects(createFetchJson(limits)(url), { code: 'tls' });
});

t.test('an authority that cannot be read', async (t) => {
  const { url, caFile } = await startTls(t, sound);
  const missing = createFetchJson({ ...limits, caFile: `${caFile}.missing` });
  await t.rejects(missing(url), { code: 'file_unreadable', message: /caFile.*ENOENT/ });
  writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  await t.rejects(createFetchJson({ ...limits, caFile })(url), { code: 'tls' });
});

t.test('a server that speaks plain http where https is meant', async (t) => {
  const { url, seen } = await startServer(t, (_request, response) => response.end('{}'));
  await t.rejects(createFetchJson(limits)(url.replace('http:', 'https:')), { code: 'tls' });
  t.same(seen, []);
});
