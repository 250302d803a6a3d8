import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { ExplainInput, Explanation } from '../../src/explain/explain.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { request } from '../helpers/request.ts';

interface Scene {
  readonly issuer: FakeIssuer;
  readonly gateway: TestGateway;
  explain(input: ExplainInput): Promise<Explanation>;
}

async function start(t: Test, config: Partial<ConfigInput> = {}, trust = {}): Promise<Scene> {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience, ...trust }],
    failureLimit: null,
    ...config,
  });
  return {
    issuer,
    gateway,
    async explain(input) {
      const explanation = await gateway.server.explain(input);
      // Whatever is explained is what the traffic port does.
      const { method = 'GET', path = '/', token } = input;
      const answer = await gateway.request({
        method,
        path,
        headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      });
      t.equal(explanation.status, answer.status, 'the same status');
      if (explanation.decision === 'deny' && method !== 'HEAD')
        t.match(answer.json(), { code: explanation.reason }, 'for the same reason');
      const text = JSON.stringify(explanation);
      for (const part of token.split('.'))
        t.notOk(part.length > 15 && text.includes(part), 'nothing of the token');
      return explanation;
    },
  };
}

function failed({ steps }: Explanation) {
  const index = steps.findIndex(({ outcome }) => outcome === 'failed');
  const after = steps.slice(index + 1);
  const consistent =
    steps.slice(0, Math.max(0, index)).every(({ outcome }) => outcome === 'passed') &&
    (index < 0 || after.every(({ outcome }) => outcome === 'not reached'));
  return consistent ? (steps[index] ?? null) : 'steps out of order';
}

t.test('a good token passes every check', async (t) => {
  const { explain, issuer } = await start(t);
  const explanation = await explain({ token: issuer.mint(), path: '/orders' });
  t.match(explanation, {
    allowed: true,
    decision: 'allow',
    reason: 'ok',
    status: 200,
    method: 'GET',
    path: '/orders',
    rule: { name: 'default', auth: 'required', upstream: 'default' },
    issuer: issuer.issuer,
  });
  t.ok(explanation.steps.every(({ outcome }) => outcome === 'passed'));
});

const hour = 3600;
const now = () => Math.floor(Date.now() / 1000);

t.test('an expired token is said to count as none where a cookie may hold it', async (t) => {
  const rules = [{ path: '/maybe', auth: 'optional' as const }];
  const sources = [{ type: 'bearer' as const }, { type: 'cookie' as const, name: 'session' }];
  const { explain, issuer } = await start(t, { rules, token: { sources } });
  const late = issuer.mint({ claims: { exp: now() - hour } });
  const hintAt = async (path: string) =>
    (await explain({ token: late, path })).steps.find(({ check }) => check === 'expiry')?.hint;
  t.equal(await hintAt('/maybe'), 'expired 1 h ago; in a cookie it counts as no token on this rule');
  t.equal(await hintAt('/other'), 'expired 1 h ago');
});

t.test('each check says what it expected, what it got, and what may help', async (t) => {
  const { explain, issuer } = await start(
    t,
    {
      rules: [
        { path: '/scoped', scopes: ['read', 'write'] },
        { path: '/any', anyScope: ['a', 'b'] },
        { name: 'admins', path: '/admin', claims: { roles: { contains: 'admin' } } },
        { path: '/public/*', auth: 'none' },
        { path: '/maybe', auth: 'optional' },
      ],
    },
    { requiredClaims: ['tid'], claims: { azp: { equals: 'web' } }, maxLifetime: '2h' },
  );
  const mint = (claims: object = {}, header = {}) =>
    issuer.mint({ claims: { tid: 't', azp: 'web', iat: now(), exp: now() + hour, ...claims }, header });
  const stranger = await makeKey('RS256');
  const forged = `${mint().slice(0, -8)}AAAAAAAA`;
  const cases: Readonly<Record<string, { readonly input: ExplainInput; readonly found: object | null }>> = {
    'no token': {
      input: { token: '' },
      found: { check: 'token', reason: 'token_missing', hint: /Authorization: Bearer;/ },
    },
    'no token where none is needed': { input: { token: '', path: '/maybe' }, found: null },
    'a forged one where none is looked at': { input: { token: forged, path: '/public/x' }, found: null },
    'a dot segment': {
      input: { token: mint(), path: '/a/../b' },
      found: { check: 'path', reason: 'path_ambiguous', hint: /dot segment/ },
    },
    opaque: {
      input: { token: 'a1b2c3d4' },
      found: { check: 'form', reason: 'token_malformed', hint: /opaque/ },
    },
    'without a signature': {
      input: { token: 'e30.e30' },
      found: { check: 'form', hint: /signature is missing/ },
    },
    encrypted: {
      input: { token: 'e30.a.b.c.d' },
      found: { check: 'form', reason: 'header_not_supported', hint: /JWE/ },
    },
    padded: { input: { token: 'e30=.e30.AA' }, found: { check: 'form', hint: /padding/ } },
    'too large': {
      input: { token: 'x'.repeat(17_000) },
      found: { check: 'form', reason: 'token_too_large', expected: /16384/, got: /17000/ },
    },
    'a shared secret': {
      input: { token: mint({}, { alg: 'HS256' }) },
      found: { check: 'algorithm', expected: 'RS256', got: 'HS256', hint: /shared secret/ },
    },
    'another algorithm': {
      input: { token: mint({}, { alg: 'ES256' }) },
      found: { check: 'algorithm', hint: /add ES256/ },
    },
    crit: {
      input: { token: mint({}, { crit: ['b64'], b64: false }) },
      found: { check: 'header', got: 'crit, b64' },
    },
    'a logout token': {
      input: { token: mint({}, { typ: 'logout+jwt' }) },
      found: { check: 'type', hint: /logout token/ },
    },
    'a slash': {
      input: { token: mint({ iss: `${issuer.issuer}/` }) },
      found: { check: 'issuer', reason: 'issuer_unknown', hint: /trailing slash/ },
    },
    'another scheme': {
      input: { token: mint({ iss: issuer.issuer.replace('http:', 'https:') }) },
      found: { check: 'issuer', hint: /http and https/ },
    },
    'another realm': {
      input: { token: mint({ iss: `${issuer.issuer}/realms/b` }) },
      found: { hint: /another path/ },
    },
    'another issuer': {
      input: { token: mint({ iss: 'https://b.example' }) },
      found: { got: 'https://b.example' },
    },
    'an unknown key': {
      input: { token: issuer.mint({ key: stranger }) },
      found: {
        check: 'key',
        reason: 'key_unknown',
        hint: /is not among the issuer's keys \(.*, fetched .* ago\)/,
      },
    },
    'a bad signature': {
      input: { token: forged },
      found: { check: 'signature', reason: 'signature_invalid' },
    },
    'a number for a string': {
      input: { token: mint({ sub: 7 }) },
      found: { check: 'claim_types', got: 'sub 7' },
    },
    'a date in quotes': {
      input: { token: mint({ exp: `${now() + hour}` }) },
      found: { check: 'claim_types', hint: /without quotes/ },
    },
    'an integer that is not exact': {
      input: { token: mint({ roles: [2 ** 53] }) },
      found: { check: 'claim_types', got: 'roles [9007199254740992]', hint: /as a string/ },
    },
    'a date in milliseconds': {
      input: { token: mint({ nbf: now() * 1000 }) },
      found: { check: 'not_before', hint: /milliseconds/ },
    },
    'a lifetime in milliseconds': {
      input: { token: mint({ exp: now() * 1000 }) },
      found: { check: 'lifetime', hint: /milliseconds/ },
    },
    expired: {
      input: { token: mint({ exp: now() - 3 * hour, iat: now() - 4 * hour }) },
      found: { check: 'expiry', reason: 'token_expired', hint: 'expired 3 h ago' },
    },
    'not yet': {
      input: { token: mint({ nbf: now() + 650 }) },
      found: { check: 'not_before', hint: /becomes valid in 10 min/ },
    },
    'too long': {
      input: { token: mint({ exp: now() + 5 * hour }) },
      found: { check: 'lifetime', expected: /2 h/, got: '5 h' },
    },
    'another audience': {
      input: { token: mint({ aud: 'api://billing' }) },
      found: {
        check: 'audience',
        reason: 'audience_mismatch',
        hint: `this token is for api://billing; this sidecar accepts ${issuer.audience}`,
      },
    },
    'an ID token': {
      input: { token: mint({ aud: 'web', nonce: 'n' }) },
      found: { check: 'audience', hint: /ID token/ },
    },
    'no audience': {
      input: { token: mint({ aud: undefined }) },
      found: { check: 'audience', got: 'missing' },
    },
    'an audience with a slash': {
      input: { token: mint({ aud: `${issuer.audience}/` }) },
      found: { check: 'audience', hint: /slash/ },
    },
    'a claim that is missing': {
      input: { token: mint({ tid: undefined }) },
      found: { check: 'required_claims', reason: 'claim_missing', got: 'without tid' },
    },
    'a claim of the issuer': {
      input: { token: mint({ azp: 'app' }) },
      found: { check: 'issuer_claims', reason: 'claim_mismatch', expected: 'azp equals "web"', got: 'app' },
    },
    'a security event': {
      input: { token: mint({ events: {} }) },
      found: { check: 'purpose', reason: 'type_mismatch' },
    },
    'bound to a key': {
      input: { token: mint({ cnf: { jkt: 'x' } }) },
      found: { check: 'binding', hint: /DPoP/ },
    },
    'a scope': {
      input: { token: mint({ scope: 'read' }), path: '/scoped' },
      found: { check: 'scopes', expected: 'all of: read, write', got: 'read', hint: 'the token lacks write' },
    },
    'any scope': {
      input: { token: mint({ scope: 'c' }), path: '/any' },
      found: { check: 'scopes', expected: 'one of: a, b' },
    },
    'roles for scopes': {
      input: { token: mint({ scope: undefined, roles: ['read'] }), path: '/any' },
      found: { check: 'scopes', got: 'none', hint: /"roles"/ },
    },
    'a claim of the rule': {
      input: { token: mint({ roles: ['user'] }), path: '/admin' },
      found: {
        check: 'rule_claims',
        reason: 'rule_denied',
        expected: 'roles contains "admin"',
        got: '["user"]',
      },
    },
    'a claim that is elsewhere': {
      input: { token: mint({ realm_access: { roles: ['admin'] } }), path: '/admin' },
      found: { check: 'rule_claims', got: 'missing', hint: /a "realm_access.roles"/ },
    },
  };
  for (const [name, { input, found }] of Object.entries(cases)) {
    const step = failed(await explain(input));
    if (found === null) t.equal(step, null, name);
    else t.match(step, found, name);
  }
});

t.test('methods are judged as on the wire', async (t) => {
  const { gateway, issuer } = await start(t, {
    rules: [{ name: 'read', path: '/x', methods: ['GET'], auth: 'none' }],
  });
  const token = issuer.mint();
  for (const method of ['GET', 'HEAD', 'POST', 'PROPFIND', 'TRACE', 'CONNECT', 'FOO', 'G\u00c4T', '']) {
    const explanation = await gateway.server.explain({ token, method, path: '/x' });
    const connection = await gateway.raw();
    const target = method === 'CONNECT' ? 'a:1' : '/x';
    await connection.send(
      `${method} ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    const { status } = await connection.response({ head: method === 'HEAD' });
    t.equal(explanation.status, status, `${method}: ${status}`);
    if (status !== 200) t.match(failed(explanation), { check: 'method', expected: /TRACE and CONNECT/ });
    connection.reset();
  }
  t.match(await gateway.server.explain({ token, method: 'post', path: '/x' }), {
    method: 'POST',
    rule: { name: 'default' },
  });
});

t.test('checks that pass have their remarks', async (t) => {
  const trust = { audience: null, clockTolerance: '1h' };
  const rules = [
    { name: 'read', path: '/x', methods: ['GET' as const], auth: 'none' as const },
    { name: 'maybe', path: '/maybe', auth: 'optional' as const },
  ];
  const { explain, issuer } = await start(t, { rules }, trust);
  const step = async (check: string, input: ExplainInput) => {
    const { allowed, steps } = await explain(input);
    return { allowed, ...steps.find((each) => each.check === check) };
  };
  const passed = { allowed: true, outcome: 'passed' };
  const token = issuer.mint();
  t.match(await step('rule', { token, path: '/x' }), { ...passed, hint: /no token is looked at/ });
  t.match(await step('token', { token, path: '/x' }), { outcome: 'not reached', hint: undefined });
  t.match(await step('rule', { token, path: '/x', method: 'HEAD' }), { ...passed, hint: /no token/ });
  t.match(await step('token', { token: '', path: '/maybe' }), { ...passed, got: 'none', hint: /optional/ });
  t.match(await step('audience', { token }), { ...passed, hint: /not checked/ });
  const late = issuer.mint({ claims: { exp: now() - 120 } });
  t.match(await step('expiry', { token: late }), {
    ...passed,
    hint: 'it expired 2 min ago, within the tolerance of 1 h',
  });
  const early = issuer.mint({ claims: { nbf: now() + 150 } });
  t.match(await step('not_before', { token: early }), {
    ...passed,
    hint: /valid in 2 min, within the tolerance/,
  });
});

t.test('the path is the one that the rules match, without what no log may hold', async (t) => {
  const { gateway, issuer } = await start(t, {
    rules: [{ path: '/t/:tenant', claims: { sub: { equals: '{tenant}' } } }],
  });
  const token = issuer.mint();
  const cases = [
    ['/caf%c3%a9?access_token=x#', '/caf%c3%a9'],
    ['/caf%c3%a9?access_token=x', '/caf%C3%A9'],
    ['//a', '/a'],
    ['/a/../\u001b[2J?x', '/a/../\\u001b[2J'],
    [`/t/${token}`, '/t/[masked]'],
  ] as const;
  for (const [path, shown] of cases) {
    const explanation = await gateway.server.explain({ token, path });
    t.equal(explanation.path, shown, path.slice(0, 20));
    const said = JSON.stringify(explanation);
    for (const part of token.split('.')) t.notOk(said.includes(part.slice(0, 16)), 'no token');
  }
});

t.test('no rule, another method, and report mode', async (t) => {
  const rules = [{ path: '/x', methods: ['GET' as const] }];
  const deny = await start(t, { rules, unmatched: 'deny' });
  t.match(failed(await deny.explain({ token: '', path: '/y' })), { check: 'rule', reason: 'path_not_found' });
  t.match(failed(await deny.explain({ token: '', path: '/x', method: 'HEAD' })), { check: 'token' });
  t.match(failed(await deny.explain({ token: '', path: '/x', method: 'POST' })), {
    hint: /^rule "0" matches this path for (GET, HEAD|HEAD, GET)$/,
  });
  t.match(failed(await deny.explain({ token: '', path: '/X' })), {
    check: 'path',
    reason: 'path_ambiguous',
    expected: /a server that ignores letter case, compatibility characters/,
    got: 'as written: no rule; for such a server: rule "0"',
    hint: /paths\.case: sensitive/,
  });
  const cased = { rules, unmatched: 'deny', paths: { case: 'sensitive' } } as const;
  t.match(failed(await (await start(t, cased)).explain({ token: '', path: '/X' })), {
    hint: /in lower case/,
  });
  const caseless = await start(t, { rules, unmatched: 'deny', paths: { case: 'insensitive' } });
  t.match(failed(await caseless.explain({ token: '', path: '/X.' })), {
    reason: 'path_ambiguous',
    expected: /a server that ignores compatibility characters/,
  });
  const named = await start(t, {
    rules: [
      { name: 'x', path: '/x' },
      { name: 'rest', path: '/*' },
    ],
  });
  t.match(failed(await named.explain({ token: '', path: '/x%20' })), {
    reason: 'path_ambiguous',
    got: 'as written: rule "rest"; for such a server: rule "x"',
  });
  const open = await start(t, { rules });
  t.match(failed(await open.explain({ token: '', path: '/X' })), {
    got: /^as written: no rule \(unmatched decides\)/,
  });
  const strict = { trailingSlash: 'strict' as const };
  const slashed = await start(t, { rules: [{ path: '/x/' }], unmatched: 'deny', paths: strict });
  t.match(failed(await slashed.explain({ token: '', path: '/x' })), { hint: /but for the slash/ });
  const report = await start(t, { mode: 'report' });
  const explanation = await report.explain({ token: '' });
  t.match(explanation, { allowed: false, decision: 'report', reason: 'token_missing', status: 200 });
});

t.test('a token however it was pasted', async (t) => {
  const { gateway, issuer } = await start(t);
  const token = issuer.mint();
  for (const given of [`Bearer ${token}`, ` ${token}\n`, `"${token}"`, `Authorization: bearer  ${token}`])
    t.ok((await gateway.server.explain({ token: given })).allowed, given.slice(0, 20));
});

t.test('what a token says cannot drive a terminal, and is cut', async (t) => {
  const { explain, issuer } = await start(t);
  const claims = { aud: `\u001b[2J${'x'.repeat(1000)}` };
  const step = failed(await explain({ token: issuer.mint({ claims }) }));
  t.match(step, { got: /^\\u001b\[2Jx+…$/ });
  t.ok(typeof step === 'object' && step !== null && (step.got ?? '').length < 250);
});

t.test('nothing is fetched, kept or counted', async (t) => {
  const { gateway, issuer } = await start(t, { failureLimit: { max: 1 } });
  const ask = async (token: string) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await request(gateway.admin, {
      method: 'POST',
      path: '/api/explain',
      headers,
      body: JSON.stringify({ token, path: '/x' }),
    });
    t.equal(answer.status, 200);
    t.equal(answer.header('cache-control'), 'no-store');
    return answer.json() as Explanation;
  };
  const before = { ...issuer.fetches };
  const lines = gateway.lines.length;
  t.ok((await ask(issuer.mint())).allowed);
  const stranger = await makeKey('RS256');
  for (let n = 0; n < 5; n++) t.equal((await ask(issuer.mint({ key: stranger }))).reason, 'key_unknown');
  t.same(issuer.fetches, before);
  t.equal(gateway.lines.length, lines, 'nor logged');
  for (const sample of [
    'jwks_sidecar_token_cache_entries',
    'jwks_sidecar_token_cache_misses_total',
    'jwks_sidecar_failure_limit_blocks_total',
    'jwks_sidecar_refusals_total{reason="key_unknown"}',
    'jwks_sidecar_verification_duration_seconds_count{source="signature"}',
  ])
    t.equal(await gateway.metric(sample), 0, sample);
});

t.test('a question that is none', async (t) => {
  const { gateway } = await start(t);
  const ask = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    request(gateway.admin, { method: 'POST', path: '/api/explain', headers, body });
  for (const body of ['[]', '{}', '{"token":1}', '{"token":"a","path":1}', '{"token":"a","more":1}', 'null'])
    t.equal((await ask(body)).status, 400, body);
  for (const [body, headers, status] of [
    ['{"token"', { 'content-type': 'application/json' }, 400],
    ['token=a', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['{"token":"a"}', { 'content-type': 'text/plain' }, 415],
    [JSON.stringify({ token: 'x'.repeat(200_000) }), { 'content-type': 'application/json' }, 413],
    ['{"token":"a"}', { 'content-type': 'application/json', host: 'evil.example' }, 401],
  ] as const) {
    const answer = await ask(body, headers);
    t.equal(answer.status, status, body.slice(0, 20));
    t.match(answer.header('content-type'), /^application\/problem\+json/);
  }
  t.equal((await request(gateway.admin, { path: '/api/explain' })).status, 404, 'GET');
});
