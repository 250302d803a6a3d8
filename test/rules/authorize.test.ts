import t from 'tap';
import { authorize } from '../../src/rules/authorize.ts';
import { compileRule, type Demands, type RuleOptions } from '../../src/rules/compile.ts';
import { defaults, rule } from './rule.ts';

const issuer = 'https://idp.example.com';

function demand(options: Partial<Demands>): Demands {
  return { issuers: null, scopes: [], anyScope: [], claims: {}, ...options };
}

t.test('whose tokens can pass is known before any signature is looked at', async (t) => {
  const [a, b, c] = ['https://a.example', 'https://b.example', 'https://c.example'] as const;
  const cases: Readonly<Record<string, readonly [Partial<RuleOptions>, readonly string[] | null]>> = {
    'those of all': [{}, null],
    'those of the rule': [{ issuers: [a] }, [a]],
    'those of the alternatives': [
      { anyOf: [demand({ issuers: [a] }), demand({ issuers: [b, c] })] },
      [a, b, c],
    ],
    'where one names none, those of all': [
      { anyOf: [demand({ issuers: [a] }), demand({ scopes: ['x'] })] },
      null,
    ],
    'or those of the rule': [
      { issuers: [b], anyOf: [demand({ issuers: [a] }), demand({ scopes: ['x'] })] },
      [b],
    ],
    'those of both': [{ issuers: [a, b], anyOf: [demand({ issuers: [b] }), demand({ issuers: [c] })] }, [b]],
  };
  for (const [name, [options, issuers]] of Object.entries(cases)) {
    const compiled = compileRule(rule({ path: '/', ...options }), 0, defaults);
    t.same(compiled.issuers && [...compiled.issuers], issuers, name);
  }
});

t.test('scopes, then claims, then alternatives', async (t) => {
  const cases: {
    name: string;
    rule: Partial<RuleOptions>;
    scopes?: string[];
    claims?: Record<string, unknown>;
    refused: string | null;
    scope?: string;
  }[] = [
    { name: 'nothing asked', rule: {}, refused: null },
    { name: 'all scopes', rule: { scopes: ['a', 'b'] }, scopes: ['b', 'a', 'c'], refused: null },
    {
      name: 'one missing',
      rule: { scopes: ['a', 'b'] },
      scopes: ['a'],
      refused: 'scope_insufficient',
      scope: 'a b',
    },
    { name: 'one of some', rule: { anyScope: ['a', 'b'] }, scopes: ['b'], refused: null },
    {
      name: 'none of some',
      rule: { anyScope: ['a', 'b'] },
      scopes: ['ab'],
      refused: 'scope_insufficient',
      scope: 'a b',
    },
    {
      name: 'both kinds',
      rule: { scopes: ['a'], anyScope: ['b', 'c'] },
      scopes: ['a'],
      refused: 'scope_insufficient',
      scope: 'a b c',
    },
    {
      name: 'a nested claim',
      rule: { claims: { 'realm_access.roles': { contains: 'admin' } } },
      claims: { realm_access: { roles: ['admin'] } },
      refused: null,
    },
    {
      name: 'not in it',
      rule: { claims: { 'realm_access.roles': { contains: 'admin' } } },
      claims: { realm_access: { roles: ['user'] } },
      refused: 'rule_denied',
    },
    {
      name: 'a claim that is missing',
      rule: { claims: { tenant: { equals: 'x' } } },
      refused: 'rule_denied',
    },
    {
      name: 'the path’s parameter',
      rule: { path: '/t/:tenant', claims: { tenant: { equals: '{tenant}' } } },
      claims: { tenant: 'acme' },
      refused: null,
    },
    {
      name: 'another one’s',
      rule: { path: '/t/:tenant', claims: { tenant: { equals: '{tenant}' } } },
      claims: { tenant: 'other' },
      refused: 'rule_denied',
    },
    {
      name: 'one of the alternatives',
      rule: { anyOf: [demand({ scopes: ['a'] }), demand({ scopes: ['b'] })] },
      scopes: ['b'],
      refused: null,
    },
    {
      name: 'none of them, and a scope would do',
      rule: {
        scopes: ['x'],
        anyOf: [demand({ scopes: ['a'], anyScope: ['c'] }), demand({ claims: { r: { equals: 1 } } })],
      },
      scopes: ['x'],
      refused: 'scope_insufficient',
      scope: 'x a c',
    },
    {
      name: 'none of them, and no scope would do',
      rule: {
        anyOf: [
          demand({ issuers: ['https://other.example.com'], scopes: ['a'] }),
          demand({ claims: { r: { equals: 1 } } }),
        ],
      },
      refused: 'rule_denied',
    },
    {
      name: 'what stands beside the alternatives comes first',
      rule: { claims: { r: { equals: 1 } }, anyOf: [demand({ scopes: ['a'] })] },
      refused: 'rule_denied',
    },
    {
      name: 'scopes come first',
      rule: { scopes: ['a'], claims: { tenant: { equals: 'x' } } },
      refused: 'scope_insufficient',
      scope: 'a',
    },
  ];
  for (const { name, rule: options, scopes = [], claims = {}, refused, scope } of cases) {
    const compiled = compileRule(rule({ path: '/t/:tenant', ...options }), 0, defaults);
    const verdict = authorize(compiled, { issuer, claims, scopes: new Set(scopes) }, { tenant: 'acme' });
    t.equal(verdict?.refused ?? null, refused, name);
    if (scope) t.equal(verdict?.scope, scope, name);
  }
});
