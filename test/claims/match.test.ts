import fc from 'fast-check';
import t from 'tap';
import { compileMatcher, type MatcherOptions, type Params } from '../../src/claims/match.ts';

interface Case {
  readonly options: MatcherOptions;
  readonly yes?: readonly unknown[];
  readonly no?: readonly unknown[];
  readonly params?: Params;
}

const missing = [undefined, null, ''];
const tenant = { tenant: 'a b' };

const cases: Record<string, Case> = {
  'equals compares types': { options: { equals: 1 }, yes: [1], no: ['1', true, [1], { 0: 1 }] },
  'equals a string': { options: { equals: 'a' }, yes: ['a'], no: ['A', 'a ', ['a'], { a: 'a' }] },
  'equals true': { options: { equals: true }, yes: [true], no: ['true', 1, false] },
  'equals an object in any order of members': {
    options: { equals: { a: [1, { b: null }], c: 'x' } },
    yes: [{ c: 'x', a: [1, { b: null }] }],
    no: [{ a: [1, { b: null }] }, { a: [1, { b: 0 }], c: 'x' }, { a: [1, { b: null }], c: 'x', d: 1 }, []],
  },
  'equals a list in its order': {
    options: { equals: [1, 2] },
    yes: [[1, 2]],
    no: [[2, 1], [1], [1, 2, 3], { 0: 1, 1: 2, length: 2 }],
  },
  'equals an empty list': { options: { equals: [] }, yes: [[]], no: [{}, 'a', [null]] },
  'equals an empty object': { options: { equals: {} }, yes: [{}], no: [[], { a: 1 }] },
  'equals an object with a member called __proto__': {
    options: { equals: JSON.parse('{"__proto__":1}') },
    yes: [JSON.parse('{"__proto__":1}')],
    no: [{}, { a: 1 }, { constructor: 1 }],
  },
  'equals reads no prototype': { options: { equals: JSON.parse('{"__proto__":{}}') }, no: [{ a: {} }] },
  'equals null is never met, for null is missing': { options: { equals: null }, no: [0, 'null', false] },
  'oneOf is equality with any': {
    options: { oneOf: ['a', 1, [2]] },
    yes: ['a', 1, [2]],
    no: ['1', 2, ['a'], 'b'],
  },
  'oneOf nothing': { options: { oneOf: [] }, no: ['a', 0, []] },
  'contains a member of a list': {
    options: { contains: 'admin' },
    yes: [['admin'], ['x', 'admin']],
    no: [['administrator'], ['x admin'], [['admin']], [], { admin: true }, { 0: 'admin', length: 1 }],
  },
  'contains a whole word of a string': {
    options: { contains: 'admin' },
    yes: ['admin', 'x admin', 'admin  x ', ' admin'],
    no: ['administrator', 'notadmin', 'x-admin', 'admin\tx', 'Admin'],
  },
  'contains two words that follow each other': {
    options: { contains: 'a b' },
    yes: [['a b']],
    no: ['a b', 'x a b'],
  },
  'contains the empty string': { options: { contains: '' }, yes: [['']], no: ['a', 'a  b', ' '] },
  'contains a number': { options: { contains: 1 }, yes: [[1]], no: [['1'], '1', 1] },
  'contains an object': { options: { contains: { id: 1 } }, yes: [[{ id: 1 }]], no: [[{ id: 2 }]] },
  'containsAny of a list': {
    options: { containsAny: ['a', 'b'] },
    yes: [['b'], 'x b', ['x', 'a']],
    no: [['c'], 'ab', []],
  },
  'containsAny of nothing': { options: { containsAny: [] }, no: [['a'], 'a'] },
  'prefix of strings alone': { options: { prefix: 'a/' }, yes: ['a/', 'a/b'], no: ['a', 'ba/', ['a/'], 1] },
  'matches from end to end': {
    options: { matches: 'admin' },
    yes: ['admin'],
    no: ['notadmin', 'admins', 'admin\n', ['admin'], 1],
  },
  'matches an alternative that is longer than the first': {
    options: { matches: 'a|ab' },
    yes: ['a', 'ab'],
    no: ['b', 'abc'],
  },
  'matches with anchors of its own': { options: { matches: '^a$' }, yes: ['a'], no: ['a\n', 'b\na'] },
  'matches no single line of several': { options: { matches: '(?m)^a$' }, yes: ['a'], no: ['a\nb', 'b\na'] },
  'matches repetition, not parameters': {
    options: { matches: 'x{2}[{]tenant[}]' },
    yes: ['xx{tenant}'],
    no: ['xxa b'],
    params: tenant,
  },
  'exists: true': { options: { exists: true }, yes: [0, false, 'a', [], {}] },
  'several at once': { options: { prefix: 'a', matches: '.*z' }, yes: ['az', 'abz'], no: ['ab', 'bz'] },
  'exists: true with another': { options: { exists: true, equals: 'a' }, yes: ['a'], no: ['b'] },
  'exists: false with another lets nothing pass': { options: { exists: false, equals: 'a' }, no: ['a', 'b'] },
  'a parameter': {
    options: { equals: '{tenant}' },
    yes: ['a b'],
    no: ['{tenant}', 'a', ['a b']],
    params: tenant,
  },
  'a parameter among text': {
    options: { equals: { id: '/{tenant}/x' } },
    yes: [{ id: '/a b/x' }],
    no: [{ id: '/a/x' }],
    params: tenant,
  },
  'a parameter in oneOf': {
    options: { oneOf: ['x', '{tenant}'] },
    yes: ['x', 'a b'],
    no: ['a'],
    params: tenant,
  },
  'a parameter with a space is no two words': {
    options: { contains: '{tenant}' },
    yes: [['a b']],
    no: ['a b', 'a', ['a']],
    params: tenant,
  },
  'a parameter in containsAny': {
    options: { containsAny: ['{tenant}'] },
    yes: ['x acme', ['acme']],
    no: ['x', ['acme x']],
    params: { tenant: 'acme' },
  },
  'a parameter in prefix': { options: { prefix: '{tenant}' }, yes: ['a bc'], no: ['a'], params: tenant },
  'an empty parameter in prefix': { options: { prefix: '{tenant}' }, no: ['a', ' '], params: { tenant: '' } },
  'a parameter that is not there': {
    options: { oneOf: ['{other}', 'undefined{other}'] },
    no: ['', '{other}', 'undefined', 'undefinedundefined'],
    params: tenant,
  },
  'a parameter called as a member of a prototype': {
    options: { equals: '{constructor}' },
    no: ['a', String(Object)],
  },
  'a prefix with a parameter that is not there': { options: { prefix: 'a{other}' }, no: ['a', 'aundefined'] },
  'a parameter whose value looks like one': {
    options: { equals: '{x}' },
    yes: ['{tenant}'],
    no: ['a b'],
    params: { x: '{tenant}', tenant: 'a b' },
  },
  'braces that hold no name': { options: { equals: '{} {a b} {1}' }, yes: ['{} {a b} {1}'], no: [' a b '] },
};

t.test('a matcher', async (t) => {
  for (const [name, { options, yes = [], no = [], params = {} }] of Object.entries(cases)) {
    const match = compileMatcher(options);
    for (const value of yes) t.equal(match(value, params), true, `${name}: ${JSON.stringify(value)}`);
    for (const value of [...no, ...missing]) {
      t.equal(match(value, params), false, `${name}: not ${JSON.stringify(value)}`);
    }
  }
});

t.test('a missing claim satisfies exists: false alone', async (t) => {
  const absent = compileMatcher({ exists: false });
  for (const value of missing) t.equal(absent(value, {}), true);
  for (const value of [0, false, 'a', [], {}]) t.equal(absent(value, {}), false);
});

t.test('a matcher is refused with a sentence', async (t) => {
  const bad: Record<string, MatcherOptions> = {
    'nothing asked for': {},
    'an expression that does not end': { matches: '(' },
    'a back reference': { matches: '(a)\\1' },
    'look-ahead': { matches: '(?=a)' },
    'an empty prefix': { prefix: '' },
    'an integer that loses digits': { equals: [2 ** 53] },
    'an integer that loses digits in oneOf': { oneOf: [1, 1e300] },
    'an integer that loses digits in contains': { contains: -(2 ** 53) },
  };
  for (const [name, options] of Object.entries(bad)) {
    t.throws(() => compileMatcher(options), { name: 'SyntaxError', message: /^[A-Z].*\.$/ }, name);
  }
});

t.test('equals is equality of JSON values', async () => {
  const exact = (value: unknown) => !/\d{16}|e[+]|\{[A-Za-z_]/.test(JSON.stringify(value));
  const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => value !== null && value !== '');
  fc.assert(
    fc.property(json.filter(exact), json, (expected, other) => {
      const match = compileMatcher({ equals: expected });
      const copy = JSON.parse(JSON.stringify(expected));
      return match(copy, {}) && match(other, {}) === (spelling(other) === spelling(expected));
    }),
  );
});

t.test('an expression matches what a whole-string match of JavaScript does', async () => {
  const expression = fc.stringMatching(/^(?:[abc.]|[ab][*+?]|\|){1,8}$/);
  fc.assert(
    fc.property(expression, fc.stringMatching(/^[abc\n]{1,8}$/), (text, value) => {
      const expected = new RegExp(`^(?:${text})$`).test(value);
      return compileMatcher({ matches: text })(value, {}) === expected;
    }),
    { numRuns: 1000 },
  );
});

/** One spelling for each JSON value: members in order. */
function spelling(value: unknown): string {
  return JSON.stringify(value, (_, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? {
          members: Object.entries(member)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .flat(),
        }
      : member,
  );
}
