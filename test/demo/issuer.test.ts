import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createRemoteJWKSet, decodeProtectedHeader, errors, generateKeyPair, jwtVerify } from 'jose';
import t from 'tap';
import type { DemoIssuer } from '../../src/demo/issuer.ts';
import { startDemoIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';

/** Verifies a token as a relying party would that knows the issuer's name alone. */
async function verify(issuer: DemoIssuer, token: string, audience = issuer.audience) {
  const metadata = await request(issuer.issuer, { path: '/.well-known/openid-configuration' });
  const keys = createRemoteJWKSet(new URL(metadata.json().jwks_uri));
  return jwtVerify(token, keys, { issuer: metadata.json().issuer, audience, algorithms: ['RS256'] });
}

t.test('a token of the token endpoint holds against the discovered keys', async (t) => {
  const issuer = await startDemoIssuer(t);
  const { payload, protectedHeader } = await verify(issuer, await issuer.token({ scope: 'orders:read' }));
  t.match(payload, { iss: issuer.issuer, aud: 'api://orders', client_id: 'demo', scope: 'orders:read' });
  t.equal(payload.exp, (payload.iat ?? 0) + 300, 'five minutes long');
  t.strictSame(protectedHeader, { alg: 'RS256', typ: 'at+jwt', kid: issuer.publicJwk().kid });
});

t.test('the metadata name the endpoints, for OpenID Connect and for RFC 8414', async (t) => {
  const issuer = await startDemoIssuer(t);
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    const metadata = (await request(issuer.url, { path: `/.well-known/${name}` })).json();
    t.match(metadata, {
      issuer: issuer.issuer,
      jwks_uri: issuer.jwksUri,
      token_endpoint: issuer.tokenEndpoint,
      scopes_supported: ['orders:read', 'orders:write', 'orders:admin', 'openid'],
    });
  }
});

t.test('the token endpoint', async (t) => {
  const issuer = await startDemoIssuer(t);
  t.match(
    (await verify(issuer, await issuer.token({ scope: 'orders:read orders:admin' }))).payload,
    { scope: 'orders:read orders:admin' },
    'grants several scopes',
  );
  t.notOk('scope' in (await verify(issuer, await issuer.token({ scope: '' }))).payload, 'grants none');
  const billing = await issuer.token({ resource: 'api://billing' });
  t.match((await verify(issuer, billing, 'api://billing')).payload, { aud: 'api://billing' });
  await t.rejects(issuer.token({ resource: 'api://unknown' }), { message: /400 invalid_target/ });
  const stranger = await request(issuer.url, {
    method: 'POST',
    path: '/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `grant_type=client_credentials&client_id=demo&client_secret=${'x'.repeat(32)}`,
  });
  t.equal(stranger.status, 401, 'refuses a wrong secret');
});

t.test('a minted token', async (t) => {
  const issuer = await startDemoIssuer(t);
  const now = Math.floor(Date.now() / 1000);
  t.match((await verify(issuer, await issuer.mint())).payload, { scope: 'orders:read', client_id: 'demo' });
  await t.rejects(verify(issuer, await issuer.mint({ claims: { exp: now - 60 } })), errors.JWTExpired);
  await t.rejects(verify(issuer, await issuer.mint({ claims: { aud: 'api://other' } })), {
    message: /"aud"/,
  });
  await t.rejects(verify(issuer, await issuer.mint({ claims: { nbf: now + 60 } })), { message: /"nbf"/ });
  const bare = await verify(issuer, await issuer.mint({ claims: { exp: undefined, scope: undefined } }));
  t.strictSame(Object.keys(bare.payload).sort(), ['aud', 'client_id', 'iat', 'iss', 'jti', 'sub']);
  t.strictSame(decodeProtectedHeader(await issuer.mint({ header: { kid: undefined, typ: 'JWT' } })), {
    alg: 'RS256',
    typ: 'JWT',
  });
  const stranger = await generateKeyPair('RS256');
  await t.rejects(
    verify(issuer, await issuer.mint({ key: stranger.privateKey })),
    errors.JWSSignatureVerificationFailed,
  );
});

t.test('rotation', async (t) => {
  const published = async (issuer: DemoIssuer) =>
    (await request(issuer.url, { path: '/jwks' })).json().keys.map((key: { kid: string }) => key.kid);

  t.test('keeps the key before, and no older one', async (t) => {
    const issuer = await startDemoIssuer(t);
    const first = await issuer.token();
    const kids = [issuer.publicJwk().kid];
    await issuer.rotate();
    kids.unshift(issuer.publicJwk().kid);
    t.strictSame(await published(issuer), kids);
    t.not(kids[0], kids[1]);
    t.equal(decodeProtectedHeader(await issuer.token()).kid, kids[0], 'the endpoint signs with the new key');
    t.equal(decodeProtectedHeader(await issuer.mint()).kid, kids[0], 'so does mint');
    await t.resolves(verify(issuer, await issuer.token()));
    await t.resolves(verify(issuer, first), 'tokens of the key before still hold');
    await issuer.rotate();
    t.strictSame(await published(issuer), [issuer.publicJwk().kid, kids[0]]);
    await t.rejects(verify(issuer, first), errors.JWKSNoMatchingKey);
  });

  t.test('without keepOld withdraws it at once', async (t) => {
    const issuer = await startDemoIssuer(t);
    const { url } = issuer;
    const first = await issuer.token();
    await issuer.rotate({ keepOld: false });
    t.strictSame(await published(issuer), [issuer.publicJwk().kid]);
    await t.rejects(verify(issuer, first), errors.JWKSNoMatchingKey);
    await t.resolves(verify(issuer, await issuer.token()));
    t.equal(issuer.url, url);
  });
});

t.test('counts what is fetched', async (t) => {
  const issuer = await startDemoIssuer(t);
  t.strictSame(issuer.fetches, { metadata: 0, jwks: 0 });
  await verify(issuer, await issuer.token());
  t.strictSame(issuer.fetches, { metadata: 1, jwks: 1 });
  await issuer.rotate();
  await verify(issuer, await issuer.token());
  t.strictSame(issuer.fetches, { metadata: 2, jwks: 2 }, 'across a rotation too');
});

t.test('prints nothing, whatever it is asked', async (t) => {
  const script = `
    import { once } from 'node:events';
    import { connect } from 'node:net';
    import { startIssuer } from ${JSON.stringify(import.meta.resolve('../../src/demo/issuer.ts'))};
    const issuer = await startIssuer();
    const headers = { accept: 'text/html', origin: 'https://elsewhere.example' };
    for (const path of ['/', '/auth', '/auth?client_id=demo&response_type=code', '/jwks', '/token', '/%']) {
      await fetch(issuer.url + path, { headers });
    }
    await fetch(issuer.tokenEndpoint, { method: 'POST', headers, body: 'x=%' });
    const socket = connect(new URL(issuer.url).port, '127.0.0.1').resume();
    const type = 'Content-Type: application/x-www-form-urlencoded';
    socket.end('POST /token HTTP/1.1\\r\\nHost: x\\r\\n' + type + '\\r\\nContent-Length: 9\\r\\n\\r\\nbroken');
    await once(socket, 'close');
    await issuer.rotate();
    await issuer.token();
    await issuer.close();`;
  const child = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  t.strictSame(await child, { stdout: '', stderr: '' });
});

t.test('options', async (t) => {
  const issuer = await startDemoIssuer(t, {
    audiences: ['https://api.example.com/'],
    scopes: ['a'],
    clientId: 'a client/+:',
    clientSecret: 'a secret/+:',
    lifetime: 60_000,
  });
  const { payload } = await verify(issuer, await issuer.token({ scope: 'a' }), 'https://api.example.com/');
  t.match(payload, { client_id: 'a client/+:', scope: 'a', exp: (payload.iat ?? 0) + 60 });
});

t.test('a port that is taken is an error', async (t) => {
  const issuer = await startDemoIssuer(t);
  await t.rejects(startDemoIssuer(t, { port: Number(new URL(issuer.url).port) }), { code: 'EADDRINUSE' });
});

t.test('closes, even with connections open, and twice', async (t) => {
  const issuer = await startDemoIssuer(t);
  await issuer.token();
  await issuer.close();
  await issuer.close();
  await t.rejects(issuer.token());
});
