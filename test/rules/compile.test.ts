import t from 'tap';
import { compileRule, compileRules, compileRulesInSlices } from '../../src/rules/compile.ts';
import { defaults, find, rule } from './rule.ts';

t.test('a rule is known by its name, else by its place', async (t) => {
  const table = compileRules([rule({ path: '/a' }), rule({ path: '/b', name: 'second' })], defaults);
  t.match(table.match('GET', '/a')?.rule, { index: 0, label: '0' });
  t.match(table.match('GET', '/b')?.rule, { index: 1, label: 'second' });
});

t.test('what is asked for is kept', async (t) => {
  const compiled = compileRule(
    rule({
      path: '/a/:b/*',
      methods: ['GET'],
      auth: 'optional',
      issuers: ['https://idp.example.com'],
      scopes: ['a', 'b'],
      anyScope: ['b', 'c'],
      claims: { sub: { exists: true } },
      upstream: 'billing',
      stripPrefix: '/a',
      mode: 'report',
    }),
    7,
    defaults,
  );
  t.match(compiled, {
    index: 7,
    label: '7',
    auth: 'optional',
    methods: new Set(['GET', 'HEAD']),
    issuers: new Set(['https://idp.example.com']),
    scopes: ['a', 'b'],
    anyScope: ['b', 'c'],
    scopeChallenge: 'a b c',
    upstream: 'billing',
    stripPrefix: '/a',
    mode: 'report',
  });
  t.equal(compiled.claims.length, 1);
  t.equal(compiled.claims[0]?.claim.text, 'sub');
});

t.test('no list of methods or issuers means all', async (t) => {
  const { methods, issuers } = compileRule(rule({ path: '/a' }), 0, defaults);
  t.equal(methods, null);
  t.equal(issuers, null);
});

t.test('what cannot be compiled is refused', async (t) => {
  const bad = {
    'a path': { path: 'a' },
    'a claim path': { path: '/a', claims: { 'a..b': { exists: true } } },
    'an expression': { path: '/a', claims: { sub: { matches: '(' } } },
    'a matcher that asks for nothing': { path: '/a', claims: { sub: {} } },
  };
  for (const [name, options] of Object.entries(bad)) {
    t.throws(() => compileRules([rule({ path: '/' }), rule(options)], defaults), SyntaxError, name);
  }
});

t.test('many rules are compiled in slices, between which something else can be done', async (t) => {
  const rules = Array.from({ length: 1000 }, (_, index) => rule({ path: `/s${index}/:id/*` }));
  let turns = 0;
  let ended = false;
  const count = () => {
    turns++;
    if (!ended) setImmediate(count);
  };
  setImmediate(count);
  const table = await compileRulesInSlices(rules, defaults);
  ended = true;
  t.ok(turns >= 19, `${turns} turns`);
  t.equal(find(table, 'GET', '/s999/x/y')?.rule.index, 999);
  t.same(find(table, 'GET', '/s0/x')?.params, { id: 'x' });
  await t.rejects(compileRulesInSlices([rule({ path: 'a' })], defaults), SyntaxError);
});
