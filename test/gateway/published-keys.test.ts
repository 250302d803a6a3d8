import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { type FakeIssuer, type Responder, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { assertRefused, bearer, startScene } from './scene.ts';

const trust = ({ issuer, audience }: FakeIssuer) => ({ issuer, audience });

t.test('what an issuer may publish instead of keys', async (t) => {
  const key = await makeKey();
  const weak = await makeKey('RS256', { bits: 1024 });
  const elsewhere = await startFakeIssuer(t, { keys: [key] });
  const json =
    (value: unknown): Responder =>
    (_request, response) =>
      void response.end(JSON.stringify(value));
  const jwks =
    (...keys: unknown[]): Responder =>
    (request, response, next) => {
      if (request.url === '/jwks') json({ keys })(request, response, next);
      else next();
    };
  const metadata =
    (change: object): Responder =>
    (request, response, next) => {
      if (request.url === '/jwks') return next();
      const issuer = `http://${request.headers.host}`;
      json({ issuer, jwks_uri: `${issuer}/jwks`, ...change })(request, response, next);
    };
  const faults: Record<string, { respond: Responder; code: string }> = {
    'an error': { respond: (_request, response) => response.writeHead(500).end(), code: 'status' },
    'a reset': { respond: (request) => request.socket.resetAndDestroy(), code: 'network' },
    silence: { respond: () => undefined, code: 'timeout' },
    'a page': { respond: (_request, response) => void response.end('<!doctype html>'), code: 'not_json' },
    'a way elsewhere': {
      respond: (request, response) =>
        response.writeHead(301, { location: `${elsewhere.url}${request.url}` }).end(),
      code: 'redirect',
    },
    'half a document': {
      respond: (_request, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('{"issuer":');
        response.socket?.destroySoon();
      },
      code: 'network',
    },
    'a document without end': {
      respond: (_request, response) => {
        response.write(`{"x":"${'x'.repeat(300_000)}`);
      },
      code: 'too_large',
    },
    'a list': { respond: json([]), code: 'metadata_invalid' },
    'metadata of another issuer': {
      respond: metadata({ issuer: elsewhere.issuer }),
      code: 'issuer_mismatch',
    },
    'metadata without keys': { respond: metadata({ jwks_uri: undefined }), code: 'metadata_invalid' },
    'keys at a link-local address': {
      respond: metadata({ jwks_uri: 'http://169.254.169.254/latest/meta-data' }),
      code: 'address_not_allowed',
    },
    'keys in a file': { respond: metadata({ jwks_uri: 'file:///etc/passwd' }), code: 'metadata_invalid' },
    'no keys': { respond: jwks(), code: 'no_usable_key' },
    'a weak key': { respond: jwks(weak.publicJwk), code: 'no_usable_key' },
    'a symmetric key': { respond: jwks({ kty: 'oct', k: 'AAAA', kid: key.kid }), code: 'no_usable_key' },
    'a key to encrypt with': { respond: jwks({ ...key.publicJwk, use: 'enc' }), code: 'no_usable_key' },
    'too many keys': { respond: jwks(...Array(101).fill(key.publicJwk)), code: 'too_many_keys' },
  };
  const fakes = await Promise.all(
    Object.entries(faults).map(async ([name, { respond, code }]) => {
      const issuer = await startFakeIssuer(t, { keys: [name === 'a weak key' ? weak : key] });
      issuer.respond(respond);
      return { name, code, issuer };
    }),
  );
  const others = fakes.map(({ issuer, code }) => ({
    ...trust(issuer),
    keys: { timeout: code === 'timeout' ? '200ms' : '10s' },
  }));
  const { issuer: good, ...scene } = await startScene(t, {}, { others });
  for (const { name, code, issuer } of fakes) {
    await scene.refuses(t, name, { headers: bearer(issuer.mint()) }, 'keys_unavailable');
    const line = scene.gateway.lines.find(
      (line) => line.msg === 'keys not fetched' && line.issuer === issuer.issuer,
    );
    t.match(line?.error, { code }, `${name}: the log says what it was`);
  }
  await scene.allows(t, 'the one that is well', { headers: bearer(good.mint()) });
  t.equal(elsewhere.fetches.metadata + elsewhere.fetches.jwks, 0, 'no redirect is followed');
  t.ok(scene.gateway.server.readiness().ready);
});

t.test('a bad key among good ones', async (t) => {
  const good = await makeKey();
  const other = await makeKey('RS256', { kid: good.kid });
  const issuer = await startFakeIssuer(t, { keys: [good] });
  const rotten = [
    null,
    'x',
    {},
    { kty: 'RSA', kid: 'x', n: '!', e: 'AQAB' },
    { kty: 'oct', k: 'AAAA', kid: good.kid },
  ];
  issuer.publish([...rotten, other.publicJwk, good.publicJwk]);
  const { gateway } = await startScene(t, { issuers: [trust(issuer)] });
  t.equal((await gateway.get('/', issuer.mint())).status, 200, 'of two keys with one kid, either serves');
  t.equal((await gateway.get('/', issuer.mint({ key: other }))).status, 200);
  t.equal(await gateway.metric(`jwks_sidecar_jwks_skipped_keys{issuer="${issuer.issuer}"}`), rotten.length);
  t.equal(await gateway.metric(`jwks_sidecar_jwks_keys{issuer="${issuer.issuer}"}`), 2);
});

t.test('a token without kid', async (t) => {
  const { issuer, gateway, ...scene } = await startScene(t, { failureLimit: { max: 2 } });
  const nameless = (key = issuer.signingKey) => ({
    headers: bearer(issuer.mint({ key, header: { kid: undefined } })),
  });
  const stranger = await makeKey('RS256');
  const publish = async (count: number) => {
    while (issuer.keys.length < count) await issuer.rotate();
    await scene.allows(t, `the key set has ${count} keys`, { headers: bearer(issuer.mint()) });
  };
  await scene.allows(t, 'one key fits', nameless());
  for (const count of [2, 3, 4]) {
    await publish(count);
    for (const [n, key] of issuer.keys.entries())
      await scene.allows(t, `key ${n} of ${count}`, nameless(key));
  }
  await scene.refuses(t, 'none of them has signed', nameless(stranger), 'key_unknown');
  t.equal(await gateway.metric('jwks_sidecar_failure_limit_blocks_total'), 0);
  await publish(5);
  for (const key of issuer.keys) await scene.refuses(t, 'five fit', nameless(key), 'key_unknown');
  t.equal(await gateway.metric('jwks_sidecar_failure_limit_blocks_total'), 0, 'for which nobody is blocked');
});

t.test('keys of one kid: each is tried, and of more than four none', async (t) => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => makeKey('ES256', { kid: 'same' })));
  for (const count of [4, 5]) {
    const issuer = await startFakeIssuer(t, { keys: keys.slice(0, count) });
    const issuers = [{ ...trust(issuer), algorithms: ['ES256' as const] }];
    const { gateway } = await startScene(t, { issuers, failureLimit: { max: 1 } });
    for (const key of issuer.keys) {
      const answer = await gateway.get('/', issuer.mint({ key }));
      if (count === 4) t.equal(answer.status, 200);
      else assertRefused(t, 'five', answer, 'key_unknown');
    }
    t.equal(issuer.fetches.jwks, 1, 'the kid is known, so nothing is fetched for it');
  }
});

t.test('a key that names another issuer serves no token of this one', async (t) => {
  const [own, other, free] = await Promise.all([makeKey(), makeKey(), makeKey()]);
  const issuer = await startFakeIssuer(t, { keys: [own, other, free] });
  issuer.publish([
    { ...own.publicJwk, issuer: issuer.issuer },
    { ...other.publicJwk, issuer: 'https://login.microsoftonline.com/9188040d/v2.0' },
    { ...free.publicJwk, issuer: null },
  ]);
  const { gateway } = await startScene(t, { issuers: [trust(issuer)] });
  t.equal((await gateway.get('/', issuer.mint({ key: own }))).status, 200, 'its own');
  t.equal((await gateway.get('/', issuer.mint({ key: free }))).status, 200, 'one that names none');
  assertRefused(t, 'of another', await gateway.get('/', issuer.mint({ key: other })), 'key_unknown');
  const nameless = issuer.mint({ key: other, header: { kid: undefined } });
  assertRefused(t, 'of another, without kid', await gateway.get('/', nameless), 'key_unknown');
  t.match(await gateway.lineWhere(({ msg }) => msg === 'keys skipped'), {
    keys: [{ kid: other.kid, why: 'it names another issuer as its own' }],
  });
});

t.test('a key of all tenants serves the tenant of the token alone', async (t) => {
  const key = await makeKey();
  const issuer = await startFakeIssuer(t, { keys: [key], issuer: 'https://idp.example.com/tenant-a/v2.0' });
  issuer.publish([{ ...key.publicJwk, issuer: 'https://idp.example.com/{tenantid}/v2.0' }]);
  const issuers = [{ ...trust(issuer), jwksUri: issuer.jwksUri }];
  const { gateway } = await startScene(t, { issuers, failureLimit: { max: 1 } });
  const send = (tid: unknown) => gateway.get('/', issuer.mint({ claims: { tid } }));
  t.equal((await send('tenant-a')).status, 200);
  for (const tid of ['tenant-b', undefined, null, ['tenant-a'], 'tenant-A'])
    assertRefused(t, `tid ${tid}`, await send(tid), 'key_unknown');
  t.equal(await gateway.metric('jwks_sidecar_failure_limit_blocks_total'), 0, 'the signature holds');
});

t.test('members that are null, and names of RFC 9864 and SPIFFE', async (t) => {
  const [rsa, ed] = await Promise.all([makeKey('RS256'), makeKey('EdDSA')]);
  const nulls = { use: null, alg: null, key_ops: null, x5c: null, x5t: null, issuer: null, d: null };
  const published = [
    { ...rsa.publicJwk, ...nulls },
    { ...ed.publicJwk, use: 'jwt-svid', alg: 'Ed25519' },
  ];
  for (const algorithms of [['RS256', 'EdDSA'] as const, ['RS256', 'Ed25519'] as const]) {
    const issuer = await startFakeIssuer(t, { keys: [rsa, ed] });
    issuer.publish(published);
    const { gateway } = await startScene(t, { issuers: [{ ...trust(issuer), algorithms }] });
    t.equal((await gateway.get('/', issuer.mint({ key: rsa }))).status, 200, 'null members');
    for (const alg of ['EdDSA', 'Ed25519']) {
      const answer = await gateway.get('/', issuer.mint({ key: ed, header: { alg } }));
      t.equal(answer.status, 200, `${alg} with ${algorithms}`);
    }
    const nameless = issuer.mint({ key: rsa, header: { kid: null } });
    assertRefused(
      t,
      'a null member of a token is another thing',
      await gateway.get('/', nameless),
      'token_malformed',
    );
  }
});

t.test('a key set or metadata that somebody compressed', async (t) => {
  const codings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
  for (const [coding, compress] of Object.entries(codings)) {
    const issuer = await startFakeIssuer(t);
    issuer.respond((request, response) => {
      const document =
        request.url === '/jwks'
          ? { keys: [issuer.publicJwk()] }
          : { issuer: issuer.issuer, jwks_uri: issuer.jwksUri };
      response.writeHead(200, { 'content-encoding': coding }).end(compress(JSON.stringify(document)));
    });
    const { gateway } = await startScene(t, { issuers: [trust(issuer)] });
    t.equal((await gateway.get('/', issuer.mint())).status, 200, coding);
  }
  const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '));
  const refused = {
    gzip: ['too_large', /decoded/],
    compress: ['content_coding', /Content-Encoding compress$/],
  } as const;
  for (const [coding, [code, message]] of Object.entries(refused)) {
    const issuer = await startFakeIssuer(t);
    issuer.respond((_request, response) => response.writeHead(200, { 'content-encoding': coding }).end(bomb));
    const { gateway } = await startScene(t, { issuers: [trust(issuer)] });
    const { error } = await gateway.lineWhere(({ msg }) => msg === 'keys not fetched');
    t.match(error, { code, message });
  }
});

t.test('PEM in a file serves tokens with and without kid', async (t) => {
  const [rsa, ec] = await Promise.all([makeKey('RS256'), makeKey('ES256')]);
  const pem = [rsa, ec].map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' })).join('');
  const jwksFile = join(t.testdir({ 'keys.pem': pem }), 'keys.pem');
  const issuer = await startFakeIssuer(t, { keys: [rsa, ec] });
  const algorithms = ['RS256', 'ES256'] as const;
  const { gateway } = await startScene(t, { issuers: [{ ...trust(issuer), jwksFile, algorithms }] });
  for (const key of [rsa, ec]) {
    t.equal((await gateway.get('/', issuer.mint({ key }))).status, 200, `${key.alg}, with a kid`);
    const nameless = issuer.mint({ key, header: { kid: undefined } });
    t.equal((await gateway.get('/', nameless)).status, 200, `${key.alg}, without`);
  }
  const forged = issuer.mint({ key: await makeKey('RS256') });
  assertRefused(t, 'of another key', await gateway.get('/', forged), 'signature_invalid');
  t.same(issuer.fetches, { metadata: 0, jwks: 0 });
});

t.test('what is published in the place of keys is called what it is', async (t) => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  const cases: Readonly<Record<string, { body: string; message: RegExp }>> = {
    'certificates of Firebase': {
      body: JSON.stringify({ a1: pem, b2: pem }),
      message: /map of certificates.*service_accounts\/v1\/jwk/,
    },
    'a PEM': { body: pem, message: /\/jwks is a key or certificate in PEM, not JSON/ },
    'a page': { body: '<!doctype html><title>Sign in</title>', message: /\/jwks is an HTML page, not JSON/ },
    nothing: { body: '', message: /\/jwks is empty/ },
    metadata: {
      body: JSON.stringify({ issuer: 'https://a.example', jwks_uri: 'https://a.example/jwks' }),
      message: /it is the issuer's metadata/,
    },
    'a single key': { body: JSON.stringify((await makeKey()).publicJwk), message: /it is a single key/ },
    'keys for another algorithm': {
      body: JSON.stringify({ keys: [(await makeKey('ES256')).publicJwk] }),
      message: /its keys are ES256; algorithms is \[RS256\]/,
    },
  };
  for (const [name, { body, message }] of Object.entries(cases)) {
    const issuer = await startFakeIssuer(t);
    issuer.respond((_request, response) => void response.end(body));
    const issuers = [{ ...trust(issuer), jwksUri: issuer.jwksUri }];
    const { gateway } = await startScene(t, { issuers });
    const line = await gateway.lineWhere(({ msg }) => msg === 'keys not fetched');
    t.match(line.error, { message }, name);
  }
  const issuer = await startFakeIssuer(t);
  issuer.respond(
    (_request, response) =>
      void response.end(JSON.stringify({ issuer: `${issuer.issuer}/`, jwks_uri: issuer.jwksUri })),
  );
  const { gateway } = await startScene(t, { issuers: [trust(issuer)] });
  const { error } = await gateway.lineWhere(({ msg }) => msg === 'keys not fetched');
  t.match(error, {
    code: 'issuer_mismatch',
    message: `the metadata is of issuer ${issuer.issuer}/, and the config says ${issuer.issuer}; they differ in the slash at the end`,
  });
});

t.test('keys that need no fetch', async (t) => {
  const keys = [await makeKey()];
  const jwks = { keys: [keys[0]!.publicJwk] };
  const issuer = await startFakeIssuer(t, { keys });
  const file = `${t.testdir({ 'jwks.json': JSON.stringify(jwks) })}/jwks.json`;
  for (const source of [{ jwks }, { jwksFile: file }]) {
    const { gateway } = await startScene(t, { issuers: [{ ...trust(issuer), ...source }] });
    t.equal((await gateway.get('/', issuer.mint())).status, 200);
    assertRefused(t, 'unknown', await gateway.get('/', issuer.mint({ header: { kid: 'x' } })), 'key_unknown');
  }
  const { gateway } = await startScene(t, { issuers: [{ ...trust(issuer), jwksUri: issuer.jwksUri }] });
  t.equal((await gateway.get('/', issuer.mint())).status, 200, 'by their address');
  t.same(issuer.fetches, { metadata: 0, jwks: 1 });
});
