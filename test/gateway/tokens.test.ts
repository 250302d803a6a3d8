import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startDemoIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { holdClock } from './held-clock.ts';
import { assertRefused, bearer, sight, startScene, type Verdicts } from './scene.ts';

const identity = ['x-verified-subject', 'x-verified-issuer', 'x-verified-client-id', 'x-verified-scope'];

t.test('a token that a real issuer gave', async (t) => {
  const issuer = await startDemoIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience, tokenType: 'at+jwt', maxLifetime: '1h' }],
  });
  t.equal(issuer.fetches.metadata, 1, 'found by discovery');
  const token = await issuer.token({ scope: 'orders:read orders:write' });
  for (const cached of [false, true]) {
    t.equal((await gateway.get('/orders/42?a=b', token, { 'X-Verified-Subject': 'root' })).status, 200);
    const seen = sight(echo.seen.at(-1));
    t.equal(seen.url, '/orders/42?a=b');
    t.same(
      identity.map((name) => seen.header(name)),
      [issuer.clientId, issuer.issuer, issuer.clientId, 'orders:read orders:write'],
      'four headers say who it is',
    );
    t.equal(seen.header('authorization'), undefined, 'the token is gone');
    t.match(await gateway.line(seen.header('x-request-id')), { decision: 'allow', cached, sub: String });
  }
  const elsewhere = await issuer.token({ resource: 'api://billing' });
  assertRefused(t, 'a token for another service', await gateway.get('/', elsewhere), 'audience_mismatch');
  const session = await issuer.mint({ header: { typ: 'JWT' } });
  assertRefused(t, 'no access token', await gateway.get('/', session), 'type_mismatch');

  await issuer.rotate();
  t.equal((await gateway.get('/', await issuer.token())).status, 200, 'the next key at its first token');
  t.equal((await gateway.get('/', token)).status, 200, 'the one before still serves');
  await issuer.rotate({ keepOld: false });
  t.equal((await gateway.get('/', await issuer.token())).status, 200, 'a key that came alone');
  assertRefused(t, 'a token of a withdrawn key', await gateway.get('/', token), 'key_unknown');
  assertRefused(t, 'nobody', await gateway.get('/'), 'token_missing');
});

t.test('what the claims of a signed token must say', async (t) => {
  const clock = holdClock();
  const now = clock.now() / 1000;
  const { issuer, ...scene } = await startScene(
    t,
    {
      identity: { headers: { 'X-Verified-Subject': 'sub', 'X-Level': 'level' } },
      failureLimit: null,
    },
    {
      clock,
      trust: {
        audience: ['api://orders', 'api://stock'],
        maxLifetime: '1h',
        requiredClaims: ['sub'],
        claims: { tenant: { oneOf: ['acme'] } },
      },
    },
  );
  const { issuer: iss, audience: aud } = issuer;
  const table: Verdicts<object> = {
    ok: {
      'an ordinary one': {},
      'the greatest exact integer': { level: 2 ** 53 - 1 },
      'exp with a fraction': { exp: now + 60.5 },
      'exp a second within the tolerance of five': { exp: now - 4 },
      'nbf at the very end of the tolerance': { nbf: now + 5 },
      'a lifetime as long as allowed': { exp: now + 3600 },
      'aud of two': { aud: ['api://other', aud] },
      'the second audience': { aud: 'api://stock' },
    },
    token_malformed: {
      'iss as a list': { iss: [iss] },
      'iss as a number': { iss: 1 },
      'sub that is a number': { sub: 5 },
      'jti that is a list': { jti: ['a'] },
      'client_id that is an object': { client_id: {} },
      'a mapped integer beyond 2^53-1': { level: 2 ** 53 },
      'exp negative': { exp: -1 },
      'exp as text': { exp: String(now + 60) },
      'exp as a list': { exp: [now + 60] },
      'exp true': { exp: true },
      'nbf as text': { nbf: '1' },
      'nbf negative': { nbf: -1 },
      'iat as text': { iat: '1' },
      'a number beside the audience': { aud: [aud, 1] },
      'a list in the list': { aud: [[aud]] },
      'aud as an object': { aud: { [aud]: true } },
    },
    issuer_unknown: {
      'no iss': { iss: undefined },
      'an empty iss': { iss: '' },
      'a prefix of the issuer': { iss: iss.slice(0, -1) },
      'a slash after the issuer': { iss: `${iss}/` },
      'the issuer in capitals': { iss: iss.toUpperCase() },
      'the issuer and a space': { iss: `${iss} ` },
    },
    token_expired: { 'exp 0': { exp: 0 }, 'exp at the very end of the tolerance': { exp: now - 5 } },
    token_not_yet_valid: {
      'nbf a second beyond the tolerance': { nbf: now + 6 },
      'nbf at the end of all time': { nbf: 1e300 },
    },
    token_lifetime_exceeded: {
      'a lifetime a second too long': { exp: now + 3601 },
      'exp at the end of all time': { exp: 1e300 },
    },
    audience_mismatch: {
      'no aud': { aud: undefined },
      'no audience in the list': { aud: [] },
      'a prefix of the audience': { aud: aud.slice(0, -1) },
      'more than the audience': { aud: `${aud}/` },
      'two audiences in one text': { aud: `${aud} api://stock` },
    },
    claim_missing: {
      'no exp': { exp: undefined },
      'exp null': { exp: null },
      'no iat to measure a lifetime from': { iat: undefined },
      'no sub': { sub: undefined },
      'an empty sub': { sub: '' },
      'no tenant': { tenant: undefined },
    },
    claim_mismatch: {
      'another tenant': { tenant: 'evil' },
      'a list around the tenant': { tenant: ['acme'] },
    },
    type_mismatch: {
      'a logout token with no type of its own': { events: { 'https://x.example/logout': {} } },
    },
    binding_mismatch: {
      'bound to a DPoP key': { cnf: { jkt: 'x' } },
      'bound to a certificate': { cnf: { 'x5t#S256': 'x' } },
      'bound to something unknown': { cnf: {} },
    },
  };
  await scene.judges(t, table, (claims) => ({
    headers: bearer(issuer.mint({ claims: { iat: now, exp: now + 300, tenant: 'acme', ...claims } })),
  }));
});

t.test('an issuer’s keys sign for no other', async (t) => {
  const shared = await makeKey('RS256', { kid: 'shared' });
  const other = await startFakeIssuer(t, { keys: [await makeKey('RS256', { kid: 'shared' })] });
  const third = await startFakeIssuer(t);
  const { issuer, ...scene } = await startScene(
    t,
    { rules: [{ path: '/optional/*', auth: 'optional' }], failureLimit: null },
    {
      issuer: { keys: [shared] },
      others: [other, third].map(({ issuer, audience }) => ({ issuer, audience })),
    },
  );
  const as = (iss: string, by: typeof issuer, kid = by.signingKey.kid) =>
    bearer(by.mint({ claims: { iss }, header: { kid } }));
  for (const each of [issuer, other, third]) {
    const seen = await scene.allows(t, 'its own token', { headers: bearer(each.mint()) });
    t.equal(seen.header('x-verified-issuer'), each.issuer);
  }
  const table: Verdicts<Record<string, string>> = {
    signature_invalid: {
      'one kid at two issuers': as(other.issuer, issuer),
      'the other way round': as(issuer.issuer, other),
      'with the kid of the named issuer': as(third.issuer, issuer, third.signingKey.kid),
    },
    key_unknown: { 'a kid that the named issuer has not': as(issuer.issuer, third) },
    issuer_unknown: { 'an issuer that nobody configured': as('https://evil.example', issuer) },
  };
  await scene.judges(t, table, (headers) => ({ headers }));
  await scene.judges(t, table, (headers) => ({ path: '/optional/x', headers }));
});

t.test('an issuer whose tokens must be access tokens', async (t) => {
  const { issuer, ...scene } = await startScene(
    t,
    { failureLimit: null },
    { trust: { tokenType: 'at+jwt' } },
  );
  const types: Verdicts<unknown> = {
    ok: { short: 'at+jwt', long: 'application/at+jwt', 'in capitals': 'AT+JWT' },
    type_mismatch: {
      none: undefined,
      null: null,
      empty: '',
      'of any JWT': 'JWT',
      'with a space': 'at+jwt ',
      'a list': ['at+jwt'],
    },
  };
  await scene.judges(t, types, (typ) => ({ headers: bearer(issuer.mint({ header: { typ } })) }));
  for (const claim of ['sub', 'client_id', 'iat', 'jti']) {
    const headers = bearer(issuer.mint({ claims: { [claim]: undefined } }));
    await scene.refuses(t, `RFC 9068 without ${claim}`, { headers }, 'claim_missing');
  }
});
