import t from 'tap';
import type { RequestOptions } from '../helpers/request.ts';
import { assertRefused, bearer, startScene, type Verdicts } from './scene.ts';

const token = {
  sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }, { type: 'header', name: 'X-Assertion' }],
  allowedOrigins: ['https://app.example', 'http://localhost:5173'],
} as const;

const safe = ['GET', 'HEAD', 'OPTIONS'];
const unsafe = ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'MKCOL', 'REPORT', 'SEARCH', 'QUERY'];

t.test('a token in a cookie needs evidence of its origin for whatever is not safe', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    token,
    listen: { trustedProxies: ['10.0.0.0/8'] },
    rules: [
      { path: '/optional/*', auth: 'optional' },
      { path: '/open/*', auth: 'none' },
    ],
    failureLimit: { max: 1 },
  });
  const valid = issuer.mint();
  const cookie = `session=${valid}`;
  const own = scene.gateway.url;
  const evil = 'https://evil.example';
  for (const method of safe) {
    await scene.allows(t, method, {
      method,
      headers: { cookie, 'sec-fetch-site': 'cross-site', origin: evil },
    });
  }
  for (const method of unsafe) {
    await scene.refuses(t, method, { method, headers: { cookie } }, 'csrf_rejected');
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    await scene.allows(t, `${method} with evidence`, { method, headers });
  }
  const post = (headers: Record<string, string>): RequestOptions => ({
    method: 'POST',
    headers: { cookie, ...headers },
  });
  const table: Verdicts<RequestOptions> = {
    ok: {
      'same-origin': post({ 'sec-fetch-site': 'same-origin' }),
      'from the user': post({ 'sec-fetch-site': 'none' }),
      'same-origin, whatever Origin says': post({ 'sec-fetch-site': 'same-origin', origin: evil }),
      'own origin': post({ origin: own }),
      'own origin in capitals': post({ origin: own.toUpperCase() }),
      'own origin by another name': post({ host: 'Orders.example:80', origin: 'http://orders.example' }),
      'an allowed origin': post({ origin: 'https://app.example', 'sec-fetch-site': 'cross-site' }),
      'an allowed origin with its port': post({ origin: 'https://app.example:443' }),
      'an allowed origin with a port of its own': post({ origin: 'http://localhost:5173' }),
      'a bearer token': {
        method: 'POST',
        headers: { ...bearer(valid), 'sec-fetch-site': 'cross-site', origin: evil },
      },
      'a header token': { method: 'POST', headers: { 'x-assertion': valid, origin: evil } },
      'optional, with no token': { method: 'POST', path: '/optional/x', headers: { origin: evil } },
      'optional, with an empty cookie': {
        method: 'POST',
        path: '/optional/x',
        headers: { cookie: 'session=' },
      },
      'no token looked at': { ...post({ origin: evil }), path: '/open/x' },
    },
    csrf_rejected: {
      'no evidence': post({}),
      'same-site': post({ 'sec-fetch-site': 'same-site', origin: own }),
      'cross-site': post({ 'sec-fetch-site': 'cross-site', origin: own }),
      'an empty Sec-Fetch-Site': post({ 'sec-fetch-site': '', origin: own }),
      'Sec-Fetch-Site in capitals': post({ 'sec-fetch-site': 'SAME-ORIGIN', origin: own }),
      'one that nobody knows': post({ 'sec-fetch-site': 'same-planet' }),
      'two of them': {
        method: 'POST',
        headers: [
          ['Cookie', cookie],
          ['Sec-Fetch-Site', 'cross-site'],
          ['Sec-Fetch-Site', 'same-origin'],
        ],
      },
      'another origin': post({ origin: evil }),
      'an opaque origin': post({ origin: 'null' }),
      'an empty origin': post({ origin: '' }),
      'another scheme': post({ origin: own.replace('http:', 'https:') }),
      'another port': post({ origin: 'http://127.0.0.1:1' }),
      'no port': post({ origin: 'http://127.0.0.1' }),
      'own origin and a path': post({ origin: `${own}/` }),
      'own origin as a name to log in with': post({ origin: `${own}@evil.example` }),
      'a name that begins with ours': post({ host: 'a.example', origin: 'http://a.example.evil.example' }),
      'two origins': post({ origin: `${evil} ${own}` }),
      'the Referer alone': post({ referer: `${own}/page` }),
      'a name that begins like an allowed one': post({ origin: 'https://app.example.evil.example' }),
      'a subdomain of an allowed one': post({ origin: 'https://x.app.example' }),
      'an allowed one by another scheme': post({ origin: 'http://app.example' }),
      'a forwarded host that nobody trusts': post({
        origin: evil,
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
      }),
      'a method that says it is GET': post({ 'x-http-method-override': 'GET' }),
      'an optional rule': { ...post({}), path: '/optional/x' },
      'an optional rule and a bad token': {
        method: 'POST',
        path: '/optional/x',
        headers: { cookie: 'session=bad' },
      },
      'a bad token': { method: 'POST', headers: { cookie: 'session=bad' } },
    },
  };
  await scene.judges(t, table, (request) => request);
  await scene.allows(t, 'none of it counts as a forgery', { headers: bearer(issuer.mint()) });
});

t.test('an Upgrade is never safe', async (t) => {
  const { issuer, echo, gateway } = await startScene(t, { token });
  const cookie = `session=${issuer.mint()}`;
  const upgrades = [
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Connection: upgrade\r\nUpgrade: h2c',
    'Upgrade: x',
  ];
  for (const upgrade of upgrades) {
    const raw = await gateway.raw();
    await raw.send(`GET /x HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n${upgrade}\r\n\r\n`);
    assertRefused(t, upgrade, await raw.response(), 'csrf_rejected');
  }
  t.equal(echo.seen.length, 0, 'the upstream sees nothing');
});

t.test('the own origin behind a trusted proxy', async (t) => {
  const { issuer, ...scene } = await startScene(t, { token, listen: { trustedProxies: ['127.0.0.0/8'] } });
  const cookie = `session=${issuer.mint()}`;
  const said = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'orders.example' };
  const post = (headers: Record<string, string>) => ({ method: 'POST', headers: { cookie, ...headers } });
  const table: Verdicts<RequestOptions> = {
    ok: {
      'as the proxy says': post({ ...said, origin: 'https://orders.example' }),
      'the scheme alone': post({
        'x-forwarded-proto': 'https',
        host: 'o.example',
        origin: 'https://o.example',
      }),
      'the first of two hosts': post({
        ...said,
        'x-forwarded-host': 'o.example, inner.example',
        origin: 'https://o.example',
      }),
      'the first of two schemes': post({
        ...said,
        'x-forwarded-proto': 'https,http',
        origin: 'https://orders.example',
      }),
      'that of a WebSocket': post({
        ...said,
        'x-forwarded-proto': 'wss',
        origin: 'https://orders.example',
      }),
    },
    csrf_rejected: {
      'the name inside': post({ ...said, origin: scene.gateway.url }),
      'the scheme inside': post({ ...said, origin: 'http://orders.example' }),
      'a host that is none, in place of which the own one counts': post({
        ...said,
        'x-forwarded-host': 'u@orders.example',
        origin: 'https://orders.example',
      }),
      'the second of two hosts': post({
        ...said,
        'x-forwarded-host': 'o.example, inner.example',
        origin: 'https://inner.example',
      }),
    },
  };
  await scene.judges(t, table, (request) => request);
});
