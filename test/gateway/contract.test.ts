import t from 'tap';
import type { Reason } from '../../src/errors.ts';
import { startEcho } from '../helpers/echo.ts';
import { forge, part } from '../helpers/forge.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startDemoIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';

const audience = 'api://orders';
const now = () => Math.floor(Date.now() / 1000);

t.test('a token that a real issuer gave', async (t) => {
  const issuer = await startDemoIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience, tokenType: 'at+jwt', maxLifetime: '1h' }],
  });
  const token = await issuer.token({ scope: 'orders:read orders:write' });
  for (const cached of [false, true]) {
    const answer = await gateway.get('/orders/42?a=b', token, { 'X-Verified-Subject': 'root' });
    t.equal(answer.status, 200);
    const seen = new Map<string, string>(
      answer.json().headers.map(([name, value]: string[]) => [name, value]),
    );
    t.equal(seen.get('X-Verified-Subject'), 'demo', 'the client’s own is gone');
    t.equal(seen.get('X-Verified-Issuer'), issuer.issuer);
    t.equal(seen.get('X-Verified-Client-Id'), 'demo');
    t.equal(seen.get('X-Verified-Scope'), 'orders:read orders:write');
    t.equal(answer.json().url, '/orders/42?a=b');
    t.notOk(
      [...seen.keys()].some((name) => name.toLowerCase() === 'authorization'),
      'the token is gone',
    );
    const line = await gateway.line(seen.get('X-Request-Id'));
    t.match(line, { decision: 'allow', reason: 'ok', status: 200, cached, issuer: issuer.issuer });
  }
  await issuer.rotate({ keepOld: false });
  t.equal((await gateway.get('/', await issuer.token())).status, 200, 'the new key at once');
  const old = await gateway.get('/', token);
  t.equal(old.status, 401, 'the withdrawn one no longer, though its verdict was cached');
  t.equal(old.json().code, 'key_unknown');
});

t.test('every row of the table about tokens', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['RS256', 'ES256'] });
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [
      {
        issuer: issuer.issuer,
        audience,
        maxLifetime: '1h',
        requiredClaims: ['sub'],
        claims: { tenant: { oneOf: ['acme'] } },
      },
    ],
    rules: [
      { name: 'scoped', path: '/scoped/*', scopes: ['orders:admin'] },
      { name: 'claimed', path: '/claimed/*', claims: { role: { equals: 'admin' } } },
      { name: 'elsewhere', path: '/elsewhere/*', issuers: [issuer.issuer] },
    ],
    identity: { headers: { 'X-Verified-Subject': 'sub', 'X-Number': 'number' } },
    failureLimit: null,
  });
  const stranger = await makeKey('RS256');
  const claims = { tenant: 'acme' };
  const mint = (more: object = {}, header: object = {}) =>
    issuer.mint({ claims: { ...claims, ...more }, header: { ...header } });
  const good = mint();
  const [head = '', payload = '', signature = ''] = good.split('.');
  const key = issuer.signingKey;
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' }) as string;

  const cases: {
    name: string;
    token: string | undefined;
    code: Reason | null;
    path?: string;
    status?: number;
  }[] = [
    { name: 'a good one', token: good, code: null },
    { name: 'none at all', token: undefined, code: 'token_missing' },
    { name: 'no dots', token: 'x', code: 'token_malformed' },
    { name: 'two parts', token: `${head}.${payload}`, code: 'token_malformed' },
    { name: 'a million dots would do as well', token: '.'.repeat(8000), code: 'token_malformed' },
    { name: 'padding', token: `${head}=.${payload}.${signature}`, code: 'token_malformed' },
    { name: 'a list as payload', token: `${head}.${part('[]')}.${signature}`, code: 'token_malformed' },
    {
      name: 'a member twice',
      token: `${head}.${part('{"iss":"a","iss":"b"}')}.${signature}`,
      code: 'token_malformed',
    },
    { name: 'iss that is a list', token: mint({ iss: [issuer.issuer] }), code: 'token_malformed' },
    { name: 'exp that is a string', token: mint({ exp: String(now() + 60) }), code: 'token_malformed' },
    { name: 'aud with a number in it', token: mint({ aud: [audience, 1] }), code: 'token_malformed' },
    { name: 'a mapped integer that is not exact', token: mint({ number: 2 ** 53 }), code: 'token_malformed' },
    { name: 'too long', token: `${good}${'A'.repeat(16_384)}`, code: 'token_too_large' },
    { name: 'alg none', token: `${part({ alg: 'none' })}.${payload}.`, code: 'algorithm_not_allowed' },
    { name: 'alg nOnE', token: `${part({ alg: 'nOnE' })}.${payload}.`, code: 'algorithm_not_allowed' },
    {
      name: 'HS256 with the public key',
      token: forge({
        header: { alg: 'HS256', kid: key.kid },
        payload: Buffer.from(payload, 'base64url').toString(),
        alg: 'HS256',
        key: pem,
      }),
      code: 'algorithm_not_allowed',
    },
    {
      name: 'an algorithm that is not listed',
      token: issuer.mint({ claims, key: issuer.keys[1]! }),
      code: 'algorithm_not_allowed',
    },
    { name: 'crit', token: mint({}, { crit: ['exp'] }), code: 'header_not_supported' },
    { name: 'b64', token: mint({}, { b64: false }), code: 'header_not_supported' },
    { name: 'five parts', token: `${head}.a.b.c.d`, code: 'header_not_supported' },
    { name: 'a logout token', token: mint({}, { typ: 'logout+jwt' }), code: 'type_mismatch' },
    { name: 'another issuer', token: mint({ iss: 'https://other.example' }), code: 'issuer_unknown' },
    { name: 'a slash more', token: mint({ iss: `${issuer.issuer}/` }), code: 'issuer_unknown' },
    { name: 'a kid that is a path', token: mint({}, { kid: '../../dev/null' }), code: 'key_unknown' },
    { name: 'no kid, and one key that fits', token: mint({}, { kid: undefined }), code: null },
    {
      name: 'a key of nobody’s',
      token: issuer.mint({ claims, header: { kid: key.kid }, key: stranger }),
      code: 'signature_invalid',
    },
    {
      name: 'its own key in the header',
      token: issuer.mint({ claims, header: { kid: key.kid, jwk: stranger.publicJwk }, key: stranger }),
      code: 'signature_invalid',
    },
    { name: 'no signature', token: `${head}.${payload}.`, code: 'signature_invalid' },
    { name: 'expired', token: mint({ exp: now() - 60 }), code: 'token_expired' },
    { name: 'not yet valid', token: mint({ nbf: now() + 60 }), code: 'token_not_yet_valid' },
    { name: 'valid for too long', token: mint({ exp: now() + 7200 }), code: 'token_lifetime_exceeded' },
    { name: 'for another audience', token: mint({ aud: 'api://billing' }), code: 'audience_mismatch' },
    { name: 'a prefix of the audience', token: mint({ aud: 'api://order' }), code: 'audience_mismatch' },
    { name: 'no exp', token: mint({ exp: undefined }), code: 'claim_missing' },
    { name: 'no sub', token: mint({ sub: null }), code: 'claim_missing' },
    { name: 'no tenant', token: mint({ tenant: '' }), code: 'claim_missing' },
    { name: 'another tenant', token: mint({ tenant: 'other' }), code: 'claim_mismatch' },
    { name: 'bound to a key', token: mint({ cnf: { jkt: 'x' } }), code: 'binding_mismatch' },
    { name: 'a scope short', token: mint(), path: '/scoped/x', code: 'scope_insufficient', status: 403 },
    { name: 'a claim short', token: mint(), path: '/claimed/x', code: 'rule_denied', status: 403 },
  ];
  for (const { name, token, code, path = '/', status = 401 } of cases) {
    const before = echo.seen.length;
    const answer = await gateway.get(path, token);
    t.equal(answer.status, code === null ? 200 : status, name);
    if (code === null) continue;
    t.equal(answer.json().code, code, name);
    t.equal(echo.seen.length, before, `${name}: the upstream sees nothing`);
    t.match((await gateway.line(answer.header('x-request-id'))).reason, code, name);
  }
  t.equal(
    (await gateway.get('/scoped/x', mint())).header('www-authenticate'),
    'Bearer realm="api", error="insufficient_scope", scope="orders:admin"',
  );
  t.equal(await gateway.metric('jwks_sidecar_refusals_total{reason="binding_mismatch"}'), 1);
  t.equal(
    await gateway.metric(
      `jwks_sidecar_decisions_total{decision="deny",reason="audience_mismatch",issuer="${issuer.issuer}"}`,
    ),
    2,
  );
});

t.test('the first failure answers', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience }],
    token: { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] },
    rules: [
      { path: '/denied/*', scopes: ['none:such'], claims: { role: { equals: 'none' } } },
      { path: '/open/*', auth: 'none' },
      { path: '/*' },
    ],
    unmatched: 'deny',
    failureLimit: { max: 1 },
  });
  const stranger = await makeKey('RS256');
  const { kid } = issuer.signingKey;
  const expired = { exp: 1, aud: 'x', nbf: 4e9 };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const cases: {
    name: string;
    path?: string;
    method?: string;
    headers?: Record<string, string>;
    code: Reason;
  }[] = [
    { name: 'path before token', path: '/a/../b', headers: bearer('x'), code: 'path_ambiguous' },
    { name: 'method before path', path: '/a/../b', method: 'TRACE', code: 'method_not_allowed' },
    {
      name: 'ambiguity before csrf',
      method: 'POST',
      headers: { cookie: `session=x; session=${issuer.mint()}` },
      code: 'token_ambiguous',
    },
    {
      name: 'csrf before the token',
      method: 'POST',
      headers: { cookie: 'session=x' },
      code: 'csrf_rejected',
    },
    {
      name: 'issuer before key',
      headers: bearer(issuer.mint({ claims: { iss: 'x' }, header: { kid: 'none' } })),
      code: 'issuer_unknown',
    },
    {
      name: 'and then the block, before all about the token',
      headers: bearer(issuer.mint({ claims: expired, key: stranger })),
      code: 'client_blocked',
    },
    { name: 'path before the block', path: '/a/%2e%2e/b', headers: bearer('x'), code: 'path_ambiguous' },
    { name: 'no token is no forgery', code: 'token_missing' },
  ];
  for (const { name, code, ...options } of cases) {
    t.equal((await gateway.request(options)).json().code, code, name);
  }
  const second = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience }],
    rules: [{ path: '/denied/*', scopes: ['none:such'], claims: { role: { equals: 'none' } } }],
    failureLimit: null,
  });
  const order: { name: string; token: string; code: Reason; path?: string }[] = [
    {
      name: 'signature before times',
      token: issuer.mint({ claims: expired, header: { kid }, key: stranger }),
      code: 'signature_invalid',
    },
    {
      name: 'key before signature',
      token: issuer.mint({ claims: expired, key: stranger }),
      code: 'key_unknown',
    },
    {
      name: 'header before issuer',
      token: issuer.mint({ claims: { iss: 'x' }, header: { crit: [] } }),
      code: 'header_not_supported',
    },
    {
      name: 'times before audience',
      token: issuer.mint({ claims: { exp: 1, aud: 'x' } }),
      code: 'token_expired',
    },
    {
      name: 'audience before a missing exp',
      token: issuer.mint({ claims: { exp: undefined, aud: 'x' } }),
      code: 'audience_mismatch',
    },
    {
      name: 'the token before its scopes',
      token: issuer.mint({ claims: { exp: 1 } }),
      path: '/denied/x',
      code: 'token_expired',
    },
    { name: 'scopes before claims', token: issuer.mint(), path: '/denied/x', code: 'scope_insufficient' },
  ];
  for (const { name, token, code, path = '/' } of order)
    t.equal((await second.get(path, token)).json().code, code, name);
});
