import fc from 'fast-check';
import t from 'tap';
import { opens } from '../../src/config/needs.ts';
import type { AlternativeConfig } from '../../src/config/schema.ts';
import { authorize } from '../../src/rules/authorize.ts';
import { compileRule } from '../../src/rules/compile.ts';
import { defaults, rule } from '../rules/rule.ts';
import { issuer, judgeRules } from './judge.ts';

const other = { issuer: 'https://other.example.com', audience: 'a' };
const issuers = [issuer, other];
const mine = [issuer.issuer];

t.test('an earlier rule that opens what a later one closes is a fault that names both', async (t) => {
  const cases: Readonly<Record<string, readonly [earlier: object, later: object]>> = {
    'no token needed': [{ auth: 'none' }, {}],
    'no token needed, optional': [{ auth: 'optional' }, {}],
    'no token needed, where scopes are': [{ auth: 'none' }, { scopes: ['a'] }],
    'no scopes asked': [{}, { scopes: ['a'] }],
    'other scopes': [{ scopes: ['b'] }, { scopes: ['a'] }],
    'fewer scopes': [{ scopes: ['a'] }, { scopes: ['a', 'b'] }],
    'one of two scopes': [{ anyScope: ['a', 'b'] }, { scopes: ['a'] }],
    'one of more scopes': [{ anyScope: ['a', 'b', 'c'] }, { anyScope: ['a', 'b'] }],
    'no claims asked': [{}, { claims: { role: { equals: 'x' } } }],
    'another value': [{ claims: { role: { equals: 'y' } } }, { claims: { role: { equals: 'x' } } }],
    'another claim': [{ claims: { roles: { equals: 'x' } } }, { claims: { role: { equals: 'x' } } }],
    'all issuers': [{}, { issuers: mine }],
    'another issuer': [{ issuers: [other.issuer] }, { issuers: mine }],
    'no alternatives': [{}, { anyOf: [{ scopes: ['a'] }, { scopes: ['b'] }] }],
    'an alternative more': [
      { anyOf: [{ scopes: ['a'] }, { scopes: ['b'] }, { scopes: ['c'] }] },
      { anyOf: [{ scopes: ['a'] }, { scopes: ['b'] }] },
    ],
    'alternatives, and a scope': [{ anyOf: [{ scopes: ['a'] }, { scopes: ['b'] }] }, { scopes: ['a'] }],
    'an optional one that asks for less': [{ auth: 'optional' }, { auth: 'optional', scopes: ['a'] }],
    'only reported': [{ mode: 'report' }, {}],
    'only reported, with the same scopes': [{ mode: 'report', scopes: ['a'] }, { scopes: ['a'] }],
  };
  for (const [name, [earlier, later]] of Object.entries(cases)) {
    const rules = [{ path: '/first' }, { path: '/a/*', ...earlier }, { path: '/a/:b/c', ...later }];
    const { faults } = judgeRules(rules, { issuers });
    t.match(
      faults,
      [/^rules\[2\]: never decides: rules\[1\] matches all that it does, and rules\[1\] /],
      name,
    );
    t.match(faults, [/move it before rules\[1\]/], name);
    const turned = judgeRules([rules[0], rules[2], rules[1]] as object[], { issuers });
    t.same(turned.faults, [], `${name}: the other way round it is what it seems`);
  }
});

t.test('a later rule that would refuse no more is a warning', async (t) => {
  const cases: Readonly<Record<string, readonly [earlier: object, later: object]>> = {
    'the same': [{}, {}],
    'the same scopes': [{ scopes: ['a', 'b'] }, { scopes: ['b', 'a'] }],
    'more scopes': [{ scopes: ['a', 'b'] }, { scopes: ['a'] }],
    'one scope for one of some': [{ scopes: ['a'] }, { anyScope: ['a', 'b'] }],
    'one of fewer': [{ anyScope: ['a'] }, { anyScope: ['a', 'b'] }],
    'one of one': [{ anyScope: ['a'] }, { scopes: ['a'] }],
    'a token for none': [{}, { auth: 'none' }],
    'a token for an optional one': [{ scopes: ['a'] }, { auth: 'optional', scopes: ['a'] }],
    'none for optional': [{ auth: 'none' }, { auth: 'optional' }],
    'the same claims': [{ claims: { r: { oneOf: ['x'] } } }, { claims: { r: { oneOf: ['x'] } } }],
    'fewer issuers': [{ issuers: mine }, { issuers: [issuer.issuer, other.issuer] }],
    'all issuers by name': [{}, { issuers: [issuer.issuer, other.issuer] }],
    'one of the alternatives': [{ scopes: ['b', 'c'] }, { anyOf: [{ scopes: ['a'] }, { scopes: ['b'] }] }],
    'the same alternatives': [
      { anyOf: [{ scopes: ['a'] }, { scopes: ['b'] }] },
      { anyOf: [{ scopes: ['b'] }, { scopes: ['a'] }] },
    ],
    'what each alternative asks': [
      { anyOf: [{ scopes: ['a', 'b'] }, { scopes: ['a', 'c'] }] },
      { scopes: ['a'] },
    ],
    'both reported': [{ mode: 'report' }, { mode: 'report' }],
    'the later one reported': [{ scopes: ['a'] }, { scopes: ['a'], mode: 'report' }],
  };
  for (const [name, [earlier, later]] of Object.entries(cases)) {
    const rules = [
      { path: '/a/*', ...earlier },
      { path: '/a/b', ...later },
    ];
    const { faults, warnings } = judgeRules(rules, { issuers });
    t.same(faults, [], name);
    t.ok(
      warnings.some((each) => each === 'rules[1]: never decides: rules[0] matches all that it does'),
      name,
      { warnings },
    );
  }
});

t.test('a parameter is the same one only in the same segment', async (t) => {
  const tenant = { claims: { tenant: { equals: '{t}' } } };
  const verdict = (first: string, second: string) =>
    judgeRules([
      { path: first, ...tenant },
      { path: second, ...tenant },
    ]).faults.length;
  t.equal(verdict('/:t/*', '/:t/x'), 0);
  t.equal(verdict('/:t/:u', '/:u/:t'), 1);
});

t.test('rules that together match all that a later one does are all named', async (t) => {
  const get = { path: '/a/b', methods: ['GET'], scopes: ['x'] };
  const post = { path: '/a/*', methods: ['POST'] };
  const later = { path: '/a/b', methods: ['POST', 'GET'], scopes: ['x'] };
  const { warnings } = judgeRules([get, { ...post, scopes: ['x'] }, later]);
  t.match(
    warnings.filter((each) => each.startsWith('rules')),
    [/^rules\[2\]: never decides: rules\[0\] and rules\[1\] together match all that it does$/],
  );
  t.match(judgeRules([get, { ...post, auth: 'none' }, later]).faults, [
    /^rules\[2\]: .*rules\[0\] and rules\[1\] together match.*, and rules\[1\] needs no token \(auth is none\)/,
  ]);
});

const names = ['a', 'b', 'c'] as const;
const one = 'https://one.example';
const two = 'https://two.example';
const demands: fc.Arbitrary<AlternativeConfig> = fc.record({
  issuers: fc.constantFrom(null, null, [one], [two], [one, two]),
  scopes: fc.subarray([...names], { maxLength: 2 }),
  anyScope: fc.oneof(fc.constant([]), fc.subarray([...names], { minLength: 1 })),
  claims: fc.constantFrom({}, {}, { role: { equals: 'x' } }, { role: { exists: true } }),
});
const needs = fc.record({
  auth: fc.constantFrom('none' as const, 'optional' as const, 'required' as const, 'required' as const),
  demands,
  anyOf: fc.array(demands, { maxLength: 2 }),
  report: fc.constant(false),
  parameters: fc.constant([]),
});
type Needs = Parameters<typeof opens>[0];

/** Every token there can be, by what rules look at. */
const tokens = [one, two].flatMap((issuer) =>
  [[], ['a'], ['b'], ['c'], ['a', 'b'], ['a', 'c'], ['b', 'c'], ['a', 'b', 'c']].flatMap((scopes) =>
    [{}, { role: 'x' }, { role: 'y' }].map((claims) => ({ issuer, claims, scopes: new Set(scopes) })),
  ),
);

function passes({ demands, anyOf, auth }: Needs, token: (typeof tokens)[number] | null): boolean {
  if (auth === 'none') return true;
  if (token === null) return auth === 'optional';
  const compiled = compileRule(rule({ path: '/', ...demands, anyOf }), 0, defaults);
  const known = compiled.issuers === null || compiled.issuers.has(token.issuer);
  return known && authorize(compiled, token, {}) === null;
}

t.test('what does not open a later rule lets nothing pass that the later one refuses', async (t) => {
  let kept = 0;
  fc.assert(
    fc.property(needs, needs, (earlier, later) => {
      if (earlier.auth === 'none' || opens(earlier, later, [one, two])) return true;
      kept++;
      return [null, ...tokens].every(
        (token) =>
          !passes(earlier, token) || passes(later, token) || (token === null && later.auth === 'optional'),
      );
    }),
    { numRuns: 4000 },
  );
  t.ok(kept > 300, `${kept} pairs of rules`);
});
