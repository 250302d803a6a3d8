import t from 'tap';
import { type Responder, startFakeIssuer } from '../helpers/fake-issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { minute, second, testKeySet } from './key-set.ts';

const down: Responder = (_request, response) => response.writeHead(503).end();

t.test('discovery', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { set, time, advanceToFetch, found } = testKeySet(t, { issuer: issuer.issuer, discovery: true });
  await set.start();
  t.same(issuer.fetches, { metadata: 1, jwks: 1 });
  t.equal(await found('ES256', undefined), issuer.signingKey.kid);

  t.test('an unknown key is looked for where the metadata said', async (t) => {
    const { kid } = await issuer.rotate();
    t.equal(await found('ES256', kid), kid);
    t.same(issuer.fetches, { metadata: 1, jwks: 2 });
  });

  t.test('a refresh asks the metadata anew', async (t) => {
    await advanceToFetch(10 * minute);
    t.same(issuer.fetches, { metadata: 2, jwks: 3 });
    await set.refresh('reload');
    t.same(issuer.fetches, { metadata: 3, jwks: 4 }, 'however recent it is');
  });

  t.test('so does what follows a failure', async (t) => {
    issuer.respond(down);
    t.equal(await found('ES256', 'unknown'), 'keys_unavailable');
    t.same(issuer.fetches, { metadata: 3, jwks: 5 });
    issuer.respond();
    t.equal(await found('ES256', 'unknown'), 'key_unknown');
    t.same(issuer.fetches, { metadata: 4, jwks: 6 });
  });

  t.test('unknown keys do not hold on to an address that the issuer has left', async (t) => {
    const { metadata } = issuer.fetches;
    for (let waited = 0; waited < 10 * minute; waited += 30 * second) {
      time.advance(30 * second);
      t.equal(await found('ES256', 'unknown'), 'key_unknown');
    }
    t.equal(issuer.fetches.metadata, metadata + 1);
  });
});

t.test('metadata of another issuer, or that points where it may not', async (t) => {
  const cases = [
    { name: 'another issuer', metadata: { issuer: 'https://other.example' }, code: 'issuer_mismatch' },
    { name: 'a slash more', metadata: (url: string) => ({ issuer: `${url}/` }), code: 'issuer_mismatch' },
    { name: 'link-local', metadata: { jwks_uri: 'http://169.254.169.254/' }, code: 'address_not_allowed' },
    { name: 'plain http', metadata: { jwks_uri: 'http://keys.example.com/jwks' }, code: 'insecure' },
    { name: 'no jwks_uri', metadata: { jwks_uri: undefined }, code: 'metadata_invalid' },
  ];
  for (const { name, metadata, code } of cases) {
    const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
    const changes = typeof metadata === 'function' ? metadata(issuer.url) : metadata;
    issuer.respond((_request, response) =>
      response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, ...changes })),
    );
    const { set } = testKeySet(t, { issuer: issuer.issuer, discovery: true });
    await set.start();
    t.match(set.status(), { state: 'never', lastError: { code } }, name);
    t.equal(issuer.fetches.jwks, 0);
  }
});

t.test('an issuer with RFC 8414 metadata alone', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  issuer.respond((request, response, next) =>
    request.url?.includes('openid-configuration') ? response.writeHead(404).end() : next(),
  );
  const { set } = testKeySet(t, { issuer: issuer.issuer, discovery: true });
  await set.start();
  t.equal(set.status().state, 'fresh');
});

t.test('a file and a list in the configuration', async (t) => {
  const key = await makeKey('ES256', { kid: 'known' });
  const document = { keys: [key.publicJwk] };
  const jwksFile = `${t.testdir({ 'jwks.json': JSON.stringify(document) })}/jwks.json`;
  for (const options of [{ jwks: document }, { jwksFile }]) {
    const { set, found, advanceToFetch } = testKeySet(t, options);
    await set.start();
    t.equal(await found('ES256', 'known'), 'known');
    t.match(await advanceToFetch(10 * minute), { trigger: 'refresh', result: 'success' });
    t.equal(set.status().state, 'fresh');
  }
});
