import fc from 'fast-check';
import t from 'tap';
import { compileRules, type RuleOptions, type RulesOptions } from '../../src/rules/compile.ts';
import { defaults, find, rule } from './rule.ts';

t.test('what a path matches', async (t) => {
  const strict: RulesOptions = { ...defaults, trailingSlash: 'strict' };
  const exact: RulesOptions = { ...defaults, case: 'sensitive' };
  const anyCase: RulesOptions = { ...defaults, case: 'insensitive' };
  const slashes: RulesOptions = { ...defaults, paths: { ...defaults.paths, encodedSlashes: 'allow' } };
  const cases = [
    { name: 'exact', rule: '/healthz', path: '/healthz', matches: true },
    { name: 'not below', rule: '/healthz', path: '/healthz/x', matches: false },
    { name: 'not longer', rule: '/healthz', path: '/healthzz', matches: false },
    { name: 'a trailing slash says nothing', rule: '/a', path: '/a/', matches: true },
    { name: 'nor in the rule', rule: '/a/', path: '/a', matches: true },
    { name: 'unless told to', rule: '/a', path: '/a/', matches: false, options: strict },
    { name: 'and then both ways', rule: '/a/', path: '/a', matches: false, options: strict },
    { name: 'the same with the slash', rule: '/a/', path: '/a/', matches: true, options: strict },
    { name: 'everything below', rule: '/public/*', path: '/public/a/b', matches: true },
    { name: 'the folder itself', rule: '/public/*', path: '/public', matches: true },
    {
      name: 'the folder with its slash',
      rule: '/public/*',
      path: '/public/',
      matches: true,
      options: strict,
    },
    { name: 'no neighbor', rule: '/public/*', path: '/publicity', matches: false },
    { name: 'everything', rule: '/*', path: '/', matches: true },
    { name: 'everything at any depth', rule: '/*', path: '/a/b/c', matches: true },
    { name: 'the root alone', rule: '/', path: '/', matches: true },
    { name: 'the root is not all', rule: '/', path: '/a', matches: false },
    { name: 'one segment', rule: '/t/:id', path: '/t/7', matches: true, params: { id: '7' } },
    { name: 'not none', rule: '/t/:id', path: '/t/', matches: false },
    { name: 'not two', rule: '/t/:id', path: '/t/7/8', matches: false },
    { name: 'decoded', rule: '/t/:id/*', path: '/t/a%20b/x', matches: true, params: { id: 'a b' } },
    { name: 'case counts', rule: '/Admin', path: '/admin', matches: false, options: exact },
    {
      name: 'unless told not to',
      rule: '/Admin/:x',
      path: '/aDMIN/Y',
      matches: true,
      options: anyCase,
      params: { x: 'Y' },
    },
    { name: 'another spelling in the rule', rule: '/caf\u0025c3%a9', path: '/caf%C3%A9', matches: true },
    {
      name: 'any script in the rule',
      rule: '/café/日本',
      path: '/caf%C3%A9/%E6%97%A5%E6%9C%AC',
      matches: true,
    },
    { name: 'a literal asterisk', rule: '/%2A', path: '/*', matches: true },
    { name: 'which takes nothing else', rule: '/%2A', path: '/a', matches: false },
    { name: 'a literal colon', rule: '/%3Aid', path: '/:id', matches: true },
    { name: 'which takes nothing else either', rule: '/%3Aid', path: '/7', matches: false },
    { name: 'a colon within', rule: '/x:cancel', path: '/x:cancel', matches: true },
    {
      name: 'case of encoded letters counts',
      rule: '/caf%C3%A9',
      path: '/caf%C3%89',
      matches: false,
      options: exact,
    },
    { name: 'unless told not to', rule: '/café', path: '/CAF%C3%89', matches: true, options: anyCase },
    {
      name: 'nor of odd letters',
      rule: '/admin/k',
      path: '/ADMIN/%E2%84%AA',
      matches: true,
      options: anyCase,
    },
    {
      name: 'whichever way they fold',
      rule: '/admins',
      path: '/admin%C5%BF',
      matches: true,
      options: anyCase,
    },
    {
      name: 'an encoded slash stays in its segment',
      rule: '/p/:id/x',
      path: '/p/a%2Fb/x',
      matches: true,
      options: slashes,
      params: { id: 'a/b' },
    },
    { name: 'and in the rule', rule: '/p/a%2fb', path: '/p/a%2Fb', matches: true, options: slashes },
    { name: 'and parts none', rule: '/p/a/b', path: '/p/a%2Fb', matches: false, options: slashes },
    { name: 'far deeper than any rule', rule: '/a', path: `/a${'/a'.repeat(9999)}`, matches: false },
    { name: 'one deeper than any rule', rule: '/a', path: '/a/b', matches: false },
    { name: 'two deeper than any rule', rule: '/a', path: '/a/b/', matches: false },
    { name: 'three deeper than any rule', rule: '/a', path: '/a/b/c/d', matches: false },
    { name: 'a path that is not canonical', rule: '/a', path: '/a//', matches: false },
    { name: 'nor that one', rule: '/a', path: '/a//b', matches: false },
    { name: 'no parameter is empty', rule: '/:a/b', path: '//b', matches: false },
    { name: 'at the end neither', rule: '/a/:b', path: '/a/', matches: false, options: strict },
    {
      name: 'parameters behind literals and before',
      rule: '/:a/b/:c/*',
      path: '/1/b/3/4/5',
      matches: true,
      params: { a: '1', c: '3' },
    },
    { name: 'names of objects are but names', rule: '/t/*', path: '/__proto__/constructor', matches: false },
    { name: 'as parameters too', rule: '/:__proto__', path: '/x', matches: true },
  ];
  for (const { name, rule: path, path: requested, matches, options, params } of cases) {
    const found = find(compileRules([rule({ path })], options ?? defaults), 'GET', requested);
    t.equal(found !== null, matches, name);
    if (params) t.strictSame({ ...found?.params }, params, name);
  }
});

t.test('methods', async (t) => {
  const table = compileRules(
    [rule({ name: 'read', path: '/a', methods: ['GET'] }), rule({ name: 'rest', path: '/a' })],
    defaults,
  );
  t.equal(find(table, 'GET', '/a')?.rule.label, 'read');
  t.equal(find(table, 'HEAD', '/a')?.rule.label, 'read', 'GET includes HEAD');
  const head = compileRules(
    [rule({ path: '/a', methods: ['HEAD'] }), rule({ path: '/a', methods: ['GET'] })],
    defaults,
  );
  t.equal(find(head, 'HEAD', '/a')?.rule.index, 0, 'a rule for HEAD alone that stands first decides it');
  t.equal(find(head, 'GET', '/a')?.rule.index, 1, 'and does not decide GET');
  t.equal(find(table, 'POST', '/a')?.rule.label, 'rest', 'a rule for other methods is passed by');
  t.equal(find(table, 'get', '/a')?.rule.label, 'rest', 'methods have case');

  const methods = [['POST'], ['GET', 'POST'], null, ['GET', 'PUT']];
  const several = compileRules(
    methods.map((methods) => rule({ path: '/a', methods })),
    defaults,
  );
  t.equal(find(several, 'POST', '/a')?.rule.index, 0);
  t.equal(find(several, 'GET', '/a')?.rule.index, 1);
  t.equal(find(several, 'PUT', '/a')?.rule.index, 2, 'an earlier rule for all');
  t.equal(
    compileRules([rule({ path: '/a', methods: [] })], defaults).match('GET', '/a'),
    null,
    'none at all',
  );
});

t.test('the first rule that matches decides', async (t) => {
  const table = compileRules(
    ['/:any/x', '/a/:any', '/a/x', '/*'].map((path, index) =>
      rule({ path, ...(index === 1 && { name: 'second' }) }),
    ),
    defaults,
  );
  t.equal(find(table, 'GET', '/a/x')?.rule.label, '0', 'whatever is more exact');
  t.equal(find(table, 'GET', '/a/y')?.rule.label, 'second');
  t.equal(find(table, 'GET', '/b/y')?.rule.label, '3');
});

t.test('no rules match nothing', async (t) => {
  t.equal(compileRules([], defaults).match('GET', '/'), null);
});

t.test('parameters have no prototype', async (t) => {
  const table = compileRules([rule({ path: '/p/:__proto__' }), rule({ path: '/p' })], defaults);
  const params = find(table, 'GET', '/p/x')?.params ?? {};
  t.strictSame(Object.entries(params), [['__proto__', 'x']]);
  t.equal(params.constructor, undefined);
  const none = find(table, 'GET', '/p')?.params;
  t.equal(none?.constructor, undefined);
  t.ok(Object.isFrozen(none));
});

t.test('a thousand rules, each found', async (t) => {
  const paths = Array.from({ length: 1000 }, (_, index) => `/${index % 10}/:id/${index}`);
  const table = compileRules(
    paths.map((path) => rule({ path })),
    defaults,
  );
  for (const [index, path] of paths.entries()) {
    t.equal(find(table, 'GET', path.replace(':id', 'x'))?.rule.index, index);
  }
});

t.test('bad paths are said in words', async (t) => {
  for (const path of [
    'a',
    '/a/*/b',
    '/a*',
    '/:',
    '/:a-b',
    '/:a/:a',
    '/a?b',
    '/a#b',
    '/a/../b',
    '/%2e',
    '/a//b',
    '/a%2Fb',
    '/a;x',
    '',
    '*',
    '//*',
    '/a//*',
    '//',
    '/**',
    '/:*',
    '/:1',
    '/a\\b',
    '/a b',
    '/a%',
    '/a%00',
    '/a\ud800',
    '/\x85',
  ]) {
    for (const parameters of ['reject', 'ignore'] as const) {
      const options: RulesOptions = { ...defaults, paths: { ...defaults.paths, parameters } };
      t.throws(
        () => compileRules([rule({ path })], options),
        { name: 'SyntaxError', message: /^(?:In t|T)he path ".*\.$/s },
        path,
      );
    }
  }
});

const segment = fc.constantFrom('a', 'b', 'A', 'x%20y', '__proto__', '%C3%A9', '%C3%89');
const patternSegment = fc.oneof(segment, fc.constantFrom(':p', ':q'));
const distinctParameters = (segments: string[]) =>
  [':p', ':q'].every((name) => segments.filter((segment) => segment === name).length < 2);
const anyRule = fc
  .record({
    segments: fc.array(patternSegment, { maxLength: 3 }).filter(distinctParameters),
    end: fc.constantFrom('', '/', '/*'),
    methods: fc.constantFrom(null, null, ['GET'], ['POST', 'HEAD'], []),
  })
  .map(({ segments, end, methods }) =>
    rule({
      path: `/${segments.join('/')}${segments.length === 0 && end !== '/*' ? '' : end}`.replace('//', '/'),
      methods,
    }),
  );
const anyPath = fc
  .record({ segments: fc.array(segment, { maxLength: 4 }), slash: fc.boolean() })
  .map(({ segments, slash }) => `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`);

t.test('the table finds what trying one rule after the other finds', async (t) => {
  const options = fc.record({
    case: fc.constantFrom('sensitive' as const, 'insensitive' as const),
    trailingSlash: fc.constantFrom('ignore' as const, 'strict' as const),
    paths: fc.constant(defaults.paths),
  });
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 12 }),
      anyPath,
      fc.constantFrom('GET', 'POST', 'HEAD'),
      options,
      (rules, path, method, options) => {
        const found = find(compileRules(rules, options), method, path)?.rule.index ?? -1;
        return found === rules.findIndex((each) => naive(each, method, path, options));
      },
    ),
    { numRuns: 5000 },
  );
  t.pass('5,000 tables');
});

function naive(rule: RuleOptions, method: string, path: string, options: RulesOptions): boolean {
  const asked = method === 'HEAD' && rule.methods?.includes('GET') ? 'GET' : method;
  if (rule.methods && !rule.methods.includes(asked)) return false;
  const slash = options.trailingSlash === 'ignore' ? '/?' : '';
  const open = rule.path.endsWith('/*');
  const base = decodeURIComponent(open ? rule.path.slice(0, -2) : rule.path);
  const body = (options.trailingSlash === 'ignore' ? base.replace(/(?<=.)\/$/, '') : base)
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  const end = open ? '(?:/.*)?' : body === '/' ? '' : slash;
  return new RegExp(`^${body}${end}$`, options.case === 'sensitive' ? '' : 'i').test(
    decodeURIComponent(path),
  );
}
