import t from 'tap';
import { ask, elsewhere, startTarget } from './harness.ts';

// Headers that some framework behind the gateway, or the gateway itself, takes for the path, the method, the host or the
// decision: CVE-2018-14773 (X-Original-URL), CVE-2025-29927 (a header of the framework's own), CVE-2025-54576 (the query).

const target = await startTarget(t);
const authorization = `Authorization: Bearer ${target.mint()}`;

const paths = [
  'X-Original-URL',
  'X-Rewrite-URL',
  'X_Original_URL',
  'x.rewrite.url',
  'X-Original_Url',
  'X-REWRITE-URL',
];
const forwarded = [
  ...[
    'X-Forwarded-Uri',
    'X-Forwarded-Path',
    'X-Forwarded-Method',
    'X-Forwarded-Prefix',
    'X-Forwarded-User',
    'X-Forwarded-Email',
  ],
  ...['X-Forwarded-Preferred-Username', 'X-Forwarded-Groups', 'X-Forwarded-Access-Token', 'x_forwarded_uri'],
];
const methods = [
  ...[
    'X-HTTP-Method',
    'X-HTTP-Method-Override',
    'X-Method-Override',
    'X_HTTP_Method_Override',
    'x-http.method_override',
  ],
];

t.test('no header decides about the path', async (t) => {
  for (const name of [...paths, ...forwarded]) {
    const open = `${name}: /public/x`;
    await target.refuses(t, name, ask('GET /required/x', open), 'token_missing');
    await target.refuses(t, name, ask('GET /forbidden/x', open, authorization), 'scope_insufficient');
    await target.refuses(t, `${name}, twice`, ask('GET /required/x', open, open), 'token_missing');
    for (const path of ['/public/x', '/optional/x'])
      await target.allows(t, `${name} goes no further`, ask(`GET ${path}`, `${name}: /required/x`), {
        fields: [],
      });
    const signed = ask('GET /required/x', `${name}: /forbidden/x`, authorization);
    await target.allows(t, `${name} goes no further with a token`, signed, { fields: [] });
  }
});

t.test('no header decides about the method', async (t) => {
  for (const name of methods) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      await target.refuses(t, name, ask(`${method} /required/x`, `${name}: GET`), 'token_missing');
      const length = method === 'POST' ? ['Content-Length: 0'] : [];
      const seen = await target.allows(t, name, ask(`${method} /public/x`, `${name}: DELETE`, ...length), {
        fields: [],
      });
      t.equal(seen.method, method);
    }
  }
});

t.test('nor does any other, or the query', async (t) => {
  const claims = [
    'X-Middleware-Subrequest: middleware:middleware:middleware',
    'X-Forwarded-Host: public.example',
    'X-Host: public.example',
    'X-Auth-Request-User: root',
    'Remote-User: root',
    'X-Remote-User: root',
    'X-Authenticated: true',
    'X-Internal: 1',
    'X-Envoy-Internal: true',
    'X-Accel-Redirect: /public/x',
    'X-Sendfile: /etc/passwd',
    'X-Custom-IP-Authorization: 127.0.0.1',
    'Forwarded: for=127.0.0.1;host=public.example;proto=https',
    'X-Real-IP: 127.0.0.1',
    'X-Client-IP: 127.0.0.1',
    'True-Client-IP: 127.0.0.1',
    'Referer: http://shop.example/public/x',
    'Origin: null',
    'Access-Control-Request-Method: GET',
    'Sec-Fetch-Site: same-origin',
    'Accept: text/event-stream',
    'Upgrade-Insecure-Requests: 1',
    'Via: 1.1 gateway',
    'Max-Forwards: 0',
    'Range: bytes=0-0',
  ];
  for (const claim of claims) {
    await target.refuses(t, claim, ask('GET /required/x', claim), 'token_missing');
    await target.refuses(t, claim, ask('OPTIONS /required/x', claim), 'token_missing');
    await target.refuses(t, claim, ask('GET /forbidden/x', claim, authorization), 'scope_insufficient');
  }
  for (const query of [
    '?/public/x',
    '?path=/public/x',
    '?_method=GET&x=/public/',
    '??/public',
    '?x#'.slice(0, 2),
  ])
    await target.refuses(t, query, ask(`GET /required/x${query}`), 'token_missing');
});

t.test('a Host that points elsewhere, or a second one', async (t) => {
  const requests: Record<string, string> = {
    'two hosts': 'GET /public/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'two equal hosts': 'GET /public/x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
    'no host': 'GET /public/x HTTP/1.1\r\n\r\n',
    'a path in it': 'GET /required/x HTTP/1.1\r\nHost: a/public/x\r\n\r\n',
    'a user in it': 'GET /public/x HTTP/1.1\r\nHost: a@b\r\n\r\n',
    'blanks in it': 'GET /public/x HTTP/1.1\r\nHost: a b\r\n\r\n',
    'a list': 'GET /public/x HTTP/1.1\r\nHost: a, b\r\n\r\n',
    'a host behind a space before the colon': 'GET /public/x HTTP/1.1\r\nHost : a\r\n\r\n',
  };
  const before = target.upstream.bytes;
  for (const [name, bytes] of Object.entries(requests)) {
    const answer = await target.send(bytes);
    if (elsewhere) t.ok(answer.status >= 400, name);
    else t.equal(answer.status, 400, name);
  }
  t.equal(target.upstream.bytes, before, 'the upstream sees nothing');
});
