import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { bearer, sight, startScene } from './scene.ts';

t.test('a rule sends to its own upstream', async (t) => {
  const billing = await startEcho(t);
  const { issuer, ...scene } = await startScene(t, {
    upstreams: { billing: { url: `${billing.url}/base`, setHeaders: { 'X-Key': 'billing' } } },
    rules: [
      { path: '/billing/:account/*', upstream: 'billing', claims: { account: { equals: '{account}' } } },
      { path: '/pay/*', upstream: 'billing', stripPrefix: '/pay' },
    ],
    failureLimit: null,
  });
  const token = issuer.mint({ claims: { account: 'a1' } });
  const cases = [
    { path: '/billing/a1/x?y=1', url: '/base/billing/a1/x?y=1', prefix: undefined },
    { path: '/pay/x', url: '/base/x', prefix: '/pay' },
    { path: '/pay', url: '/base/', prefix: '/pay' },
    { path: '/pay/?q=/pay', url: '/base/?q=/pay', prefix: '/pay' },
    { path: '/pay/pay/x', url: '/base/pay/x', prefix: '/pay' },
  ];
  for (const { path, url, prefix } of cases) {
    t.equal((await scene.gateway.get(path, token, { 'X-Key': 'mine' })).status, 200, path);
    const seen = sight(billing.seen.at(-1));
    t.equal(seen.url, url, path);
    t.equal(seen.header('x-forwarded-prefix'), prefix, `${path}: says what was taken away`);
    t.equal(seen.header('x-key'), 'billing', 'its own header, never the client’s');
    t.equal(seen.header('x-verified-subject'), 'subject');
  }
  t.equal(scene.echo.seen.length, 0, 'the other upstream sees none of it');
  await scene.refuses(t, 'another account', { path: '/billing/a2/x', headers: bearer(token) }, 'rule_denied');
  await scene.refuses(
    t,
    'a dot segment',
    { path: '/pay/../billing/a2', headers: bearer(token) },
    'path_ambiguous',
  );
  t.equal(billing.seen.length, cases.length);
  const elsewhere = await scene.allows(t, 'no rule', {
    path: '/x',
    headers: { ...bearer(token), 'X-Key': 'mine' },
  });
  t.equal(elsewhere.header('x-key'), undefined, 'a header that is one upstream’s is nobody else’s to set');
});

t.test('paths that such an upstream names are mapped back', async (t) => {
  let answer: Record<string, string | string[]> = {};
  const upstream = createServer((_request, response) => response.writeHead(302, answer).end());
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const { gateway } = await startScene(t, {
    upstreams: { app: url },
    rules: [{ path: '/app/*', auth: 'none', upstream: 'app', stripPrefix: '/app' }],
  });
  const locations = {
    '/login?next=/x': '/app/login?next=/x',
    '/': '/app/',
    '/app/x': '/app/x',
    '/apple': '/app/apple',
    relative: 'relative',
    '//other.example/x': '//other.example/x',
    'https://other.example/x': 'https://other.example/x',
    [`${url}/x`]: `${gateway.url}/app/x`,
    [`${gateway.url}/x`]: `${gateway.url}/app/x`,
  };
  for (const [sent, wanted] of Object.entries(locations)) {
    answer = { location: sent };
    t.equal((await gateway.get('/app/x')).header('location'), wanted, sent);
  }
  answer = {
    'set-cookie': ['a=1; Path=/; HttpOnly', 'b=2; path=/deep', '__Host-c=3; Path=/; Secure', 'd=4'],
  };
  t.same((await gateway.get('/app/x')).all('set-cookie'), [
    'a=1; Path=/app; HttpOnly',
    'b=2; path=/app/deep',
    '__Host-c=3; Path=/; Secure',
    'd=4',
  ]);
});
