import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type Echo, startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import type { RawConnection } from '../helpers/raw.ts';
import { models } from '../path/models.ts';
import { ask, open, sendRaw } from './wire.ts';

const { issuers } = open;

async function inFront(t: Test, config: Partial<ConfigInput>): Promise<{ echo: Echo; gateway: TestGateway }> {
  const echo = await startEcho(t);
  return { echo, gateway: await startGateway(t, { upstream: echo.url, issuers, ...config }) };
}

t.test('the upstream gets the canonical path, and the query byte for byte', async (t) => {
  const { echo, gateway } = await inFront(t, { rules: [{ path: '/p/*', auth: 'none' }] });
  const same = [
    '/p',
    '/p/',
    '/p/a.b/.c/d../..e',
    "/p/-._~!$&'()*+,=:@",
    '/p/%21%24%26%27%28%29%2A%2B%2C%3D%3A%40',
    '/p/a%2Bb+c%20d',
    '/p/x%3Adelete',
    '/p/%EF%BC%A1%EF%BC%8E%EF%BC%A2',
    '/p/Report%20.',
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
    ['/p/%2b%2d%3a%7e%40', '/p/%2B-%3A~%40'],
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
    { paths: { case: 'insensitive' }, sent: '/P/X', forwarded: '/P/X' },
    { paths: { case: 'sensitive' }, sent: '/P/X', status: 404 },
    { paths: {}, sent: '/P/X', status: 400 },
    { paths: {}, sent: '/p.', status: 400 },
    { paths: {}, sent: '/exact%20', status: 400 },
    { paths: {}, sent: '/E%EF%BD%98act', status: 400 },
    { paths: {}, sent: '/p/..%20/x', status: 400 },
    { paths: {}, sent: '/p/X.%20', forwarded: '/p/X.%20' },
    { paths: { case: 'sensitive' }, sent: '/p.', status: 404 },
    { paths: { case: 'sensitive' }, sent: '/p/%EF%BC%8E%EF%BC%8E/x', status: 400 },
    { paths: { case: 'insensitive' }, sent: '/EXACT', forwarded: '/EXACT' },
    { paths: { case: 'insensitive' }, sent: '/exact.', status: 400 },
    { paths: { case: 'insensitive' }, sent: '/p/%20..', status: 400 },
    { paths: { duplicateSlashes: 'keep' }, sent: '/p//x', forwarded: '/p//x' },
    { paths: { duplicateSlashes: 'keep' }, sent: '/p/http://a//b//', forwarded: '/p/http://a//b//' },
    { paths: { duplicateSlashes: 'keep' }, sent: '//p//x', forwarded: '/p//x' },
    { paths: { duplicateSlashes: 'keep' }, sent: '//exact//', forwarded: '/exact//' },
    { paths: { duplicateSlashes: 'keep' }, sent: '/p//../x', status: 400 },
    { paths: { duplicateSlashes: 'keep' }, sent: '/p/.//x', status: 400 },
    { paths: { duplicateSlashes: 'keep' }, sent: '/EXACT//', status: 400 },
    { paths: { parameters: 'ignore' }, sent: '/p/;jsessionid=1', forwarded: '/p/;jsessionid=1' },
    { paths: { parameters: 'ignore' }, sent: '/exact/;a?b;c', forwarded: '/exact/;a?b;c' },
    { paths: { parameters: 'ignore' }, sent: '/p/;a/', status: 400 },
    { paths: { parameters: 'ignore' }, sent: '/exact%3Ba', status: 404 },
    { paths: { parameters: 'ignore' }, sent: '/Exact;a', status: 400 },
    { paths: { parameters: 'ignore' }, sent: '/p/..%20;a', status: 400 },
    { paths: { trailingSlash: 'strict', parameters: 'ignore' }, sent: '/exact/;a', status: 404 },
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

t.test('a prefix is cut off however it is spelled, and what is left names no host', async (t) => {
  const cases = [
    { sent: '/a+b/x', forwarded: '/x' },
    { sent: '/a%2Bb/x%2By', forwarded: '/x%2By' },
    { sent: '/a%2bb', forwarded: '/' },
    { sent: '/a+b//evil.example/x', forwarded: '/evil.example/x' },
    { sent: '//a+b///evil.example//x', forwarded: '/evil.example//x' },
    { sent: '/a+b//', forwarded: '/' },
    { sent: '/a+b/x//y?//z', forwarded: '/x//y?//z' },
    { sent: '/A+B/x', forwarded: '/x', paths: { case: 'insensitive' } },
    { sent: '/a+b;c//x;d', forwarded: '/x;d', paths: { parameters: 'ignore' } },
    { sent: '/a+b/;c', forwarded: '/;c', paths: { parameters: 'ignore' } },
    { sent: '/caf%C3%A9/x', forwarded: '/x', prefix: '/café' },
    { sent: '/CAF%C3%89//x', forwarded: '/x', prefix: '/café', paths: { case: 'insensitive' } },
    { sent: '/ADM%C4%B0N/x', forwarded: '/x', prefix: '/admin', paths: { case: 'insensitive' } },
    { sent: '/x//y/z', forwarded: '/z', prefix: '/x/y' },
  ] as const;
  for (const { sent, forwarded, ...rest } of cases) {
    const prefix = 'prefix' in rest ? rest.prefix : '/a+b';
    for (const base of ['', '/base']) {
      const echo = await startEcho(t);
      const gateway = await startGateway(t, {
        upstream: echo.url + base,
        issuers,
        paths: { duplicateSlashes: 'keep', ...('paths' in rest && rest.paths) },
        rules: [{ path: `${prefix}/*`, auth: 'none', stripPrefix: prefix }],
      });
      const answer = await sendRaw(gateway, ask(`GET ${sent}`));
      t.equal(answer.status, 200, sent);
      t.equal(echo.seen[0]?.url, base + forwarded, `${sent} with ${base || 'no base path'}`);
      const told = answer.json().headers.find(([name]: string[]) => name === 'X-Forwarded-Prefix')?.[1];
      t.equal(told, prefix.replace('é', '%C3%A9'), 'the prefix that is told is ASCII');
    }
  }
});

t.test('report mode lets no path pass that another rule could decide', async (t) => {
  const { echo, gateway } = await inFront(t, {
    mode: 'report',
    rules: [{ path: '/admin/*', scopes: ['admin'] }],
    unmatched: 'required',
  });
  t.equal((await sendRaw(gateway, ask('GET /admin/x'))).status, 200, 'it lets the rule itself be passed');
  for (const path of ['/ADMIN/x', '/admin.', '/adm%C4%B1n', '/%EF%BD%81dmin/x']) {
    const answer = await sendRaw(gateway, ask(`GET ${path}`));
    t.match([answer.status, answer.json().code], [400, 'path_ambiguous'], path);
    t.match(await gateway.line(answer.header('x-request-id')), {
      reason: 'path_ambiguous',
      decision: 'deny',
      rule: 'default',
      path,
    });
  }
  t.equal(echo.seen.length, 1);
});

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

/** As a server that normalizes, compares without case, trims the ends of names and merges what is empty then. */
function readLeniently(path: string): readonly string[] {
  const plain = decodeURIComponent(path).normalize('NFKC').toLowerCase();
  const names = plain.split(/[/\\]/).map((name) => name.replace(/^[\s.]+|[\s.]+$/g, ''));
  return ['', ...names.filter((name) => name !== ''), ...(names.at(-1) === '' ? [''] : [])];
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
    return [...Object.values(models), readLeniently].every(
      (read) => String(findRule(rest.rules, read(seen.url).slice(1))) === rule,
    );
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
