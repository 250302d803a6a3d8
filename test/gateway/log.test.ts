import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { bearer, startScene } from './scene.ts';
import { ask, deadUrl, open, sendRaw } from './wire.ts';

/** Section 8 of the contract: the fields of a line, whatever the request; `sub`, `kid`, `token` and `upstreamMs` where there are any. */
const always = [
  'level',
  'time',
  'msg',
  'requestId',
  'client',
  'method',
  'path',
  'rule',
  'status',
  'decision',
];
always.push('reason', 'issuer', 'cached', 'durationMs', 'bytes');

const rules = [
  { name: 'open', path: '/open/*', auth: 'none' },
  { name: 'scoped', path: '/scoped', scopes: ['none:such'] },
  { name: 'reported', path: '/reported', mode: 'report' },
] as const;

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 8);
}

t.test('the line of a request has every field, and no other', async (t) => {
  const down = await deadUrl();
  const { gateway, issuer } = await startScene(t, {
    rules: [...rules, { name: 'dead', path: '/dead', auth: 'none', upstream: 'dead' }],
    upstreams: { dead: down },
  });
  const token = issuer.mint();
  const other = issuer.mint({ claims: { aud: 'other' } });
  const bound = { issuer: issuer.issuer, kid: issuer.signingKey.kid };
  const allowed = { decision: 'allow', reason: 'ok', status: 200 };
  const cases = [
    {
      name: 'allowed',
      request: { path: '/x', headers: bearer(token) },
      line: { ...allowed, ...bound, rule: 'default', path: '/x', cached: false, token: digest(token) },
      also: ['sub', 'kid', 'token', 'upstreamMs'],
    },
    {
      name: 'allowed again',
      request: { path: '/y', method: 'DELETE', headers: bearer(token) },
      line: { ...allowed, ...bound, method: 'DELETE', path: '/y', cached: true, token: digest(token) },
      also: ['sub', 'kid', 'token', 'upstreamMs'],
    },
    {
      name: 'open to all',
      request: { path: '/open/x', headers: bearer(token) },
      line: { ...allowed, rule: 'open', issuer: 'none', cached: false },
      also: ['upstreamMs'],
    },
    {
      name: 'without a token',
      request: { path: '/x' },
      line: {
        decision: 'deny',
        reason: 'token_missing',
        status: 401,
        issuer: 'none',
        expected: 'a token',
        got: 'none',
      },
      also: ['expected', 'got'],
    },
    {
      name: 'refused for its token',
      request: { path: '/x', headers: bearer(other) },
      line: {
        decision: 'deny',
        reason: 'audience_mismatch',
        status: 401,
        ...bound,
        token: digest(other),
        expected: 'api://orders',
        got: 'other',
      },
      also: ['kid', 'token', 'expected', 'got'],
    },
    {
      name: 'refused by the rule',
      request: { path: '/scoped', headers: bearer(token) },
      line: {
        decision: 'deny',
        reason: 'scope_insufficient',
        status: 403,
        rule: 'scoped',
        ...bound,
        cached: true,
        expected: 'all of: none:such',
        got: 'orders:read',
      },
      also: ['sub', 'kid', 'token', 'expected', 'got'],
    },
    {
      name: 'refused, yet forwarded',
      request: { path: '/reported' },
      line: { decision: 'report', reason: 'token_missing', status: 200, rule: 'reported', issuer: 'none' },
      also: ['upstreamMs', 'expected', 'got'],
    },
    {
      name: 'not answered by the upstream',
      request: { path: '/dead' },
      line: { decision: 'allow', reason: 'upstream_unreachable', status: 502, rule: 'dead' },
      also: [],
    },
    {
      name: 'with a path that is none',
      request: { path: '/a/../b?c' },
      line: { decision: 'deny', reason: 'path_ambiguous', status: 400, rule: 'default', path: '/a/../b' },
      also: ['expected'],
    },
  ];
  for (const { name, request, line, also } of cases) {
    const before = gateway.lines.length;
    const answer = await gateway.request(request);
    const found = await gateway.lineWhere(
      (each) => gateway.lines.indexOf(each) >= before && each.msg === 'request',
    );
    t.strictSame(Object.keys(found).sort(), [...always, ...also].sort(), `${name}: the fields`);
    t.match(found, { level: 'info', client: '127.0.0.1', bytes: answer.body.length, ...line }, name);
    t.match(
      found,
      { time: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, durationMs: Number, requestId: /^[\w-]{36}$/ },
      name,
    );
    t.equal(
      gateway.lines.slice(before).filter(({ msg }) => msg === 'request').length,
      1,
      `${name}: one line`,
    );
  }
});

t.test('what never became a request has a line too', async (t) => {
  const { gateway } = await startScene(t);
  for (const [bytes, reason, status] of [
    [ask('FROB /x'), 'request_malformed', 400],
    [ask('GET /x', `X: ${'x'.repeat(40_000)}`), 'headers_too_large', 431],
    [ask('CONNECT a:80'), 'method_not_allowed', 405],
  ] as const) {
    const answer = await sendRaw(gateway, bytes);
    const line = await gateway.line(answer.header('x-request-id'));
    t.match(line, { reason, status, decision: 'deny', issuer: 'none', rule: 'default', client: '127.0.0.1' });
    t.equal(line.method, undefined);
    t.equal(line.path, undefined);
  }
});

t.test('which requests are logged can be chosen', async (t) => {
  const logged = async (t: Test, requests: 'all' | 'denied' | 'none') => {
    const down = await deadUrl();
    const { gateway, issuer } = await startScene(t, {
      rules: [...rules, { path: '/dead', auth: 'none', upstream: 'dead' }],
      upstreams: { dead: down },
      log: { requests },
    });
    for (const path of ['/open/x', '/x', '/dead', '/reported']) await gateway.get(path);
    await gateway.get('/y', issuer.mint());
    await sendRaw(gateway, ask('FROB /x'));
    const last = await gateway.get('/z');
    if (requests !== 'none') await gateway.line(last.header('x-request-id'));
    return gateway.lines.filter(({ msg }) => msg === 'request').map(({ path }) => path);
  };
  t.strictSame(await logged(t, 'all'), ['/open/x', '/x', '/dead', '/reported', '/y', undefined, '/z']);
  t.strictSame(
    await logged(t, 'denied'),
    ['/x', '/dead', '/reported', undefined, '/z'],
    'what is refused, would be, or is not answered',
  );
  t.strictSame(await logged(t, 'none'), []);
});

t.test('who a token is of is said as the config wants it', async (t) => {
  const subjects = async (subject: 'plain' | 'hash' | 'none', subs: readonly unknown[]) => {
    const scene = await startScene(t, { log: { subject } });
    const found: unknown[] = [];
    for (const sub of subs) {
      const seen = await scene.allows(t, subject, {
        headers: bearer(scene.issuer.mint({ claims: { sub } })),
      });
      found.push((await scene.gateway.line(seen.header('x-request-id'))).sub);
    }
    return found;
  };
  const control = 'a\r\n\u001b[31m\u202e';
  t.strictSame(await subjects('plain', ['alice', control, 'x'.repeat(300), undefined]), [
    'alice',
    'a\\u000d\\u000a\\u001b[31m\\u202e',
    'x'.repeat(256),
    undefined,
  ]);
  const [alice, again, bob, nobody] = await subjects('hash', ['alice', 'alice', 'bob', undefined]);
  t.match(alice, /^[0-9a-f]{16}$/);
  t.equal(alice, again, 'one subject, one hash');
  t.not(alice, bob);
  t.equal(nobody, undefined);
  t.not((await subjects('hash', ['alice']))[0], alice, 'but not in another process');
  t.strictSame(await subjects('none', ['alice']), [undefined]);
});

t.test('whom a request comes from', async (t) => {
  const client = async (config: Partial<ConfigInput>, headers: Readonly<Record<string, string>>) => {
    const { gateway } = await startScene(t, config);
    const answer = await gateway.request({ headers, localAddress: '127.0.0.9' });
    return (await gateway.line(answer.header('x-request-id'))).client;
  };
  const said = { 'x-forwarded-for': '192.0.2.1, 198.51.100.7' };
  t.equal(await client({}, {}), '127.0.0.9');
  t.equal(await client({}, said), '127.0.0.9', 'nobody is believed');
  t.equal(await client({ listen: { trustedProxies: ['127.0.0.8'] } }, said), '127.0.0.9', 'nor any other');
  t.equal(
    await client({ listen: { trustedProxies: ['127.0.0.0/8'] } }, said),
    '198.51.100.7',
    'but the proxy',
  );
});

t.test('a peer that is not trusted and sends X-Forwarded-For is said once, with what to set', async (t) => {
  const warnings = (gateway: TestGateway) =>
    gateway.lines.filter(({ msg }) => String(msg).startsWith('X-Forwarded-For'));
  const said = { 'x-forwarded-for': '192.0.2.1' };
  const { gateway, issuer, echo } = await startScene(t);
  for (let i = 0; i < 20; i++) await gateway.request({ headers: said, localAddress: `127.0.0.${2 + i}` });
  const last = await gateway.request({ headers: said });
  await gateway.line(last.header('x-request-id'));
  t.match(warnings(gateway), [
    { level: 'warn', network: '127.0.0.2/32', setting: 'listen.trustedProxies', hint: /proxy of yours/ },
  ]);
  t.equal(warnings(gateway).length, 1);
  t.notMatch(JSON.stringify(warnings(gateway)), /192\.0\.2/, 'what it says is no matter');
  await gateway.reload({
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    listen: { trustedProxies: ['127.0.0.0/8'] },
  });
  const trusted = await gateway.request({ headers: said });
  await gateway.line(trusted.header('x-request-id'));
  t.equal(warnings(gateway).length, 1, 'and no more once it is trusted');

  const other = await startScene(t, { listen: { trustedProxies: ['10.0.0.0/8'] } });
  await other.gateway.request({});
  const bare = await other.gateway.request({
    headers: { forwarded: 'for=192.0.2.1', 'x-real-ip': '192.0.2.1' },
  });
  await other.gateway.line(bare.header('x-request-id'));
  t.equal(warnings(other.gateway).length, 0, 'not where there is none');
  const stranger = await other.gateway.request({ headers: said });
  await other.gateway.line(stranger.header('x-request-id'));
  t.equal(warnings(other.gateway).length, 1, 'but where another proxy is trusted');
});

t.test('no line holds a token, a cookie, a secret or a query, nor what a terminal obeys', async (t) => {
  const folder = t.testdir({ basic: 'Basic b3VycyBhbG9uZQ\n', admin: `${'s'.repeat(40)}\n` });
  const { issuer, echo } = await startScene(t);
  const gateway = await startGateway(t, {
    upstream: { url: echo.url, setHeaders: { 'X-Basic': 'Basic b3VycyBhbG9uZQ' } },
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    admin: { tokenFile: join(folder, 'admin') },
    rules: open.rules,
    log: { level: 'trace' },
  });
  const token = issuer.mint();
  const secrets = [
    ...token.split('.'),
    'zzcookie',
    'zzquery',
    'zzbody',
    'zzheader',
    'b3VycyBhbG9uZQ',
    'ssssss',
  ];
  const paths = [
    `/a/${token}/b`,
    `/${token}`,
    `/x/${token.slice(0, 40)}`,
    `/x;${token}`,
    `/x?token=${token}`,
  ];
  for (const path of [
    ...paths,
    '/x?zzquery',
    '/a/../b?zzquery=1',
    '/?zzquery#',
    '/a#zzquery',
    '/x?access_token=zzquery',
  ]) {
    await sendRaw(
      gateway,
      ask(
        `GET ${path}`,
        `Authorization: Bearer ${token}`,
        'Cookie: session=zzcookie',
        'X-Whatever: zzheader',
      ),
    );
  }
  await gateway.request({
    method: 'POST',
    path: '/last',
    body: 'zzbody',
    headers: { authorization: 'Basic zzheader' },
  });
  await gateway.lineWhere(({ path }) => path === '/last');
  const text = JSON.stringify(gateway.lines);
  for (const secret of secrets) t.notMatch(text, secret.slice(0, 20), secret.slice(0, 8));
  t.match(
    gateway.lines.flatMap(({ path }) => (path === undefined ? [] : [path])).slice(0, 2),
    ['/a/[masked]/b', '/[masked]'],
    'a segment shaped like a token is masked',
  );
  t.equal(
    gateway.lines.filter(({ msg }) => /query/.test(String(msg))).length,
    1,
    'access_token is warned of once',
  );
});

t.test('what a stranger says is cut and made harmless', async (t) => {
  const { gateway, issuer } = await startScene(t);
  const kids = {
    '\r\n{"msg":"request"}\u0000\u001b[2J': '\\u000d\\u000a{"msg":"request"}\\u0000\\u001b[2J',
    ['k'.repeat(500)]: 'k'.repeat(64),
    'é\u0085\u2028\u202e': 'é\\u0085\\u2028\\u202e',
  };
  for (const [kid, logged] of Object.entries(kids)) {
    const answer = await gateway.get('/x', issuer.mint({ header: { kid } }));
    t.equal((await gateway.line(answer.header('x-request-id'))).kid, logged);
  }
  const long = await gateway.get(`/${'p/'.repeat(5000)}`);
  const { path } = await gateway.line(long.header('x-request-id'));
  t.equal(String(path).length, 1024);
  const odd = await sendRaw(gateway, ask('GET /a\u0000\\b#c?d'));
  t.equal(odd.status, 400);
  t.notMatch(JSON.stringify(await gateway.line(odd.header('x-request-id'))), /[\u0000-\u001f]/);
});
