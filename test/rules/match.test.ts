import fc from 'fast-check';
import t from 'tap';
import { compileRules, type RuleOptions, type RulesOptions } from '../../src/rules/compile.ts';
import { defaults, rule } from './rule.ts';

t.test('what a path matches', async (t) => {
  const strict: RulesOptions = { ...defaults, trailingSlash: 'strict' };
  const anyCase: RulesOptions = { ...defaults, caseSensitive: false };
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
    { name: 'case counts', rule: '/Admin', path: '/admin', matches: false },
    {
      name: 'unless told not to',
      rule: '/Admin/:x',
      path: '/aDMIN/Y',
      matches: true,
      options: anyCase,
      params: { x: 'Y' },
    },
    { name: 'another spelling in the rule', rule: '/caf\u0025c3%a9', path: '/caf%C3%A9', matches: true },
    { name: 'names of objects are but names', rule: '/t/*', path: '/__proto__/constructor', matches: false },
    { name: 'as parameters too', rule: '/:__proto__', path: '/x', matches: true },
  ];
  for (const { name, rule: path, path: requested, matches, options, params } of cases) {
    const found = compileRules([rule({ path })], options ?? defaults).match('GET', requested);
    t.equal(found !== null, matches, name);
    if (params) t.strictSame({ ...found?.params }, params, name);
  }
});

t.test('methods', async (t) => {
  const table = compileRules(
    [rule({ name: 'read', path: '/a', methods: ['GET'] }), rule({ name: 'rest', path: '/a' })],
    defaults,
  );
  t.equal(table.match('GET', '/a')?.rule.label, 'read');
  t.equal(table.match('HEAD', '/a')?.rule.label, 'rest', 'GET does not include HEAD');
  t.equal(table.match('POST', '/a')?.rule.label, 'rest', 'a rule for other methods is passed by');
});

t.test('the first rule that matches decides', async (t) => {
  const table = compileRules(
    ['/:any/x', '/a/:any', '/a/x', '/*'].map((path, index) =>
      rule({ path, ...(index === 1 && { name: 'second' }) }),
    ),
    defaults,
  );
  t.equal(table.match('GET', '/a/x')?.rule.label, '0', 'whatever is more exact');
  t.equal(table.match('GET', '/a/y')?.rule.label, 'second');
  t.equal(table.match('GET', '/b/y')?.rule.label, '3');
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
  ]) {
    t.throws(() => compileRules([rule({ path })], defaults), SyntaxError, path);
  }
});

const segment = fc.constantFrom('a', 'b', 'A', 'x%20y', '__proto__');
const patternSegment = fc.oneof(segment, fc.constantFrom(':p', ':q'));
const distinctParameters = (segments: string[]) =>
  [':p', ':q'].every((name) => segments.filter((segment) => segment === name).length < 2);
const anyRule = fc
  .record({
    segments: fc.array(patternSegment, { maxLength: 3 }).filter(distinctParameters),
    end: fc.constantFrom('', '/', '/*'),
    methods: fc.constantFrom(null, ['GET'], ['POST', 'HEAD']),
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
    caseSensitive: fc.boolean(),
    trailingSlash: fc.constantFrom('ignore' as const, 'strict' as const),
    paths: fc.constant(defaults.paths),
  });
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 12 }),
      anyPath,
      fc.constantFrom('GET', 'POST'),
      options,
      (rules, path, method, options) => {
        const found = compileRules(rules, options).match(method, path)?.rule.index ?? -1;
        return found === rules.findIndex((each) => naive(each, method, path, options));
      },
    ),
    { numRuns: 5000 },
  );
  t.pass('5,000 tables');
});

function naive(rule: RuleOptions, method: string, path: string, options: RulesOptions): boolean {
  if (rule.methods && !rule.methods.includes(method)) return false;
  const slash = options.trailingSlash === 'ignore' ? '/?' : '';
  const open = rule.path.endsWith('/*');
  const base = open ? rule.path.slice(0, -2) : rule.path;
  const body = (options.trailingSlash === 'ignore' ? base.replace(/(?<=.)\/$/, '') : base)
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  const end = open ? '(?:/.*)?' : body === '/' ? '' : slash;
  return new RegExp(`^${body}${end}$`, options.caseSensitive ? '' : 'i').test(path);
}
