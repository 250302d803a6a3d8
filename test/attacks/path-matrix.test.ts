import t, { type Test } from 'tap';
import type { Refused } from '../gateway/refusals.ts';
import { models } from '../path/models.ts';
import { ask, elsewhere, startTarget } from './harness.ts';
import { areas } from './policy.ts';

// A path that the rules read in one way and the upstream in another, on every kind of rule, as a plain request and as a
// WebSocket handshake.

/** What stands behind the first segment, by the reason for which it is refused. */
const refused = {
  path_ambiguous: {
    'dot segments, CVE-2019-9901': [
      '/../admin',
      '/./admin',
      '/a/..',
      '/.',
      '/..',
      '/...',
      '/..?x',
      '/../',
      '/a/./b',
      '/..//admin',
    ],
    'encoded dots, CVE-2021-41773': [
      '/%2e%2e/admin',
      '/%2E%2E/admin',
      '/.%2e/admin',
      '/%2e./admin',
      '/%2e/admin',
      '/%2e',
      '/%2e%2e',
    ],
    'encoded slashes, CVE-2021-29492': [
      '/%2fadmin',
      '/a%2Fb',
      '/%2E%2E%2Fadmin',
      '/..%2fadmin',
      '/..%2F..%2fadmin',
      '%2f..%2fadmin',
    ],
    backslashes: ['/\\admin', '/..\\admin', '/%5cadmin', '/%5C..%5Cadmin', '\\..\\admin', '%5c', '/a\\b'],
    'parameters, CVE-2020-5902, CVE-2020-1957': [
      ...[
        '/..;/admin',
        '/..;x=y/admin',
        '/;x=y/admin',
        '/a;x=1',
        '/.;a/admin',
        ';/admin',
        ';x=/../admin',
        '/;/admin',
        '/a;',
        '/;',
      ],
      ...['/..;%2fadmin', '/a;jsessionid=1/b', '/..%3b/admin', '/.%3b/admin'],
    ],
    'escapes of escapes, CVE-2021-42013, CVE-2020-11989': [
      ...[
        '/%252e%252e/admin',
        '/%252fadmin',
        '/%25%32%65',
        '/%2523',
        '/%253b',
        '/%2500',
        '/%255c',
        '/%25252e',
        '/%%32%65/admin',
      ],
      ...['/.%%32%65/admin', '/%25c0%25ae'],
    ],
    'control characters': [
      '/%00',
      '/a%00.png',
      '/%0d%0aX:1',
      '/%0a',
      '/%09',
      '/%7f',
      '/%c2%85',
      '/%c2%80',
      '/%1b[2J',
      '/x%00/../admin',
    ],
    'broken escapes': [
      '/%',
      '/%4',
      '/%zz',
      '/%u002e%u002e/admin',
      '/%u002fadmin',
      '/%-1',
      '/% 41'.replace(' ', '+'),
      '/a%2',
      '/%2%65',
    ],
    'overlong or broken UTF-8': [
      ...[
        '/%c0%ae%c0%ae/admin',
        '/%c0%afadmin',
        '/%e0%80%af',
        '/%f0%80%80%af',
        '/%ff',
        '/%ed%a0%80',
        '/%c3',
        '/%80',
        '/%f5%80%80%80',
      ],
      ...['/%c0%2e/admin', '/%e0%40%ae/admin', '/%c1%9c'],
    ],
  },
  request_malformed: {
    'fragments, CVE-2021-32779, CVE-2021-39156': ['/a#b', '/#', '/a?b#c', '#', '#/../admin', '/x#?y'],
    'raw control characters': [
      '/\u0000',
      '/a\u0001',
      '/a\u007fb',
      '/a\tb',
      '/a\u000bb',
      '/a\u001bb',
      '/x?\u0000',
    ],
    'raw bytes outside ASCII': ['/\u00e9', '/\u00c0\u00ae', '/\u00c2\u0085', '/\u00ff'],
    'a space': ['/a b', '/ x', ' /x', '/x y HTTP/1.1'],
    'a bare CR or LF': ['/a\rb', '/a\nb', '/x\r\n/y'],
  },
} as const;

/** No target of a request to this server at all, RFC 9112 section 3.2. */
const noPath = [
  ...[
    'http://shop.example/public/x',
    'https://shop.example',
    'http:///public/x',
    'http://evil.example/public/x',
  ],
  ...[
    'shop.example:80',
    '*',
    'x',
    'public/x',
    '?x',
    './x',
    '../x',
    '\\x',
    '%2fpublic/x',
    '@shop.example/x',
    'file:///etc/passwd',
  ],
  ...[
    'HTTP://SHOP.EXAMPLE/public/x',
    'ws://shop.example/public/x',
    '/public/x HTTP/1.1 HTTP/1.1',
    '\\public\\x',
    ';/public/x',
  ],
];

/** Other spellings of a path, and the one in which it is matched and forwarded. */
const spellings: Readonly<Record<string, string>> = {
  '': '',
  '/': '/',
  '//': '/',
  '/x': '/x',
  '//x///y//': '/x/y/',
  '/%78': '/x',
  '/%41%7e%2D%2e_': '/A~-._',
  '/a.b/.c/d../..e/...f': '/a.b/.c/d../..e/...f',
  "/-._~!$&'()*+,=:@": "/-._~!$&'()*+,=:@",
  '/%c3%a9': '/%C3%A9',
  '/{"a"}<^>`|': '/%7B%22a%22%7D%3C%5E%3E%60%7C',
  '/a%3bb': '/a%3Bb',
  '/100%25': '/100%25',
  '/%2526': '/%2526',
  '/a%23b%3fc': '/a%23b%3Fc',
  '/%20+%20': '/%20+%20',
  '?': '?',
  '/x?/../%2e%2e//;y=1&z=%zz%00\\|{}"<>^`[]': '/x?/../%2e%2e//;y=1&z=%zz%00\\|{}"<>^`[]',
  '/x?/public/y': '/x?/public/y',
  '/x?a?b??': '/x?a?b??',
  [`/${'a'.repeat(16_000)}`]: `/${'a'.repeat(16_000)}`,
};

const handshake = [
  ...['Connection: Upgrade', 'Upgrade: websocket'],
  ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
];
const transports: Readonly<Record<string, readonly string[]>> = { HTTP: [], WebSocket: handshake };

const target = await startTarget(t);
const token = target.mint();
const authorization = [`Authorization: Bearer ${token}`];

/**
 * Refused, without a byte to the upstream. Another gateway may clean the path up instead, if what it forwards, for no token
 * is sent, is open in the eyes of every server there is a model of.
 */
async function refuses(t: Test, name: string, bytes: string, reason: Refused): Promise<void> {
  if (!elsewhere) {
    await target.refuses(t, name, bytes, reason);
    return;
  }
  const before = target.upstream.seen.length;
  await target.send(bytes);
  for (const { target: path } of target.upstream.seen.slice(before)) {
    const [pathname = ''] = path.split('?');
    for (const [model, read] of Object.entries(models))
      t.match(read(pathname)[1], /^(?:public|optional)$/, `${name}: ${path} is open to ${model}`);
  }
}

for (const [transport, fields] of Object.entries(transports)) {
  t.test(`${transport}: a path that two parsers could read differently, whatever the rule`, async (t) => {
    for (const [reason, classes] of Object.entries(refused)) {
      for (const [name, tails] of Object.entries(classes)) {
        for (const area of areas) {
          for (const tail of tails) {
            const bytes = ask(`GET ${area}${tail}`, ...fields);
            await refuses(t, `${name}: ${JSON.stringify(area + tail)}`, bytes, reason as Refused);
          }
        }
      }
    }
  });

  t.test(`${transport}: a target that is not a path`, async (t) => {
    for (const path of noPath) await refuses(t, path, ask(`GET ${path}`, ...fields), 'request_malformed');
  });

  t.test(`${transport}: no way leads from what is open to what is not`, async (t) => {
    const steps = [
      '..',
      '%2e%2e',
      '.%2e',
      '%2E.',
      '..;',
      '..%3b',
      '..%00',
      '%252e%252e',
      '%c0%ae%c0%ae',
      '..\\',
      '..%5c',
    ];
    for (const step of steps) {
      const paths = [
        `/public/${step}/required/x`,
        `/public/a/${step}/${step}/forbidden/x`,
        `/public//${step}/required/x`,
        `/public/${step}%2frequired/x`,
        `//public/${step}//required/x`,
        `/public/${step}/public/../required/x`,
        `/${step}/public/x`,
        `/required/${step}/public/x`,
      ];
      for (const path of paths) await refuses(t, path, ask(`GET ${path}`, ...fields), 'path_ambiguous');
    }
    // Canonical at once, or once slashes are merged and letters decoded: other paths, which need a token.
    const others = [
      '/required/x',
      '//required/x',
      '/%72equired/x',
      '/publicx',
      '/PUBLIC/x',
      '/Public',
      '/public%3bx',
      '///',
      '/public.',
      '/x/public/y',
    ];
    for (const path of others) {
      await target.refuses(t, path, ask(`GET ${path}`, ...fields), 'token_missing');
      const hidden = `${path}?/../public/x&path=/public/x`;
      await target.refuses(t, hidden, ask(`GET ${hidden}`, ...fields), 'token_missing');
    }
  });

  t.test(`${transport}: the path that the rules matched is the path that the upstream gets`, async (t) => {
    for (const [spelling, canonical] of Object.entries(spellings)) {
      for (const area of areas) {
        const name = `${area}${spelling.slice(0, 60)}`;
        const anonymous = ask(`GET ${area}${spelling}`, ...fields);
        const signed = ask(`GET ${area}${spelling}`, ...fields, ...authorization);
        const passed = { target: area + canonical };
        const isOpen = area === '/public' || area === '/optional';
        if (isOpen) await target.allows(t, name, anonymous, passed);
        else await target.refuses(t, `${name}, no token`, anonymous, 'token_missing');
        if (area === '/forbidden') await target.refuses(t, `${name}, a token`, signed, 'scope_insufficient');
        else await target.allows(t, `${name}, a token`, signed, passed);
      }
      const [path = ''] = canonical.split('?');
      for (const [model, read] of Object.entries(models)) {
        t.strictSame(
          read(`/public${path}`),
          `/public${path}`.split('/').map(decodeURIComponent),
          `${canonical.slice(0, 60)} to ${model}`,
        );
      }
    }
  });
}

t.test('every method meets the same rules', async (t) => {
  const methods = [
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'PROPFIND',
    'SEARCH',
    'LOCK',
    'M-SEARCH',
  ];
  for (const method of methods.filter((method) => method !== 'HEAD')) {
    await refuses(t, method, ask(`${method} /public/../required/x`), 'path_ambiguous');
    await target.refuses(t, method, ask(`${method} /required/x`), 'token_missing');
    await target.refuses(t, method, ask(`${method} /forbidden/x`, ...authorization), 'scope_insufficient');
  }
  for (const method of ['TRACE', 'CONNECT']) {
    for (const path of ['/public/x', '/required/x'])
      await target.refuses(t, method, ask(`${method} ${path}`, ...authorization), 'method_not_allowed');
  }
});
