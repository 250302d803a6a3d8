import t from 'tap';
import { authorize } from '../../src/rules/authorize.ts';
import { compileRule, type RuleOptions } from '../../src/rules/compile.ts';
import { defaults, rule } from './rule.ts';

t.test('scopes, then claims', async (t) => {
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
      name: 'scopes come first',
      rule: { scopes: ['a'], claims: { tenant: { equals: 'x' } } },
      refused: 'scope_insufficient',
      scope: 'a',
    },
  ];
  for (const { name, rule: options, scopes = [], claims = {}, refused, scope } of cases) {
    const compiled = compileRule(rule({ path: '/t/:tenant', ...options }), 0, defaults);
    const verdict = authorize(compiled, { claims, scopes: new Set(scopes) }, { tenant: 'acme' });
    t.equal(verdict?.refused ?? null, refused, name);
    if (scope) t.equal(verdict?.scope, scope, name);
  }
});
