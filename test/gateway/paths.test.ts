import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type Echo, startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import type { RawConnection } from '../helpers/raw.ts';
import { bearer, startScene } from './scene.ts';
import { ask, open, sendRaw } from './wire.ts';

const { issuers } = open;

async function inFront(t: Test, config: Partial<ConfigInput>): Promise<{ echo: Echo; gateway: TestGateway }> {
  const echo = await startEcho(t);
  return { echo, gateway: await startGateway(t, { upstream: echo.url, issuers, ...config }) };
}

/** What stands behind the first segment, by the reason for which it is refused. */
const refusedTails = {
  path_ambiguous: {
    'dot segments': ['/../admin', '/./admin', '/a/..', '/.', '/...', '/..?x'],
    'encoded dots': ['/%2e%2e/admin', '/%2E%2E/admin', '/.%2e/admin', '/%2e/admin', '/%2e'],
    'encoded slashes': ['/%2fadmin', '/a%2Fb', '/%2E%2E%2Fadmin', '/..%2fadmin'],
    backslashes: ['/\\admin', '/..\\admin', '/%5cadmin', '/%5C..%5Cadmin'],
    parameters: ['/..;/admin', '/;x=y/admin', '/a;x=1', '/.;a/admin', ';/admin'],
    'escapes of escapes': ['/%252e%252e/admin', '/%252fadmin', '/%25%32%65', '/%2523', '/%253b', '/%2500'],
    'control characters': ['/%00', '/a%00.png', '/%0d%0aX:1', '/%0a', '/%09', '/%7f', '/%c2%85'],
    'broken escapes': ['/%', '/%4', '/%zz', '/%u002e%u002e/admin', '/%%32%65'],
    'overlong or broken UTF-8': [
      '/%c0%ae%c0%ae/admin',
      '/%e0%80%af',
      '/%f0%80%80%af',
      '/%ff',
      '/%ed%a0%80',
      '/%c3',
    ],
    'dots of other widths that decode to dots': ['/%c0%2e/admin', '/%e0%40%ae/admin'],
  },
  request_malformed: {
    fragments: ['/a#b', '/#', '/a?b#c', '#'],
    'raw control characters': ['/\u0000', '/a\u0001', '/a\u007fb', '/a\tb', '/a\u000bb'],
    'raw bytes outside ASCII': ['/\u00e9', '/\u00c0\u00ae'],
    'a space': ['/a b', '/ x'],
  },
} as const;

t.test('a path that two parsers could read differently is refused, whatever the rule', async (t) => {
  const { echo, gateway } = await inFront(t, {
    rules: [
      { path: '/public/*', auth: 'none' },
      { path: '/optional/*', auth: 'optional' },
      { path: '/required/*' },
      { path: '/reported/*', mode: 'report' },
    ],
    unmatched: 'deny',
  });
  for (const [code, cases] of Object.entries(refusedTails)) {
    for (const [name, tails] of Object.entries(cases)) {
      for (const tail of tails) {
        for (const begin of ['/public', '/optional', '/required', '/reported', '/nowhere']) {
          const answer = await sendRaw(gateway, ask(`GET ${begin}${tail}`));
          t.match(
            [answer.status, answer.json().code],
            [400, code],
            `${name}: ${begin}${JSON.stringify(tail)}`,
          );
        }
      }
    }
  }
  t.strictSame(echo.seen, [], 'the upstream saw none of them');
});

t.test('a target that is not a path is refused', async (t) => {
  const { echo, gateway } = await inFront(t, { rules: open.rules });
  const targets = [
    'http://shop.example/public/x',
    'https://shop.example',
    'http:///x',
    'shop.example:80',
    '*',
    'x',
  ];
  targets.push('public/x', '?x', './x', '../x', '\\x', '%2fx', '@shop.example/x', 'file:///etc/passwd');
  for (const target of targets) {
    const answer = await sendRaw(gateway, ask(`GET ${target}`));
    t.match([answer.status, answer.json().code], [400, 'request_malformed'], target);
  }
  t.strictSame(echo.seen, []);
});

t.test('no way leads from what is open to what is not', async (t) => {
  const { echo, gateway } = await inFront(t, { rules: [{ path: '/public/*', auth: 'none' }] });
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
  const targets = steps.flatMap((step) => [
    `/public/${step}/admin`,
    `/public/a/${step}/${step}/admin`,
    `/public//${step}/admin`,
    `/public/${step}%2fadmin`,
    `//public/${step}//admin`,
    `/public/${step}/public/../admin`,
  ]);
  for (const target of targets) t.equal((await sendRaw(gateway, ask(`GET ${target}`))).status, 400, target);
  // Canonical at once, or once slashes are merged and letters decoded: these are other paths, and need a token.
  for (const target of [
    '/admin',
    '//admin',
    '/%61dmin',
    '/publicadmin',
    '/PUBLIC/x',
    '/Public',
    '/public%3bx',
    '///',
  ]) {
    t.equal((await sendRaw(gateway, ask(`GET ${target}`))).status, 401, target);
  }
  t.strictSame(echo.seen, []);
});

t.test('the upstream gets the canonical path, and the query byte for byte', async (t) => {
  const { echo, gateway } = await inFront(t, { rules: [{ path: '/p/*', auth: 'none' }] });
  const same = [
    '/p',
    '/p/',
    '/p/a.b/.c/d../..e',
    "/p/-._~!$&'()*+,=:@",
    '/p/%C3%A9',
    '/p/%3B',
    '/p/100%25',
    '/p/a%23b%3Fc',
    '/p?',
    '/p?a=1&a=2',
    '/p/x?//../%2e%2e/;y=1&z=%zz%00\\|{}"<>^`[]',
    '/p/x?a?b??',
    `/p/${'a'.repeat(16_000)}`,
    `/p?${'a'.repeat(16_000)}`,
  ];
  const cases: readonly (readonly [sent: string, forwarded: string])[] = [
    ...same.map((each) => [each, each] as const),
    ['//p///a//', '/p/a/'],
    ['/%70/%41%7e', '/p/A~'],
    ['/p/%c3%a9', '/p/%C3%A9'],
    ['/p/%3b', '/p/%3B'],
    ['/p/{"a"}<^>`|', '/p/%7B%22a%22%7D%3C%5E%3E%60%7C'],
    ['/p/%20?%20', '/p/%20?%20'],
    ['//p?a=//p', '/p?a=//p'],
  ];
  for (const [sent, forwarded] of cases) {
    const before = echo.seen.length;
    t.equal((await sendRaw(gateway, ask(`GET ${sent}`))).status, 200, sent.slice(0, 60));
    t.strictSame(
      echo.seen.slice(before).map(({ url }) => url),
      [forwarded],
      sent.slice(0, 60),
    );
  }
  t.equal((await sendRaw(gateway, ask(`GET /p/${'a'.repeat(40_000)}`))).json().code, 'headers_too_large');
});

t.test('how paths are read can be chosen', async (t) => {
  const cases = [
    { paths: { duplicateSlashes: 'reject' }, sent: '/p//x', status: 400 },
    { paths: { duplicateSlashes: 'reject' }, sent: '//p', status: 400 },
    { paths: { duplicateSlashes: 'reject' }, sent: '/p/x?a=//b', forwarded: '/p/x?a=//b' },
    { paths: { encodedSlashes: 'allow' }, sent: '/p/a%2fb', forwarded: '/p/a%2Fb' },
    { paths: { encodedSlashes: 'allow' }, sent: '/p%2fb', status: 404 },
    { paths: { encodedSlashes: 'allow' }, sent: '/p/%2e%2e%2fadmin', status: 400 },
    { paths: { encodedSlashes: 'allow' }, sent: '/p/a%2f..%2f..%2fadmin', status: 400 },
    { paths: { parameters: 'ignore' }, sent: '/p;a=1/x;b', forwarded: '/p;a=1/x;b' },
    { paths: { parameters: 'ignore' }, sent: '/p/..;a/admin', status: 400 },
    { paths: { parameters: 'ignore' }, sent: '/p/;a/x', status: 400 },
    { paths: { parameters: 'ignore' }, sent: '/p/%2e%2e%3ba/admin', status: 400 },
    { paths: { caseSensitive: false }, sent: '/P/X', forwarded: '/P/X' },
    { paths: {}, sent: '/P/X', status: 404 },
    { paths: { trailingSlash: 'strict' }, sent: '/exact/', status: 404 },
    { paths: {}, sent: '/exact/', forwarded: '/exact/' },
  ] as const;
  for (const { paths, sent, ...wanted } of cases) {
    const { echo, gateway } = await inFront(t, {
      paths,
      rules: [
        { path: '/p/*', auth: 'none' },
        { path: '/exact', auth: 'none' },
      ],
      unmatched: 'deny',
    });
    const name = `${JSON.stringify(paths)} ${sent}`;
    t.equal(
      (await sendRaw(gateway, ask(`GET ${sent}`))).status,
      'status' in wanted ? wanted.status : 200,
      name,
    );
    t.strictSame(
      echo.seen.map(({ url }) => url),
      'forwarded' in wanted ? [wanted.forwarded] : [],
      name,
    );
  }
});

t.test('no header has a say in which path and method are decided', async (t) => {
  const scene = await startScene(t, {
    rules: [
      { path: '/public/*', methods: ['GET'], auth: 'none' },
      { path: '/admin/*', scopes: ['admin'] },
    ],
  });
  const names = [
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-Forwarded-Uri',
    'X_Original_URL',
    'x.rewrite.url',
    'X-Original_Url',
  ];
  for (const name of names) {
    const open = { [name]: '/public/x' };
    await scene.refuses(t, name, { path: '/admin/x', headers: open }, 'token_missing');
    const token = bearer(scene.issuer.mint());
    await scene.refuses(t, name, { path: '/admin/x', headers: { ...open, ...token } }, 'scope_insufficient');
    const seen = await scene.allows(t, name, { path: '/public/x', headers: { [name]: '/admin/x' } });
    t.notOk(seen.rawHeaders.includes('/admin/x'), `${name} goes no further`);
  }
  for (const name of [
    'X-HTTP-Method',
    'X-HTTP-Method-Override',
    'X-Method-Override',
    'X_HTTP_Method_Override',
  ]) {
    const request = { path: '/public/x', method: 'POST', headers: { [name]: 'GET' } };
    await scene.refuses(t, name, request, 'token_missing');
    const seen = await scene.allows(t, name, { path: '/public/x', headers: { [name]: 'DELETE' } });
    t.notOk(seen.rawHeaders.includes('DELETE'), `${name} goes no further`);
    t.equal(seen.method, 'GET');
  }
});

/** Ways in which servers find the segments of a path, none of them ours. */
const readers: Readonly<Record<string, (path: string) => readonly string[]>> = {
  'splits, then decodes': (path) => path.split('/').slice(1).map(decodeURIComponent),
  'decodes, then splits': (path) => decodeURIComponent(path).split('/').slice(1),
  'is a browser': (path) => decodeURIComponent(new URL(path, 'http://a').pathname).split('/').slice(1),
  'drops parameters, turns backslashes, merges slashes': (path) =>
    // %3B is not a parameter, to us nor to a Servlet.
    decodeURIComponent(path.replace(/;[^/]*/g, ''))
      .replaceAll('\\', '/')
      .replace(/\/+/g, '/')
      .split('/')
      .slice(1),
};

/** Which of the rules a reader would find for a path; -1 where none. */
function findRule(rules: readonly string[], segments: readonly string[]): number {
  const trimmed = segments.at(-1) === '' ? segments.slice(0, -1) : segments;
  return rules.findIndex((rule) => {
    const parts = rule.split('/').slice(1);
    const wild = parts.at(-1) === '*';
    const fixed = wild ? parts.slice(0, -1) : parts;
    if (wild ? trimmed.length < fixed.length : trimmed.length !== fixed.length) return false;
    return fixed.every((part, at) => (part.startsWith(':') ? trimmed[at] !== '' : part === trimmed[at]));
  });
}

t.test('property: whoever reads the forwarded path finds the rule that decided', async (t) => {
  const { echo, gateway, ...rest } = await propertyScene(t);
  const piece = fc.constantFrom(
    ...'/ // a b admin . .. %2e %2E%2e %2f %5c \\ ;x=1 %3b %252e %00 %61 %41 %c3%a9 %c0%af { * : @'.split(
      ' ',
    ),
  );
  const target = fc
    .tuple(fc.constantFrom('/', '/a/', '/admin/', '/open/'), fc.array(piece, { maxLength: 6 }))
    .map(([begin, pieces]) => begin + pieces.join(''));
  let forwarded = 0;
  const property = fc.asyncProperty(target, async (path) => {
    const before = echo.seen.length;
    const answer = await rest.send(path);
    const [seen, ...more] = echo.seen.slice(before);
    if (seen === undefined) return [400, 401].includes(answer.status);
    forwarded++;
    if (answer.status !== 200 || more.length > 0) return false;
    const { rule } = await gateway.line(
      answer.json().headers.find(([name]: string[]) => name === 'X-Request-Id')[1],
    );
    return Object.values(readers).every((read) => String(findRule(rest.rules, read(seen.url))) === rule);
  });
  await fc.assert(property, {
    numRuns: 600,
    examples: [['/open/../admin'], ['/open//x'], ['/a/%62/'], ['/open/%2e%2e/admin'], ['/a/b/a/b']],
  });
  t.ok(forwarded > 50, `${forwarded} of them were forwarded`);
});

/** Many open rules of all shapes, so that what decided can be told from the log; the rest is closed. */
async function propertyScene(t: Test) {
  const rules = [
    '/a',
    '/a/b',
    '/a/:x',
    '/admin/a',
    '/open/admin/*',
    '/open/:x/b',
    '/open/*',
    '/:x/a/:y',
    '/b/*',
  ];
  const { echo, gateway } = await inFront(t, { rules: rules.map((path) => ({ path, auth: 'none' })) });
  let raw: RawConnection | undefined;
  const send = async (path: string) => {
    raw ??= await gateway.raw();
    await raw.send(ask(`GET ${path}`));
    const answer = await raw.response();
    if (answer.header('connection') === 'close') raw = undefined;
    return answer;
  };
  return { rules, echo, gateway, send };
}
