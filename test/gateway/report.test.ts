import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import type { RequestOptions } from '../helpers/request.ts';
import type { Refused } from './refusals.ts';
import { bearer, type Scene, sight, startScene } from './scene.ts';

const spoofed = {
  'X-Verified-Subject': 'root',
  x_verified_scope: 'all',
  'X.Verified.Issuer': 'me',
  'X-Payload': 'eyJ',
  'X-Key': 'mine',
  'X-Original-URL': '/admin',
};

const config = {
  token: {
    sources: [
      { type: 'bearer' },
      { type: 'cookie', name: 'session' },
      { type: 'header', name: 'X-Assertion' },
    ],
  },
  identity: { payloadHeader: 'X-Payload' },
  rules: [
    { path: '/scoped', scopes: ['none:such'] },
    { path: '/claimed', claims: { role: { equals: 'admin' } } },
    { path: '/optional', auth: 'optional' },
    { path: '/enforced', mode: 'enforce' },
    { path: '/x' },
  ],
  unmatched: 'deny',
} satisfies Partial<ConfigInput>;

/** That a request which the policy refuses is forwarded as it came, and that only log and metric tell. */
async function reports(t: Test, scene: Scene, request: RequestOptions, reason: Refused): Promise<void> {
  const { gateway, echo } = scene;
  const refusals = `jwks_sidecar_refusals_total{reason="${reason}"}`;
  const refused = await gateway.metric(refusals);
  const before = echo.seen.length;
  const headers = [...pairs(request.headers), ...Object.entries(spoofed)];
  const answer = await gateway.request({ ...request, headers });
  t.equal(answer.status, 200, `${reason}: is forwarded`);
  t.equal(echo.seen.length, before + 1, `${reason}: once`);
  const seen = sight(echo.seen.at(-1));
  t.notOk(seen.rawHeaders.includes('root'), `${reason}: no identity of theirs`);
  t.notOk(
    seen.names.some((name) => /^x.(verified|payload|original)/.test(name)),
    `${reason}: none in another spelling, and none of ours`,
  );
  t.equal(seen.header('x-key'), 'ours', `${reason}: what is set for the upstream is set`);
  for (const [name, value] of pairs(request.headers)) {
    t.ok(seen.all(name.toLowerCase()).includes(value), `${reason}: ${name} as it came`);
  }
  const line = await gateway.line(seen.header('x-request-id'));
  t.match(line, { decision: 'report', reason, status: 200 }, `${reason}: is logged`);
  t.equal(await gateway.metric(refusals), refused, `${reason}: is no answer of our own`);
}

function pairs(headers: RequestOptions['headers'] = {}): (readonly [string, string])[] {
  return Array.isArray(headers) ? headers : Object.entries(headers);
}

async function startReporting(
  t: Test,
  mode: 'report' | 'enforce',
  rules: ConfigInput['rules'] = config.rules,
) {
  const down = await startFakeIssuer(t);
  down.respond((_request, response) => response.writeHead(503).end());
  const scene = await startScene(
    t,
    { ...config, mode, rules },
    {
      upstream: { setHeaders: { 'X-Key': 'ours' } },
      trust: { maxLifetime: '1h', requiredClaims: ['sub'], claims: { tenant: { oneOf: ['acme'] } } },
      others: [{ issuer: down.issuer, audience: down.audience }],
    },
  );
  return { scene, down };
}

t.test('what the policy would refuse goes on as it came', async (t) => {
  const { scene, down } = await startReporting(t, 'report');
  const { issuer, gateway } = scene;
  const stranger = await makeKey();
  const { kid } = issuer.signingKey;
  const mint = (claims: object = {}, header: object = {}) =>
    issuer.mint({ claims: { tenant: 'acme', ...claims }, header: { ...header } });
  const as = (token: string, path = '/x') => ({ path, headers: bearer(token) });
  const cases: { [R in Refused]?: RequestOptions } = {
    path_not_found: as(mint(), '/nowhere'),
    token_missing: { path: '/x', headers: { authorization: 'Basic dXNlcjpwYXNz' } },
    token_ambiguous: { path: '/x', headers: { cookie: `a=1; session=${mint()}; session=${mint()}` } },
    csrf_rejected: { path: '/x', method: 'POST', headers: { cookie: `session=${mint()}; a=1` } },
    token_malformed: { path: '/optional', headers: { 'X-Assertion': 'junk' } },
    token_too_large: as(`${mint()}${'A'.repeat(16_384)}`),
    algorithm_not_allowed: as(mint({}, { alg: 'none' })),
    header_not_supported: as(mint({}, { crit: ['x'] })),
    type_mismatch: as(mint({}, { typ: 'logout+jwt' })),
    issuer_unknown: as(mint({ iss: 'https://evil.example' })),
    keys_unavailable: as(down.mint()),
    key_unknown: as(mint({}, { kid: 'x' }), '/optional'),
    signature_invalid: as(issuer.mint({ key: stranger, header: { kid } })),
    token_expired: as(mint({ exp: 1, iat: 0 })),
    token_not_yet_valid: as(mint({ nbf: 4e9 })),
    token_lifetime_exceeded: as(mint({ iat: 0 })),
    audience_mismatch: as(mint({ aud: 'x' })),
    claim_missing: as(mint({ sub: '' })),
    claim_mismatch: as(mint({ tenant: 'evil' })),
    binding_mismatch: as(mint({ cnf: {} })),
    scope_insufficient: as(mint(), '/scoped'),
    rule_denied: as(mint(), '/claimed'),
  };
  for (const [reason, request] of Object.entries(cases)) {
    await reports(t, scene, request, reason as Refused);
    t.ok((await gateway.metrics()).includes(`decision="report",reason="${reason}"`), `${reason}: is counted`);
  }
  const cached = as(mint(), '/scoped');
  for (let i = 0; i < 2; i++) await reports(t, scene, cached, 'scope_insufficient');

  const forged = () => as(issuer.mint({ key: stranger, header: { kid } }));
  for (let i = 0; i < 20; i++) await gateway.request(forged());
  await reports(t, scene, forged(), 'client_blocked');
  t.equal(await gateway.metric('jwks_sidecar_mode{mode="report"}'), 1);
});

t.test('what report mode does not touch', async (t) => {
  const { scene } = await startReporting(t, 'report');
  const { issuer } = scene;
  const good = bearer(issuer.mint({ claims: { tenant: 'acme' } }));
  const seen = await scene.allows(t, 'a good token', { path: '/x', headers: { ...good, ...spoofed } });
  t.equal(seen.header('x-verified-subject'), 'subject', 'names its subject');
  t.equal(seen.header('authorization'), undefined, 'and is taken out');
  t.type(seen.header('x-payload'), 'string');
  const nobody = await scene.allows(t, 'nobody', { path: '/optional', headers: spoofed });
  t.notOk(nobody.rawHeaders.includes('root'));

  await scene.refuses(t, 'a rule that enforces', { path: '/enforced' }, 'token_missing');
  await scene.refuses(t, 'an ambiguous path', { path: '/x/../y' }, 'path_ambiguous');
  await scene.refuses(t, 'an encoded slash', { path: '/x%2fy' }, 'path_ambiguous');
  await scene.refuses(t, 'a fragment', { path: '/x#y' }, 'request_malformed');
  await scene.refuses(t, 'TRACE', { method: 'TRACE', path: '/x' }, 'method_not_allowed');
  const raw = await scene.gateway.raw();
  await raw.send('GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
  t.equal((await raw.response()).json().code, 'request_malformed', 'two Hosts');
});

t.test('one rule in report mode', async (t) => {
  const { scene } = await startReporting(t, 'enforce', [
    { name: 'trial', path: '/trial', mode: 'report', scopes: ['none:such'] },
    { path: '/*' },
  ]);
  const good = bearer(scene.issuer.mint({ claims: { tenant: 'acme' } }));
  await reports(t, scene, { path: '/trial' }, 'token_missing');
  await reports(t, scene, { path: '/trial', headers: good }, 'scope_insufficient');
  await scene.refuses(t, 'every other one enforces', { path: '/x' }, 'token_missing');
  t.equal(await scene.gateway.metric('jwks_sidecar_mode{mode="enforce"}'), 1);
});

t.test('sizes are enforced in report mode', async (t) => {
  const scene = await startScene(t, { mode: 'report', listen: { maxBodySize: 10 } });
  await scene.refuses(t, 'a body too large', { method: 'POST', body: 'x'.repeat(11) }, 'body_too_large');
});
