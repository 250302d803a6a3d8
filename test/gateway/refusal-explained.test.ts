import t from 'tap';
import { reasons } from '../../src/errors.ts';
import type { LogLine, TestGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import type { RequestOptions } from '../helpers/request.ts';
import { type HeldClock, holdClock } from './held-clock.ts';
import { bearer, startScene } from './scene.ts';

const explained = 'refusal explained';
/** What a token says that no line may hold. */
const secret = 'zzsecret';

const token = { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] } as const;
const rules = [
  { name: 'scoped', path: '/scoped', scopes: ['orders:write'] },
  { name: 'any', path: '/any', anyScope: ['a', 'b'] },
  { name: 'admins', path: '/admins/:tenant', claims: { tenant: { equals: '{tenant}' } } },
  { name: 'elsewhere', path: '/elsewhere', issuers: ['https://other.example'] },
  { name: 'reported', path: '/reported', mode: 'report' },
  { name: 'all', path: '/x' },
] as const;

interface Case {
  readonly request: RequestOptions;
  readonly line: LogLine;
}

async function explain(gateway: TestGateway, clock: HeldClock, request: RequestOptions): Promise<LogLine> {
  // As many lines a second as a person may read.
  clock.advance(1000);
  const { requestId } = (await gateway.request(request)).json() as { requestId: string };
  return gateway.lineWhere((line) => line.msg === explained && line.requestId === requestId);
}

async function start(t: Parameters<typeof startScene>[0], log: object = { level: 'debug' }) {
  const clock = holdClock();
  const down = await startFakeIssuer(t);
  const other = await startFakeIssuer(t, { issuer: 'https://other.example' });
  down.respond((_request, response) => response.writeHead(503).end());
  const trust = {
    maxLifetime: '1h',
    requiredClaims: ['sub'],
    claims: { azp: { equals: 'web' } },
  };
  const scene = await startScene(
    t,
    { rules: [...rules], unmatched: 'deny', token, log, failureLimit: { max: 1000 } },
    {
      clock,
      trust,
      others: [
        { issuer: down.issuer, audience: down.audience },
        { issuer: other.issuer, audience: other.audience, jwksUri: other.jwksUri },
      ],
    },
  );
  const now = clock.now() / 1000;
  const mint = (claims: object = {}, header: object = {}) =>
    scene.issuer.mint({ claims: { azp: 'web', iat: now, exp: now + 600, ...claims }, header: { ...header } });
  return { ...scene, clock, down, mint, now };
}

t.test('every refusal by the policy is explained, without a token and what it claims', async (t) => {
  const { gateway, clock, down, mint, now, issuer } = await start(t);
  const x = (token: string): RequestOptions => ({ path: '/x', headers: bearer(token) });
  const good = mint();
  const kid = issuer.signingKey.kid;
  const forger = await makeKey('RS256');
  const cookie = (value: string): RequestOptions => ({
    method: 'POST',
    path: '/x',
    headers: { cookie: `session=${value}`, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  });
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  const cases: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
    token_missing: {
      none: { request: { path: '/x' }, line: { step: 'token', expected: /"all" requires one/, got: 'none' } },
    },
    token_ambiguous: {
      'one place twice': {
        request: { path: '/x', headers: { cookie: `session=${good}; session=${good}` } },
        line: { step: 'token', expected: 'one token' },
      },
    },
    csrf_rejected: {
      'a cookie from elsewhere': {
        request: cookie(good),
        line: {
          step: 'origin',
          expected: /same-origin/,
          got: 'Sec-Fetch-Site cross-site, Origin https://evil.example',
        },
      },
    },
    token_malformed: {
      opaque: { request: x(secret.repeat(4)), line: { step: 'form', got: '1 part, 32 characters' } },
      'claims of a wrong type': {
        request: x(mint({ sub: 5_550_123, client_id: [secret], exp: String(now + 60) })),
        line: { step: 'claim_types', got: 'another type of exp, sub, client_id', hint: /without quotes/ },
      },
    },
    token_too_large: {
      padded: {
        request: x(mint({ pad: 'x'.repeat(17_000) })),
        line: { step: 'form', expected: 'at most 16384 bytes' },
      },
    },
    algorithm_not_allowed: {
      HS256: { request: x(mint({}, { alg: 'HS256' })), line: { step: 'algorithm', got: 'HS256' } },
      'made up': {
        request: x(mint({}, { alg: secret })),
        line: { step: 'algorithm', expected: 'RS256', got: 'one that nobody has registered' },
      },
    },
    header_not_supported: {
      crit: { request: x(mint({}, { crit: [secret] })), line: { step: 'header', got: 'crit' } },
    },
    type_mismatch: {
      'a proof': {
        request: x(mint({}, { typ: 'dpop+jwt' })),
        line: { step: 'type', got: 'typ dpop+jwt' },
      },
      'a number': {
        request: x(mint({}, { typ: 5_550_123 })),
        line: { step: 'type', got: 'another typ' },
      },
      'an event': {
        request: x(mint({ events: { [secret]: {} } })),
        line: { step: 'purpose', got: 'a claim "events"' },
      },
    },
    issuer_unknown: {
      stranger: {
        request: x(mint({ iss: 'https://evil.example' })),
        line: { step: 'issuer', expected: new RegExp(issuer.issuer), got: 'one that is not configured' },
      },
      'not of this rule': {
        request: { path: '/elsewhere', headers: bearer(good) },
        line: { step: 'issuer', expected: 'https://other.example', got: issuer.issuer },
      },
    },
    key_unknown: {
      'another kid': {
        request: x(mint({}, { kid: 'other\r\nkid' })),
        line: {
          step: 'key',
          got: 'kid other\\u000d\\u000akid',
          hint: new RegExp(`not among the issuer's keys \\(${kid},`),
        },
      },
    },
    signature_invalid: {
      forged: {
        request: x(issuer.mint({ key: { ...forger, kid } })),
        line: { step: 'signature', expected: `a signature under key ${kid}` },
      },
    },
    keys_unavailable: {
      down: {
        request: x(down.mint()),
        line: { step: 'key', expected: 'keys of the issuer', got: /503/ },
      },
    },
    token_expired: {
      yesterday: {
        request: x(mint({ exp: now - 86_400, iat: now - 90_000 })),
        line: {
          step: 'expiry',
          expected: /^exp later than .*Z, less 5 s of tolerance$/,
          got: iso(now - 86_400),
        },
      },
    },
    token_not_yet_valid: {
      tomorrow: {
        request: x(mint({ nbf: now + 86_400 })),
        line: { step: 'not_before', expected: /^nbf no later than/, got: iso(now + 86_400) },
      },
    },
    token_lifetime_exceeded: {
      'a day': {
        request: x(mint({ exp: now + 86_400 })),
        line: { step: 'lifetime', expected: /at most 1 h/, got: '1 d' },
      },
    },
    audience_mismatch: {
      another: {
        request: x(mint({ aud: ['api://billing', 'a'.repeat(3000)] })),
        line: { step: 'audience', expected: 'api://orders', got: /^api:\/\/billing, a{200}…$/ },
      },
    },
    claim_missing: {
      'no subject': {
        request: x(mint({ sub: undefined })),
        line: { step: 'required_claims', expected: /sub/, got: 'without sub' },
      },
    },
    claim_mismatch: {
      'another client': {
        request: x(mint({ azp: secret })),
        line: { step: 'issuer_claims', expected: "azp as the issuer's claims ask", got: 'another value' },
      },
    },
    binding_mismatch: {
      DPoP: {
        request: x(mint({ cnf: { jkt: secret } })),
        line: { step: 'binding', got: 'a claim "cnf"', hint: /DPoP/ },
      },
    },
    scope_insufficient: {
      'all of': {
        request: { path: '/scoped', headers: bearer(good) },
        line: { step: 'scopes', expected: 'all of: orders:write', got: 'orders:read' },
      },
      'one of': {
        request: { path: '/any', headers: bearer(good) },
        line: { step: 'scopes', expected: 'one of: a, b', got: 'orders:read' },
      },
      'in another claim': {
        request: { path: '/scoped', headers: bearer(mint({ scope: undefined, roles: ['orders:write'] })) },
        line: { step: 'scopes', hint: /no "scope" or "scp", but "roles"/ },
      },
    },
    rule_denied: {
      'another tenant': {
        request: { path: `/admins/acme`, headers: bearer(mint({ tenant: secret })) },
        line: { step: 'rule_claims', expected: "tenant as the rule's claims ask", got: 'another value' },
      },
      'no tenant': {
        request: { path: `/admins/${secret}`, headers: bearer(mint({ Tenant: secret })) },
        line: { step: 'rule_claims', got: 'missing', hint: 'the token has no "tenant", but a "Tenant"' },
      },
    },
    path_not_found: {
      'no rule': { request: { path: '/nowhere' }, line: { step: 'rule', got: 'none for GET' } },
    },
    path_ambiguous: {
      dots: { request: { path: '/a/../b' }, line: { step: 'path', hint: /dot segment/ } },
      'another case': {
        request: { path: '/ADMINS/x' },
        line: {
          step: 'path',
          got: /^as written: no rule.*; for such a server: rule ".+"$/,
          hint: /paths\.case/,
        },
      },
    },
  };
  for (const [reason, each] of Object.entries(cases)) {
    for (const [name, { request, line }] of Object.entries(each)) {
      const found = await explain(gateway, clock, request);
      t.match(found, { level: 'debug', reason, ...line }, `${reason}: ${name}`);
      const known = ['level', 'time', 'msg', 'requestId', 'reason', 'step', 'expected', 'got', 'hint'];
      t.same(
        Object.keys(found).filter((field) => !known.includes(field)),
        [],
      );
      for (const text of [found.expected, found.got, found.hint]) t.ok(String(text ?? '').length <= 500);
      const own = await gateway.line(String(found.requestId));
      t.equal(own.reason, reason);
      if (reason === 'token_missing') t.match(own, { expected: 'a token', got: 'none' });
      else t.match(own, { expected: found.expected, got: found.got }, `${reason}: its own line says it too`);
    }
  }
  const said = gateway.lines.map(({ path: _, ...line }) => line);
  t.notMatch(JSON.stringify(said), new RegExp(`${secret}|5550123|evil\\.example/`));
  const ofPolicy = Object.entries(reasons).filter(([, { about }]) => about === 'token' || about === 'rule');
  t.same(
    ofPolicy.map(([reason]) => reason).filter((reason) => !Object.hasOwn(cases, reason)),
    ['client_blocked'],
    'the table has every reason, but one that has a test of its own',
  );
});

t.test('a blocked client, whose token is not looked at', async (t) => {
  const clock = holdClock();
  const config = { log: { level: 'debug' }, failureLimit: { max: 1, blockFor: '60s' } } as const;
  const { gateway, issuer } = await startScene(t, config, { clock });
  await explain(gateway, clock, { headers: bearer('junk') });
  t.match(await explain(gateway, clock, { headers: bearer(issuer.mint()) }), {
    reason: 'client_blocked',
    step: 'failure_limit',
    expected: 'fewer than 1 forged tokens within 1 min',
    got: 'a block that lasts 59 s more',
  });
  t.match(await gateway.lineWhere((line) => line.reason === 'client_blocked' && line.msg === 'request'), {
    expected: 'a client that is not blocked',
    got: 'a block for forged tokens',
  });
});

t.test('what report mode lets pass is explained as well, whichever requests have a line', async (t) => {
  const { gateway, clock, mint } = await start(t, { level: 'debug', requests: 'none' });
  clock.advance(1000);
  const answer = await gateway.get('/reported', mint({ aud: 'other' }));
  t.equal(answer.status, 200);
  t.match(await gateway.lineWhere(({ msg }) => msg === explained), {
    reason: 'audience_mismatch',
    step: 'audience',
    got: 'other',
  });
});

t.test(
  'what is not the policy’s, what is allowed and what comes without debug has no such line',
  async (t) => {
    const { gateway, clock, mint } = await start(t);
    await gateway.get('/x', mint());
    await gateway.request({ method: 'TRACE', path: '/x' });
    gateway.server.toggleDebug();
    gateway.server.toggleDebug();
    t.equal((await explain(gateway, clock, { path: '/x' })).reason, 'token_missing');
    const quiet = await start(t, { level: 'info' });
    await quiet.gateway.get('/x');
    quiet.gateway.server.toggleDebug();
    await explain(quiet.gateway, quiet.clock, { path: '/x' });
    for (const { lines } of [gateway, quiet.gateway]) {
      t.equal(lines.filter(({ msg }) => msg === explained).length, 1);
    }
  },
);

t.test('a flood has ten lines at once, then ten a second; the next one says how many had none', async (t) => {
  const { gateway, clock } = await start(t);
  const lines = () => gateway.lines.filter(({ msg }) => msg === explained);
  clock.advance(1000);
  const flood = async (requests: number) => {
    for (let i = 0; i < requests; i++) await gateway.get('/x', 'junk');
    const last = await gateway.get('/x', 'junk');
    await gateway.line(last.header('x-request-id'));
  };
  await flood(24);
  t.equal(lines().length, 10);
  t.notOk(lines().some((line) => 'leftOut' in line));
  clock.advance(200);
  await flood(4);
  t.same(
    lines()
      .slice(10)
      .map(({ leftOut }) => leftOut),
    [15, undefined],
  );
  clock.advance(1000);
  await flood(0);
  t.equal(lines().at(-1)?.leftOut, 3);
});

t.test('at level info every refusal says in its own line what was expected and what came', async (t) => {
  const { gateway, clock, mint } = await start(t, { level: 'info' });
  for (let i = 0; i < 50; i++) {
    const answer = await gateway.get('/x', mint({ aud: 'other' }));
    t.match(await gateway.line(answer.header('x-request-id')), { expected: 'api://orders', got: 'other' });
  }
  const good = mint();
  for (const cached of [false, true]) {
    const answer = await gateway.get('/elsewhere', good);
    t.match(await gateway.line(answer.header('x-request-id')), {
      reason: 'issuer_unknown',
      cached,
      expected: 'https://other.example',
      got: /^http:/,
    });
    t.equal((await gateway.get('/x', good)).status, 200);
  }
  clock.advance(1000);
  const passed = await gateway.get('/reported');
  t.equal(passed.status, 200);
  t.match(await gateway.lineWhere(({ path }) => path === '/reported'), {
    decision: 'report',
    expected: 'a token',
    got: 'none',
  });
  t.notOk(
    gateway.lines.some(({ msg }) => msg === explained),
    'and no other line says it',
  );
  const allowed = gateway.lines.filter(({ decision }) => decision === 'allow');
  t.notOk(allowed.some((line) => 'expected' in line || 'got' in line));
});

t.test('nothing is fetched, kept or counted for it', async (t) => {
  const counted = async (level: 'debug' | 'info') => {
    const { gateway, issuer, mint, clock } = await start(t, { level });
    for (const token of [mint({ aud: 'other' }), mint({}, { kid: 'other' }), 'junk']) {
      clock.advance(1000);
      const answer = await gateway.get('/x', token);
      await gateway.line(answer.header('x-request-id'));
      if (level === 'debug')
        await gateway.lineWhere(
          (line) => line.requestId === answer.header('x-request-id') && line.msg === explained,
        );
    }
    const { tokenCache, failureLimit } = await gateway.server.status();
    const keys = await gateway.metric(
      `jwks_sidecar_jwks_fetches_total{issuer="${issuer.issuer}",result="success",trigger="unknown_key"}`,
    );
    const verified = await gateway.metric(
      'jwks_sidecar_verification_duration_seconds_count{source="signature"}',
    );
    return { tokenCache, failureLimit, keys, verified, fetches: { ...issuer.fetches } };
  };
  t.same(await counted('debug'), await counted('info'));
});

t.test('where the fetch for an unknown key fails, that is what is explained', async (t) => {
  const { gateway, clock, issuer, mint } = await start(t);
  issuer.respond((_request, response) => response.writeHead(503).end());
  t.match(await explain(gateway, clock, { path: '/x', headers: bearer(mint({}, { kid: 'other' })) }), {
    reason: 'keys_unavailable',
    step: 'key',
    got: /503/,
  });
});

t.test('no claim brings a token into the log', async (t) => {
  const { gateway, clock, mint } = await start(t);
  const other = mint({ sub: 'somebody else' });
  for (const [claims, header] of [
    [{ aud: other }, {}],
    [{ aud: [`urn:${other}`, other.slice(0, 60)] }, {}],
    [{ iss: other }, {}],
    [{ scope: other }, {}],
    [{}, { kid: other }],
    [{}, { alg: other }],
  ] as const) {
    const line = await explain(gateway, clock, { path: '/scoped', headers: bearer(mint(claims, header)) });
    t.match(line, { got: /\[masked\]|one that/ }, String(line.step));
    const said = gateway.lines.filter(({ requestId }) => requestId === line.requestId);
    t.equal(said.length, 2);
    t.notMatch(JSON.stringify(said), other.slice(0, 20));
  }
  const headers = {
    cookie: `session=${mint()}`,
    origin: `https://${other}`,
    'sec-fetch-site': other,
  };
  const line = await explain(gateway, clock, { method: 'POST', path: '/x', headers });
  t.match(line, { step: 'origin', got: 'Sec-Fetch-Site of no known value, Origin that is none' });
});
