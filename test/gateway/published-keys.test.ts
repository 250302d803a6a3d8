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
  const { issuer, ...scene } = await startScene(t, { failureLimit: null });
  const nameless = () => ({ headers: bearer(issuer.mint({ header: { kid: undefined } })) });
  await scene.allows(t, 'one key fits', nameless());
  await issuer.rotate();
  await scene.allows(t, 'the next key comes', { headers: bearer(issuer.mint()) });
  await scene.refuses(t, 'two keys fit', nameless(), 'key_unknown');
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
