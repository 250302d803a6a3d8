import { createHmac } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import t from 'tap';
import { forge, part } from './forge.ts';
import { type FakeIssuer, startFakeIssuer } from './issuer.ts';
import { algorithms, makeKey } from './key.ts';
import { request } from './request.ts';

async function verify(issuer: FakeIssuer, token: string) {
  const keys = createLocalJWKSet((await request(issuer.url, { path: '/jwks' })).json());
  return jwtVerify(token, keys, { issuer: issuer.issuer, audience: issuer.audience });
}

t.test('a token of each algorithm holds against the published keys', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms });
  t.equal(issuer.keys.length, algorithms.length);
  for (const key of issuer.keys) {
    const { protectedHeader } = await verify(issuer, issuer.mint({ key }));
    t.strictSame(protectedHeader, { alg: key.alg, typ: 'at+jwt', kid: key.kid });
  }
});

t.test('discovery', async (t) => {
  const issuer = await startFakeIssuer(t, { issuer: 'https://idp.example.com' });
  const metadata = { issuer: 'https://idp.example.com', jwks_uri: `${issuer.url}/jwks` };
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    t.strictSame((await request(issuer.url, { path: `/.well-known/${name}` })).json(), metadata);
  }
  t.equal((await request(issuer.url, { path: '/elsewhere' })).status, 404);
  t.strictSame(issuer.fetches, { metadata: 2, jwks: 0 });
});

t.test('mint', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { payload } = await verify(issuer, issuer.mint({ claims: { scope: undefined, tenant: 7 } }));
  t.match(payload, { iss: issuer.issuer, aud: 'api://orders', sub: 'subject', tenant: 7 });
  t.notOk('scope' in payload);
  t.strictSame(decodeProtectedHeader(issuer.mint({ header: { alg: 'none', kid: undefined } })), {
    alg: 'none',
    typ: 'at+jwt',
  });
  const key = { ...(await makeKey('ES256')), kid: issuer.signingKey.kid };
  await t.rejects(verify(issuer, issuer.mint({ key })), errors.JWSSignatureVerificationFailed);
});

t.test('rotate', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const first = issuer.mint();
  const second = await issuer.rotate();
  t.equal(decodeProtectedHeader(issuer.mint()).kid, second.kid);
  await t.resolves(verify(issuer, issuer.mint()));
  await t.resolves(verify(issuer, first));
  const third = await issuer.rotate({ keepOld: false, alg: 'EdDSA' });
  t.strictSame((await request(issuer.url, { path: '/jwks' })).json(), { keys: [third.publicJwk] });
  await t.resolves(verify(issuer, issuer.mint()));
  await t.rejects(verify(issuer, first), errors.JWKSNoMatchingKey);
});

t.test('publish', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  issuer.publish([{ kty: 'rotten' }, null, issuer.publicJwk()]);
  const published = (await request(issuer.url, { path: '/jwks' })).json();
  t.strictSame(published, { keys: [{ kty: 'rotten' }, null, issuer.publicJwk()] });
});

t.test('respond', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  issuer.respond((request, response, next) => {
    if (request.url === '/jwks') response.writeHead(503).end('<h1>');
    else next();
  });
  t.match(await request(issuer.url, { path: '/jwks' }), { status: 503, text: '<h1>' });
  t.equal((await request(issuer.url, { path: '/.well-known/openid-configuration' })).status, 200);
  issuer.respond((_request, response, next) => {
    response.setHeader('cache-control', 'max-age=1');
    next();
  });
  t.equal((await request(issuer.url, { path: '/jwks' })).header('cache-control'), 'max-age=1');
  issuer.respond();
  t.equal((await request(issuer.url, { path: '/jwks' })).header('cache-control'), undefined);
});

t.test('fetched', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const twice = issuer.fetched('jwks', 2);
  await request(issuer.url, { path: '/jwks' });
  await request(issuer.url, { path: '/jwks' });
  await twice;
  await issuer.fetched('jwks', 1);
  t.equal(issuer.fetches.jwks, 2);
});

t.test('forge signs what no library would', async (t) => {
  t.equal(
    forge({ header: '{"a":1,"a":2}', payload: 'x', alg: 'none' }),
    `${part('{"a":1,"a":2}')}.${part('x')}.`,
  );
  const bytes = Buffer.from([0xff]);
  const token = forge({ header: null, payload: bytes, alg: 'HS256', key: 'secret' });
  const input = 'bnVsbA._w';
  t.equal(token, `${input}.${createHmac('sha256', 'secret').update(input).digest('base64url')}`);
  t.throws(() => forge({ header: {}, payload: {}, alg: 'RS256', key: 'secret' }), TypeError);
  t.throws(() => forge({ header: {}, payload: {}, alg: 'RS256' }), TypeError);
});
