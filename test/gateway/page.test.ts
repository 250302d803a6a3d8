import t from 'tap';
import { bearer, startScene } from './scene.ts';

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

t.test('a browser gets a page that says the same', async (t) => {
  const { issuer, gateway, echo } = await startScene(t, {
    rules: [
      { path: '/scoped', scopes: ['orders:admin'] },
      { path: '/claimed', claims: { role: { equals: 'admin' } } },
      { path: '/*' },
    ],
    token: { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] },
  });
  const cookie = `session=${issuer.mint()}`;
  const cases = [
    { code: 'token_missing', request: {}, says: 'Please sign in' },
    {
      code: 'token_expired',
      request: { headers: bearer(issuer.mint({ claims: { exp: 1 } })) },
      says: 'Your session has expired. Please sign in again.',
    },
    { code: 'token_malformed', request: { headers: bearer('<script>') }, says: 'Please sign in again' },
    {
      code: 'scope_insufficient',
      request: { path: '/scoped', headers: bearer(issuer.mint()) },
      says: 'You do not have access',
    },
    {
      code: 'rule_denied',
      request: { path: '/claimed', headers: bearer(issuer.mint()) },
      says: 'You do not have access',
    },
    { code: 'csrf_rejected', request: { method: 'POST', headers: { cookie } }, says: 'another site' },
    { code: 'path_ambiguous', request: { path: '/a/../<b>' }, says: 'more than one way' },
  ];
  for (const { code, request, says } of cases) {
    const page = await gateway.request({ ...request, headers: { ...request.headers, accept: browser } });
    const plain = await gateway.request(request);
    t.equal(page.status, plain.status, `${code}: the same status`);
    t.equal(plain.json().code, code);
    const own = new Set([
      'content-type',
      'content-length',
      'content-security-policy',
      'x-request-id',
      'date',
    ]);
    const headers = (answer: typeof page) =>
      answer.rawHeaders.filter((_, i, raw) => !own.has((raw[i - (i % 2)] ?? '').toLowerCase()));
    t.same(headers(page), headers(plain), `${code}: the same headers`);
    t.equal(page.header('content-type'), 'text/html; charset=utf-8');
    t.equal(Number(page.header('content-length')), page.body.length);
    t.match(page.header('content-security-policy'), /^default-src 'none'/);
    t.ok(page.text.includes(says), `${code}: "${says}"`);
    t.ok(
      page.text.includes(code) && page.text.includes(page.header('x-request-id') ?? '?'),
      'and where to look it up',
    );
    t.notMatch(page.text, /<script|<b>|src=|href=/i, 'nothing is loaded, run or taken from the request');
  }
  t.equal(echo.seen.length, 0);
});

t.test('who is a browser', async (t) => {
  const { gateway } = await startScene(t);
  const pages = [browser, 'text/html', 'text/html, application/json;q=0.9', 'text/html;q=0.5, text/plain'];
  const plain = [
    'application/json, text/html;q=0.9',
    'application/problem+json, text/html',
    '*/*',
    'text/*',
    'text/html;q=0',
    'image/avif,image/webp',
    '',
    `text/html,${'a/b,'.repeat(2000)}c/d`,
  ];
  const typeFor = async (headers: Record<string, string>) => {
    const answer = await gateway.request({ headers });
    t.equal(answer.status, 401);
    return answer.header('content-type');
  };
  for (const accept of pages) t.equal(await typeFor({ accept }), 'text/html; charset=utf-8', accept);
  for (const accept of plain)
    t.equal(await typeFor({ accept }), 'application/problem+json', accept.slice(0, 60));
  t.equal(await typeFor({}), 'application/problem+json', 'no Accept');
});

t.test('HEAD gets the headers of the page alone', async (t) => {
  const { gateway } = await startScene(t);
  const raw = await gateway.raw();
  await raw.send(`HEAD / HTTP/1.1\r\nHost: a\r\nAccept: ${browser}\r\n\r\n`);
  const answer = await raw.response({ head: true });
  t.equal(answer.status, 401);
  t.equal(answer.header('content-type'), 'text/html; charset=utf-8');
  await raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal((await raw.response()).json().code, 'token_missing', 'the next answer follows at once');
});

t.test('a request id is shown as it was made or checked', async (t) => {
  const { gateway } = await startScene(t, { listen: { trustedProxies: ['127.0.0.0/8'] } });
  const see = (id: string) => gateway.request({ headers: { accept: browser, 'x-request-id': id } });
  t.ok((await see('abc-123')).text.includes('abc-123'), 'of a trusted proxy');
  for (const id of ['<script>alert(1)</script>', '"', "'", '&', 'a b', 'x'.repeat(129), '']) {
    const answer = await see(id);
    t.match(answer.header('x-request-id'), /^[\w-]{36}$/, 'one of our own instead');
    t.ok(id === '' || !answer.text.includes(`· ${id}`));
  }
});
