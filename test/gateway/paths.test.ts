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
    return Object.values(models).every(
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
