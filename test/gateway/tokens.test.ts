import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startDemoIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { holdClock } from './held-clock.ts';
import type { Refused } from './refusals.ts';
import { assertRefused, bearer, sight, startScene } from './scene.ts';

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
  const now = Math.floor(clock.now() / 1000);
  const { issuer, ...scene } = await startScene(
    t,
    {
      identity: { headers: { 'X-Verified-Subject': 'sub', 'X-Level': 'level' } },
      rules: [
        { path: '/scoped/*', scopes: ['orders:read', 'orders:admin'] },
        { path: '/claimed/*', claims: { role: { equals: 'admin' } } },
      ],
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
  const cases: [name: string, claims: object, wanted: Refused | 'ok', path?: string][] = [
    ['an ordinary one', {}, 'ok'],

    ['iss as a list', { iss: [iss] }, 'token_malformed'],
    ['iss as a number', { iss: 1 }, 'token_malformed'],
    ['no iss', { iss: undefined }, 'issuer_unknown'],
    ['an empty iss', { iss: '' }, 'issuer_unknown'],
    ['a prefix of the issuer', { iss: iss.slice(0, -1) }, 'issuer_unknown'],
    ['a slash after the issuer', { iss: `${iss}/` }, 'issuer_unknown'],
    ['the issuer in capitals', { iss: iss.toUpperCase() }, 'issuer_unknown'],
    ['the issuer and a space', { iss: `${iss} ` }, 'issuer_unknown'],

    ['sub that is a number', { sub: 5 }, 'token_malformed'],
    ['jti that is a list', { jti: ['a'] }, 'token_malformed'],
    ['client_id that is an object', { client_id: {} }, 'token_malformed'],
    ['a mapped integer beyond 2^53-1', { level: 2 ** 53 }, 'token_malformed'],
    ['the greatest exact integer', { level: 2 ** 53 - 1 }, 'ok'],

    ['no exp', { exp: undefined, iat: undefined }, 'claim_missing'],
    ['exp null', { exp: null }, 'claim_missing'],
    ['exp 0', { exp: 0 }, 'token_expired'],
    ['exp negative', { exp: -1 }, 'token_malformed'],
    ['exp as text', { exp: String(now + 60) }, 'token_malformed'],
    ['exp as a list', { exp: [now + 60] }, 'token_malformed'],
    ['exp true', { exp: true }, 'token_malformed'],
    ['exp with a fraction', { exp: now + 60.5 }, 'ok'],
    ['exp at the end of all time', { exp: 1e300 }, 'token_lifetime_exceeded'],
    ['exp a second within the tolerance', { exp: now - 4 }, 'ok'],
    ['exp a second beyond it', { exp: now - 6 }, 'token_expired'],
    ['nbf a second within the tolerance', { nbf: now + 4 }, 'ok'],
    ['nbf a second beyond it', { nbf: now + 7 }, 'token_not_yet_valid'],
    ['nbf as text', { nbf: '1' }, 'token_malformed'],
    ['nbf negative', { nbf: -1 }, 'token_malformed'],
    ['nbf at the end of all time', { nbf: 1e300 }, 'token_not_yet_valid'],
    ['iat as text', { iat: '1' }, 'token_malformed'],
    ['no iat to measure a lifetime from', { iat: undefined }, 'claim_missing'],
    ['a lifetime as long as allowed', { iat: now, exp: now + 3600 }, 'ok'],
    ['a lifetime a second longer', { iat: now, exp: now + 3601 }, 'token_lifetime_exceeded'],

    ['no aud', { aud: undefined }, 'audience_mismatch'],
    ['aud of two', { aud: ['api://other', aud] }, 'ok'],
    ['the second audience', { aud: 'api://stock' }, 'ok'],
    ['no audience in the list', { aud: [] }, 'audience_mismatch'],
    ['a number beside the audience', { aud: [aud, 1] }, 'token_malformed'],
    ['a list in the list', { aud: [[aud]] }, 'token_malformed'],
    ['aud as an object', { aud: { [aud]: true } }, 'token_malformed'],
    ['a prefix of the audience', { aud: aud.slice(0, -1) }, 'audience_mismatch'],
    ['more than the audience', { aud: `${aud}/` }, 'audience_mismatch'],
    ['two audiences in one text', { aud: `${aud} api://stock` }, 'audience_mismatch'],

    ['no sub', { sub: undefined }, 'claim_missing'],
    ['an empty sub', { sub: '' }, 'claim_missing'],
    ['no tenant', { tenant: undefined }, 'claim_missing'],
    ['another tenant', { tenant: 'evil' }, 'claim_mismatch'],
    ['a list around the tenant', { tenant: ['acme'] }, 'claim_mismatch'],

    [
      'a logout token with no type of its own',
      { events: { 'https://x.example/logout': {} } },
      'type_mismatch',
    ],
    ['bound to a DPoP key', { cnf: { jkt: 'x' } }, 'binding_mismatch'],
    ['bound to a certificate', { cnf: { 'x5t#S256': 'x' } }, 'binding_mismatch'],
    ['bound to something unknown', { cnf: {} }, 'binding_mismatch'],

    ['one scope of two', {}, 'scope_insufficient', '/scoped/x'],
    ['both scopes', { scope: 'orders:admin x orders:read' }, 'ok', '/scoped/x'],
    ['scopes as a list', { scope: ['orders:admin', 'orders:read'] }, 'ok', '/scoped/x'],
    ['scopes in scp', { scope: undefined, scp: ['orders:admin', 'orders:read'] }, 'ok', '/scoped/x'],
    ['scopes divided by a comma', { scope: 'orders:admin,orders:read' }, 'scope_insufficient', '/scoped/x'],
    ['scopes as an object', { scope: { 'orders:admin': 1 } }, 'scope_insufficient', '/scoped/x'],
    ['the role', { role: 'admin' }, 'ok', '/claimed/x'],
    ['another role', { role: 'Admin' }, 'rule_denied', '/claimed/x'],
    ['no role', {}, 'rule_denied', '/claimed/x'],
  ];
  for (const [name, claims, wanted, path = '/'] of cases) {
    const token = issuer.mint({ claims: { iat: now, exp: now + 300, tenant: 'acme', ...claims } });
    const request = { path, headers: bearer(token) };
    if (wanted === 'ok') await scene.allows(t, name, request);
    else await scene.refuses(t, name, request, wanted);
  }
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
  const cases: [name: string, headers: Record<string, string>, reason: Refused][] = [
    ['one kid at two issuers', as(other.issuer, issuer), 'signature_invalid'],
    ['the other way round', as(issuer.issuer, other), 'signature_invalid'],
    ['a kid that the named issuer has not', as(issuer.issuer, third), 'key_unknown'],
    ['with the kid of the named issuer', as(third.issuer, issuer, third.signingKey.kid), 'signature_invalid'],
    ['an issuer that nobody configured', as('https://evil.example', issuer), 'issuer_unknown'],
  ];
  for (const [name, headers, reason] of cases) {
    await scene.refuses(t, name, { headers }, reason);
    await scene.refuses(t, `${name}, where a token is optional`, { path: '/optional/x', headers }, reason);
  }
});

t.test('an issuer whose tokens must be access tokens', async (t) => {
  const { issuer, ...scene } = await startScene(
    t,
    { failureLimit: null },
    { trust: { tokenType: 'at+jwt' } },
  );
  const types: [typ: unknown, wanted: Refused | 'ok'][] = [
    ['at+jwt', 'ok'],
    ['application/at+jwt', 'ok'],
    ['AT+JWT', 'ok'],
    ['JWT', 'type_mismatch'],
    [undefined, 'type_mismatch'],
    [null, 'type_mismatch'],
    ['', 'type_mismatch'],
    ['at+jwt ', 'type_mismatch'],
    [['at+jwt'], 'type_mismatch'],
  ];
  for (const [typ, wanted] of types) {
    const request = { headers: bearer(issuer.mint({ header: { typ } })) };
    if (wanted === 'ok') await scene.allows(t, `typ ${typ}`, request);
    else await scene.refuses(t, `typ ${typ}`, request, wanted);
  }
  for (const claim of ['sub', 'client_id', 'iat', 'jti']) {
    const headers = bearer(issuer.mint({ claims: { [claim]: undefined } }));
    await scene.refuses(t, `RFC 9068 without ${claim}`, { headers }, 'claim_missing');
  }
});
