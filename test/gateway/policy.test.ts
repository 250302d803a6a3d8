import t from 'tap';
import type { Clock } from '../../src/clock.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';

/** A clock that a test moves. */
function heldClock(): Clock & { advance(ms: number): void } {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    elapsed: () => performance.now() + offset,
    advance(ms) {
      offset += ms;
    },
  };
}

const names = (seen: { rawHeaders: readonly string[] } | undefined) =>
  (seen?.rawHeaders ?? []).filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
const headerOf = (seen: { rawHeaders: readonly string[] } | undefined, name: string) => {
  const raw = seen?.rawHeaders ?? [];
  return raw[raw.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name) + 1];
};

t.test('where a token may stand, and what is left of it for the upstream', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const base = {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    token: {
      sources: [
        { type: 'bearer' },
        { type: 'cookie', name: 'session' },
        { type: 'header', name: 'X-Assertion' },
      ],
    },
    rules: [
      { path: '/open/*', auth: 'none' },
      { path: '/maybe/*', auth: 'optional' },
    ],
  } as const;
  const gateway = await startGateway(t, base);
  const token = issuer.mint();
  const cases: {
    name: string;
    headers: Record<string, string> | [string, string][];
    path?: string;
    status?: number;
    code?: string;
  }[] = [
    { name: 'bearer', headers: { authorization: `Bearer ${token}` } },
    { name: 'in any case, with spaces', headers: { authorization: `bEARER   ${token}` } },
    { name: 'a cookie among others', headers: { cookie: `a=1; session=${token}; b=2` } },
    { name: 'a header', headers: { 'x-assertion': token } },
    {
      name: 'Basic is no token',
      headers: { authorization: `Basic ${token}` },
      status: 401,
      code: 'token_missing',
    },
    { name: 'a scheme alone', headers: { authorization: 'Bearer' }, status: 401, code: 'token_malformed' },
    { name: 'a tab', headers: { authorization: `Bearer\t${token}` }, status: 401, code: 'token_malformed' },
    {
      name: 'two tokens and a comma',
      headers: { authorization: `Bearer ${token},${token}` },
      status: 401,
      code: 'token_malformed',
    },
    {
      name: 'two headers',
      headers: [
        ['authorization', `Bearer ${token}`],
        ['Authorization', `Bearer ${token}`],
      ],
      status: 400,
      code: 'token_ambiguous',
    },
    {
      name: 'a cookie twice',
      headers: { cookie: `session=${token}; session=${token}` },
      status: 400,
      code: 'token_ambiguous',
    },
    {
      name: 'two places, of which the first listed decides',
      headers: { authorization: `Bearer ${token}`, 'x-assertion': token },
    },
    {
      name: 'two places, the first of which holds no good token',
      headers: { authorization: 'Bearer x.y.z', 'x-assertion': token },
      status: 401,
      code: 'token_malformed',
    },
    { name: 'an empty cookie is none', headers: { cookie: 'session=' }, status: 401, code: 'token_missing' },
    {
      name: 'in the query it is never read',
      headers: {},
      path: `/x?access_token=${token}`,
      status: 401,
      code: 'token_missing',
    },
    { name: 'optional, without', headers: {}, path: '/maybe/x' },
    {
      name: 'optional, with a bad one',
      headers: { authorization: 'Bearer x.y.z' },
      path: '/maybe/x',
      status: 401,
      code: 'token_malformed',
    },
    {
      name: 'optional, of an unknown issuer',
      headers: { authorization: `Bearer ${issuer.mint({ claims: { iss: 'x' } })}` },
      path: '/maybe/x',
      status: 401,
      code: 'issuer_unknown',
    },
  ];
  for (const { name, headers, path = '/x', status = 200, code } of cases) {
    const answer = await gateway.request({ path, headers });
    t.equal(answer.status, status, name);
    if (code) t.equal(answer.json().code, code, name);
    else t.notMatch(JSON.stringify(echo.seen.at(-1)?.rawHeaders), token, `${name}: not forwarded`);
  }
  await gateway.request({ headers: { cookie: `a=1; session=${token}; b=2` } });
  t.equal(headerOf(echo.seen.at(-1), 'cookie'), 'a=1; b=2', 'the other cookies stay');
  await gateway.request({
    path: '/open/x',
    headers: { authorization: `Bearer ${token}`, 'X-Verified-Subject': 'root' },
  });
  t.equal(
    headerOf(echo.seen.at(-1), 'authorization'),
    `Bearer ${token}`,
    'where no token is looked at, none is taken',
  );
  t.notOk(names(echo.seen.at(-1)).some((name) => name.startsWith('x-verified')));

  const keeping = await startGateway(t, {
    ...base,
    identity: { forwardToken: true, payloadHeader: 'X-Payload' },
  });
  t.equal((await keeping.get('/x', token)).status, 200);
  t.equal(headerOf(echo.seen.at(-1), 'authorization'), `Bearer ${token}`, 'forwardToken');
  t.equal(headerOf(echo.seen.at(-1), 'x-payload'), token.split('.')[1]);
});

t.test('a token in a cookie needs evidence of its origin', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    token: { sources: [{ type: 'cookie', name: 'session' }], allowedOrigins: ['https://app.example'] },
  });
  const cookie = `session=${issuer.mint()}`;
  const cases: { name: string; method?: string; headers?: Record<string, string>; allowed: boolean }[] = [
    { name: 'reading', allowed: true },
    { name: 'reading from elsewhere', headers: { 'sec-fetch-site': 'cross-site' }, allowed: true },
    { name: 'no evidence', method: 'POST', allowed: false },
    { name: 'same-origin', method: 'POST', headers: { 'sec-fetch-site': 'same-origin' }, allowed: true },
    { name: 'typed by the user', method: 'POST', headers: { 'sec-fetch-site': 'none' }, allowed: true },
    {
      name: 'same-site is another origin',
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-site' },
      allowed: false,
    },
    {
      name: 'cross-site',
      method: 'DELETE',
      headers: { 'sec-fetch-site': 'cross-site', origin: gateway.url },
      allowed: false,
    },
    { name: 'own origin', method: 'PUT', headers: { origin: gateway.url }, allowed: true },
    { name: 'another one', method: 'PUT', headers: { origin: 'https://evil.example' }, allowed: false },
    {
      name: 'another scheme',
      method: 'PUT',
      headers: { origin: gateway.url.replace('http:', 'https:') },
      allowed: false,
    },
    { name: 'null', method: 'PUT', headers: { origin: 'null' }, allowed: false },
    {
      name: 'one that is allowed',
      method: 'PUT',
      headers: { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
      allowed: true,
    },
    {
      name: 'X-Forwarded-Host of a stranger',
      method: 'PUT',
      headers: {
        origin: 'https://evil.example',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
      },
      allowed: false,
    },
  ];
  for (const { name, method = 'GET', headers = {}, allowed } of cases) {
    const answer = await gateway.request({ method, headers: { cookie, ...headers } });
    t.equal(answer.status, allowed ? 200 : 403, name);
    if (!allowed) t.equal(answer.json().code, 'csrf_rejected', name);
  }
  const upgrade = await gateway.raw();
  await upgrade.send(
    `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  t.equal((await upgrade.response()).json().code, 'csrf_rejected', 'an upgrade is not reading');
});

t.test('the failure limit', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const clock = heldClock();
  const config = {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    rules: [{ path: '/open/*', auth: 'none' as const }],
    failureLimit: { max: 3, window: '60s', blockFor: '60s' },
  };
  const gateway = await startGateway(t, config, { clock });
  const stranger = await makeKey('RS256');
  const forged = () => issuer.mint({ header: { kid: issuer.signingKey.kid }, key: stranger });
  const verified = issuer.mint();
  t.equal((await gateway.get('/', verified)).status, 200);
  const same = forged();
  for (let i = 0; i < 10; i++) await gateway.get('/', same);
  for (let i = 0; i < 10; i++) await gateway.get('/', issuer.mint({ claims: { exp: 1 } }));
  for (let i = 0; i < 10; i++) await gateway.get('/', issuer.mint({ header: { typ: 'logout+jwt' } }));
  t.equal(
    (await gateway.get('/', forged())).json().code,
    'signature_invalid',
    'one token counts once, an expired one not at all',
  );
  t.equal((await gateway.get('/', forged())).json().code, 'signature_invalid', 'the third');
  const fetches = issuer.fetches.jwks;
  const blocked = await gateway.get('/', issuer.mint({ header: { kid: 'unknown' } }));
  t.equal(blocked.status, 429);
  t.equal(blocked.json().code, 'client_blocked', 'the one after it is refused');
  t.ok(Number(blocked.header('retry-after')) > 50);
  t.equal(issuer.fetches.jwks, fetches, 'and asks for no keys');
  t.equal((await gateway.get('/', verified)).status, 200, 'a token that was verified before');
  t.equal((await gateway.get('/', issuer.mint())).status, 429, 'a good one that was not');
  t.equal((await gateway.get('/')).json().code, 'token_missing', 'a request without one');
  t.equal((await gateway.get('/open/x', 'junk')).status, 200, 'a rule without auth');
  t.equal(
    (await gateway.get('/', forged(), { 'x-forwarded-for': '198.51.100.7' })).status,
    429,
    'whatever a stranger says of its address',
  );
  t.equal(
    (
      await gateway.request({
        localAddress: '127.0.0.9',
        headers: { authorization: `Bearer ${issuer.mint()}` },
      })
    ).status,
    200,
    'another client',
  );
  t.equal(await gateway.metric('jwks_sidecar_failure_limit_blocks_total'), 1);
  t.equal(await gateway.metric('jwks_sidecar_failure_limit_blocked_clients'), 1);
  clock.advance(60_001);
  t.equal((await gateway.get('/', issuer.mint())).status, 200, 'once the block is over');

  const behind = await startGateway(t, { ...config, listen: { trustedProxies: ['127.0.0.0/8'] } });
  for (let i = 0; i < 4; i++) await behind.get('/', forged(), { 'x-forwarded-for': '198.51.100.7' });
  t.equal(
    (await behind.get('/', issuer.mint(), { 'x-forwarded-for': '198.51.100.7' })).status,
    429,
    'the client behind a trusted proxy',
  );
  t.equal(
    (await behind.get('/', issuer.mint(), { 'x-forwarded-for': '198.51.100.8' })).status,
    200,
    'and not its neighbor',
  );
});

t.test('a cached verdict holds for no longer and for no more than it should', async (t) => {
  const issuer = await startFakeIssuer(t);
  const other = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const clock = heldClock();
  const gateway = await startGateway(
    t,
    {
      upstream: echo.url,
      issuers: [
        { issuer: issuer.issuer, audience: issuer.audience, keys: { maxStale: '10m', refresh: '5m' } },
        { issuer: other.issuer, audience: other.audience },
      ],
      rules: [
        { path: '/read/*', scopes: ['orders:read'] },
        { path: '/admin/*', scopes: ['orders:admin'] },
        { path: '/other/*', issuers: [other.issuer] },
      ],
    },
    { clock },
  );
  const token = issuer.mint({ claims: { exp: Math.floor(Date.now() / 1000) + 120 } });
  for (let i = 0; i < 3; i++) {
    t.equal((await gateway.get('/read/x', token)).status, 200);
    t.equal((await gateway.get('/admin/x', token)).json().code, 'scope_insufficient');
    t.equal((await gateway.get('/other/x', token)).json().code, 'issuer_unknown');
  }
  t.equal(await gateway.metric('jwks_sidecar_token_cache_misses_total'), 1);
  clock.advance(126_000);
  t.equal(
    (await gateway.get('/read/x', token)).json().code,
    'token_expired',
    'exp and the tolerance are over',
  );

  const lasting = issuer.mint({ claims: { exp: Math.floor(Date.now() / 1000) + 7200 } });
  t.equal((await gateway.get('/read/x', lasting)).status, 200);
  issuer.respond((_request, response) => response.writeHead(500).end());
  clock.advance(11 * 60_000);
  const stale = await gateway.get('/read/x', lasting);
  t.equal(stale.json().code, 'keys_unavailable', 'keys past maxStale serve nothing');
  t.equal(stale.status, 503);
  t.ok(stale.header('retry-after'));
});

t.test('rules', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    rules: [
      { name: 'health', path: '/healthz', methods: ['GET'], auth: 'none' },
      {
        name: 'tenants',
        path: '/tenants/:tenant/*',
        anyScope: ['orders:read', 'orders:write'],
        claims: {
          'app.tenant': { equals: '{tenant}' },
          '["https://x.example/roles"]': { containsAny: ['a', 'b'] },
        },
      },
    ],
    unmatched: 'deny',
  });
  const token = issuer.mint({ claims: { app: { tenant: 'acme corp' }, 'https://x.example/roles': ['b'] } });
  t.equal((await gateway.get('/healthz')).status, 200);
  t.equal(
    (await gateway.request({ method: 'POST', path: '/healthz' })).json().code,
    'path_not_found',
    'another method',
  );
  t.equal((await gateway.request({ method: 'POST', path: '/healthz' })).status, 404);
  t.equal((await gateway.get('/tenants/acme%20corp/x', token)).status, 200, 'the parameter, decoded');
  t.equal((await gateway.get('/tenants/other/x', token)).json().code, 'rule_denied');
  t.equal((await gateway.get('/elsewhere', token)).status, 404);
  t.equal(await gateway.metric('jwks_sidecar_requests_total{rule="tenants",method="GET",status="200"}'), 1);
  t.equal(await gateway.metric('jwks_sidecar_requests_total{rule="default",method="POST",status="404"}'), 2);
});

t.test('report mode', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    mode: 'report',
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    rules: [
      { path: '/strict/*', mode: 'enforce' },
      { path: '/scoped/*', scopes: ['none:such'] },
      { path: '/*' },
    ],
  });
  const expired = issuer.mint({ claims: { exp: 1 } });
  const cases = [
    { name: 'a bad token', path: '/x', token: expired, reason: 'token_expired' },
    { name: 'no token', path: '/x', token: undefined, reason: 'token_missing' },
    { name: 'a scope short', path: '/scoped/x', token: issuer.mint(), reason: 'scope_insufficient' },
  ];
  for (const { name, path, token, reason } of cases) {
    const answer = await gateway.get(path, token, { 'X-Verified-Subject': 'root', x_verified_scope: 'all' });
    t.equal(answer.status, 200, name);
    const seen = echo.seen.at(-1);
    t.notOk(
      names(seen).some((each) => each.replaceAll('_', '-').startsWith('x-verified')),
      `${name}: no identity, theirs or ours`,
    );
    if (token) t.equal(headerOf(seen, 'authorization'), `Bearer ${token}`, `${name}: as it came`);
    t.match(await gateway.line(headerOf(seen, 'x-request-id')), { decision: 'report', reason, status: 200 });
    t.ok((await gateway.metrics()).includes(`decision="report",reason="${reason}"`), name);
  }
  t.equal((await gateway.get('/x', issuer.mint())).status, 200);
  t.equal(headerOf(echo.seen.at(-1), 'x-verified-subject'), 'subject', 'a good token is as ever');
  t.equal((await gateway.get('/strict/x', expired)).status, 401, 'a rule that enforces');
  t.equal((await gateway.get('/a/../b')).status, 400, 'paths are enforced all the same');
  t.equal(await gateway.metric('jwks_sidecar_mode{mode="report"}'), 1);
});

t.test('issuers that are down', async (t) => {
  const up = await startFakeIssuer(t);
  const down = await startFakeIssuer(t);
  down.respond((_request, response) => response.writeHead(503).end());
  const echo = await startEcho(t);
  const issuers = [up, down].map(({ issuer, audience }) => ({ issuer, audience }));
  const gateway = await startGateway(t, { upstream: echo.url, issuers });
  t.equal((await gateway.get('/', up.mint())).status, 200);
  const refused = await gateway.get('/', down.mint());
  t.equal(refused.status, 503);
  t.equal(refused.json().code, 'keys_unavailable', 'we cannot know, so nobody is to blame');
  t.ok(refused.header('retry-after'));
  t.equal(refused.header('www-authenticate'), undefined);
  t.ok(gateway.server.readiness().ready, 'one has keys and the other was tried');
  t.ok(
    gateway.lines.some((line) => line.msg === 'keys not fetched'),
    'said in the log',
  );

  const strict = await startGateway(t, { upstream: echo.url, issuers, readiness: 'all' });
  t.match(strict.server.readiness(), {
    ready: false,
    reasons: [{ code: 'keys_unavailable', issuer: down.issuer }],
  });

  const alone = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: down.issuer, audience: down.audience }],
    failureLimit: { max: 1 },
  });
  t.notOk(alone.server.readiness().ready);
  for (let i = 0; i < 3; i++)
    t.equal((await alone.get('/', down.mint())).json().code, 'keys_unavailable', 'never counted');
});

t.test('a flood of unknown key ids asks for few fetches, and honest clients are unhurt', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    failureLimit: null,
  });
  const before = issuer.fetches.jwks;
  const flood = Array.from({ length: 200 }, (_, index) =>
    gateway.get('/', issuer.mint({ header: { kid: `k${index}` } })),
  );
  const honest = Array.from({ length: 20 }, () => gateway.get('/', issuer.mint()));
  t.ok((await Promise.all(flood)).every(({ status }) => status === 401));
  t.ok((await Promise.all(honest)).every(({ status }) => status === 200));
  t.ok(issuer.fetches.jwks - before <= 5, `${issuer.fetches.jwks - before} fetches`);
});

t.test('a browser gets a page', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [(await makeKey()).publicJwk] } }],
  });
  const answer = await gateway.request({ headers: { accept: 'text/html,*/*;q=0.8' } });
  t.equal(answer.status, 401);
  t.match(answer.header('content-type'), /text\/html/);
  t.match(answer.text, 'Please sign in to continue.');
  t.equal(answer.header('www-authenticate'), 'Bearer realm="api"');
});
