import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeKey } from '../helpers/key.ts';
import { request } from '../helpers/request.ts';
import { bearer, startScene } from './scene.ts';

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const own = { ...form, 'sec-fetch-site': 'same-origin' };

async function start(
  t: Test,
  ...options: Parameters<typeof startScene> extends [Test, ...infer R] ? R : never
) {
  const scene = await startScene(t, ...options);
  const ask = (path: string, headers: Record<string, string> = {}, more: object = {}) =>
    request(scene.gateway.admin, { path, headers, ...more });
  const post = (fields: Record<string, string>, headers: Record<string, string> = own) =>
    ask('/explain', headers, { method: 'POST', body: new URLSearchParams(fields).toString() });
  return { ...scene, ask, post };
}

t.test('the page, and what a browser may do with it', async (t) => {
  const { ask, issuer } = await start(t);
  const page = await ask('/');
  t.equal(page.status, 200);
  t.ok(page.text.startsWith('<!doctype html>'));
  t.ok(page.text.includes(issuer.issuer));
  const expected = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': /camera=\(\)/,
    'access-control-allow-origin': undefined,
  };
  for (const [name, value] of Object.entries(expected)) t.match(page.header(name), value, name);
  t.notMatch(page.text, /\s(?:src|href)="(?!\/|#)/, 'nothing from elsewhere');

  const policy = page.header('content-security-policy') ?? '';
  const directives = new Map(policy.split('; ').map((each) => [each.split(' ')[0], each]));
  for (const directive of [
    "default-src 'none'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "img-src 'self'",
  ])
    t.ok([...directives.values()].includes(directive), directive);
  for (const element of ['style', 'script']) {
    const text = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(page.text)?.[1] ?? '';
    const hash = createHash('sha256').update(text).digest('base64');
    t.equal(
      directives.get(`${element}-src`),
      `${element}-src 'sha256-${hash}'`,
      `the ${element} that is there`,
    );
  }
  t.notMatch(policy, /unsafe|\*|https?:|data:/);

  const head = await ask('/', {}, { method: 'HEAD' });
  t.equal(head.header('content-security-policy'), policy);
  t.equal((await ask('/icon.svg')).header('content-type'), 'image/svg+xml');
});

t.test('who may see it', async (t) => {
  const secret = 'an-admin-token-of-32-bytes-or-so--';
  const folder = t.testdir({ token: secret });
  const { ask } = await start(t, { admin: { tokenFile: join(folder, 'token') } });
  const strange = { host: 'rebound.example' };
  for (const [path, method] of [
    ['/', 'GET'],
    ['/', 'HEAD'],
    ['/explain', 'GET'],
    ['/explain', 'POST'],
    ['/icon.svg', 'GET'],
  ] as const) {
    const body = method === 'POST' ? { body: 'token=a' } : {};
    const refused = await ask(path, { ...strange, ...own, accept: browser }, { method, ...body });
    t.equal(refused.status, 401, `${method} ${path}`);
    t.match(refused.header('www-authenticate'), /^Bearer/);
    t.match(refused.header('content-security-policy'), /^default-src 'none'/);
    t.equal(refused.header('x-frame-options'), 'DENY');
    if (method === 'HEAD') continue;
    t.match(refused.text, /kubectl port-forward/, 'a browser is told how to get in');
    t.notMatch(refused.text, /127\.0\.0\.1:\d|uptime|Node\.js/i, 'and nothing else');
  }
  const plain = await ask('/', strange);
  t.strictSame(plain.json(), { type: 'about:blank', title: 'Unauthorized', status: 401 }, 'a program is not');
  t.match(
    (await ask('/api/status', { ...strange, accept: browser })).header('content-type'),
    /^application\/problem\+json/,
  );
  t.equal((await ask('/', { ...strange, authorization: `Bearer ${secret}` })).status, 200);
  t.equal((await ask('/', { host: 'localhost:1' })).status, 200);
});

t.test('the explainer as a form', async (t) => {
  const { ask, post, gateway, issuer } = await start(t, {
    rules: [{ name: 'orders', path: '/orders/*', scopes: ['orders:read'] }],
    unmatched: 'deny',
  });
  const foreign = await makeKey();
  const good = issuer.mint();
  const bad = issuer.mint({ key: foreign, header: { kid: issuer.signingKey.kid } });
  const before = await gateway.metrics();
  const cases = [
    { name: 'a good token', fields: { token: good, method: 'GET', path: '/orders/42' }, says: 'Allowed' },
    { name: 'with its scheme', fields: { token: ` Bearer ${good} `, path: '/orders/42' }, says: 'Allowed' },
    { name: 'a forged one', fields: { token: bad, path: '/orders/42' }, says: '401 signature_invalid' },
    { name: 'none', fields: { token: '', path: '/orders/42' }, says: '401 token_missing' },
    {
      name: 'no token at all',
      fields: { token: '"><script>alert(1)</script>', path: '/orders/1' },
      says: '401 token_malformed',
    },
    { name: 'no rule', fields: { token: good, path: '/nowhere' }, says: '404 path_not_found' },
    { name: 'a token for a path', fields: { token: good, path: `/orders/${bad}` }, says: '/orders/[masked]' },
    {
      name: 'a token for a method',
      fields: { token: good, method: good, path: '/orders/1' },
      says: 'another method',
    },
  ];
  const everyPart = [good, bad].flatMap((token) => token.split('.'));
  for (const { name, fields, says } of cases) {
    const answer = await post(fields);
    t.equal(answer.status, 200, name);
    t.ok(answer.text.includes(says), `${name}: ${says}`);
    t.match(answer.header('content-security-policy'), /^default-src 'none'/);
    for (const part of everyPart) t.notOk(answer.text.includes(part), `${name}: no part of a token`);
    t.notMatch(answer.text, /<script>alert|EYJ/, `${name}: in no letters`);
  }
  const counted = (text: string) =>
    text
      .split('\n')
      .filter((line) => /^jwks_sidecar_(requests|decisions|refusals|token_cache|jwks_fetches)/.test(line));
  t.strictSame(counted(await gateway.metrics()), counted(before), 'nothing is counted, kept or fetched');
  t.notOk(
    gateway.lines.some(({ msg }) => msg === 'request'),
    'or logged',
  );

  const asked = await ask('/explain');
  t.equal(asked.status, 303, 'the address of a result');
  t.equal(asked.header('location'), '/#explain');
});

t.test('a form from elsewhere is refused', async (t) => {
  const { post, gateway, issuer } = await start(t);
  const { host } = new URL(gateway.admin);
  const cases = [
    { name: 'another site', headers: { 'sec-fetch-site': 'cross-site' }, status: 403 },
    { name: 'another port', headers: { 'sec-fetch-site': 'same-site' }, status: 403 },
    { name: 'the address bar', headers: { 'sec-fetch-site': 'none' }, status: 403 },
    { name: 'another origin', headers: { origin: 'https://evil.example' }, status: 403 },
    { name: 'a hidden origin', headers: { origin: 'null' }, status: 403 },
    { name: 'nobody', headers: {}, status: 403 },
    {
      name: 'another site that says to be us',
      headers: { 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
      status: 403,
    },
    { name: 'our own origin', headers: { origin: `http://${host}` }, status: 200 },
    { name: 'our own page', headers: { 'sec-fetch-site': 'same-origin', origin: 'null' }, status: 200 },
  ];
  const token = issuer.mint();
  for (const { name, headers, status } of cases) {
    const answer = await post({ token }, { ...form, ...headers } as Record<string, string>);
    t.equal(answer.status, status, name);
    t.match(answer.header('content-security-policy'), /^default-src 'none'/, name);
    if (status === 403) t.notMatch(answer.text, issuer.issuer, `${name}: learns nothing`);
  }
});

t.test('what is no such form', async (t) => {
  const { ask } = await start(t);
  const cases = [
    { name: 'nothing', body: '', status: 400 },
    { name: 'no token', body: 'path=/', status: 400 },
    { name: 'two tokens', body: 'token=a&token=b', status: 400 },
    { name: 'another field', body: 'token=a&debug=1', status: 400 },
    { name: 'broken escapes', body: 'token=%E0%A4%A&path=%', status: 200 },
    { name: 'too much', body: `token=${'a'.repeat(200_000)}`, status: 413 },
    { name: 'JSON', body: '{"token":"a"}', type: 'application/json', status: 415 },
    { name: 'text', body: 'token=a', type: 'text/plain', status: 415 },
    { name: 'parts', body: 'token=a', type: 'multipart/form-data; boundary=x', status: 415 },
  ];
  for (const { name, body, type = form['content-type'], status } of cases) {
    const answer = await ask('/explain', { ...own, 'content-type': type }, { method: 'POST', body });
    t.equal(answer.status, status, name);
    t.equal(answer.header('content-type'), 'text/html; charset=utf-8', name);
    t.notMatch(answer.text, /node_modules|at \w+ \(|fastify/i, `${name}: no word about the inside`);
  }
  const api = await ask('/api/explain', own, { method: 'POST', body: 'token=a' });
  t.equal(api.status, 415, 'the API takes no form, which any page can send');
});

t.test('report mode shows whom enforcement would hit', async (t) => {
  const { ask, gateway, issuer } = await start(t, {
    mode: 'report',
    rules: [
      { name: 'scoped', path: '/scoped', scopes: ['none:such'] },
      { name: 'strict', path: '/strict', mode: 'enforce' },
      { name: 'open', path: '/*' },
    ],
  });
  const mint = (claims: object) => bearer(issuer.mint({ claims: { ...claims } }));
  for (let i = 0; i < 2; i++) await gateway.request({ path: '/x' });
  await gateway.request({ path: '/x', headers: mint({ exp: 1, sub: 'never-verified' }) });
  await gateway.request({ path: '/scoped', headers: mint({ client_id: 'shop' }) });
  await gateway.request({ path: '/scoped', headers: mint({ client_id: 'subject' }) });
  await gateway.request({ path: '/scoped', headers: mint({ client_id: undefined, azp: '<b>' }) });
  await gateway.request({ path: '/strict' });
  await gateway.get('/x', issuer.mint());
  await gateway.lineWhere(({ decision }) => decision === 'allow');

  const status = (await ask('/api/status')).json() as unknown as {
    mode: string;
    modeSince: string;
    reporting: {
      exceptions: string[];
      rows: { who: string; reason: string; rule: string; count: number }[];
      forgotten: number;
    };
    history: { reported: number; requests: number };
  };
  t.match(status, { mode: 'report', modeSince: /^\d{4}-/, history: { reported: 6, requests: 8 } });
  t.strictSame(status.reporting.exceptions, ['strict']);
  const sub = gateway.lines.find(({ rule }) => rule === 'scoped')?.sub;
  t.match(sub, /^[0-9a-f]{16}$/);
  t.strictSame(
    status.reporting.rows.map(({ rule, reason, who, count }) => [rule, reason, who, count]),
    [
      ['scoped', 'scope_insufficient', `client <b>, subject ${sub}`, 1],
      ['scoped', 'scope_insufficient', `subject ${sub}`, 1],
      ['scoped', 'scope_insufficient', `client shop, subject ${sub}`, 1],
      ['open', 'token_expired', '127.0.0.x', 1],
      ['open', 'token_missing', '127.0.0.x', 2],
    ],
    'a client that is its own subject is named as log.subject says',
  );
  const { text } = await ask('/');
  t.match(text, '<b>6 of 8</b> requests in the last 15 minutes would have been refused');
  t.match(text, 'client &lt;b&gt;, subject');
  t.notMatch(text, 'never-verified');
});

t.test('since when the mode is what it is', async (t) => {
  const { ask, gateway, issuer, echo } = await start(t);
  const since = async () => ((await ask('/api/status')).json() as { modeSince: string }).modeSince;
  const config = { upstream: echo.url, issuers: [{ issuer: issuer.issuer, audience: issuer.audience }] };
  const first = await since();
  await gateway.reload({ ...config, rules: [{ path: '/x' }] });
  t.equal(await since(), first, 'a reload that leaves it');
  await gateway.reload({ ...config, mode: 'report' });
  const {
    config: { loadedAt },
  } = (await ask('/api/status')).json() as { config: { loadedAt: string } };
  t.equal(await since(), loadedAt, 'a reload that changes it');
});

t.test('blocked clients are shown by their networks', async (t) => {
  const { ask, gateway } = await start(t, { failureLimit: { max: 1, blockFor: '1h' } });
  for (let i = 1; i <= 22; i++) {
    await gateway.request({ headers: bearer('x'), localAddress: `127.0.${i}.77` });
  }
  const { failureLimit } = (await ask('/api/status')).json() as {
    failureLimit: { blocked: number; blockedClients: { client: string; until: string }[] };
  };
  t.equal(failureLimit.blocked, 22);
  t.equal(failureLimit.blockedClients.length, 20);
  t.equal(failureLimit.blockedClients[0]?.client, '127.0.22.x', 'the latest first');
  const { text } = await ask('/');
  t.match(text, '127.0.22.x');
  t.match(text, 'And 2 other clients.');
  t.notMatch(text, /127\.0\.\d+\.77/, 'nobody in full');
});

t.test('the same as JSON', async (t) => {
  const { ask, gateway, issuer } = await start(
    t,
    { mode: 'enforce' },
    { trust: { keys: { maxStale: '2h' } } },
  );
  const token = issuer.mint();
  for (let i = 0; i < 3; i++) await gateway.get('/x', token);
  await gateway.get('/x');
  const status = (await ask('/api/status')).json();
  t.match(status, {
    webSockets: { open: 0 },
    issuers: [{ source: 'discovery', maxStaleMs: 7_200_000 }],
    tokenCache: { entries: 1, maxEntries: 10_000 },
    reporting: { exceptions: [], rows: [], forgotten: 0 },
    history: {
      requests: 4,
      refused: 1,
      reported: 0,
      refusals: { token_missing: 1 },
      cacheHits: 2,
      cacheMisses: 1,
      requestMs: { p50: Number, p95: Number, p99: Number },
      upstreamMs: { p50: Number },
      minutes: [{ requests: 4 }],
    },
  });
  t.equal((status.history as { steps?: unknown }).steps, undefined, 'the points of the charts are left out');
});
