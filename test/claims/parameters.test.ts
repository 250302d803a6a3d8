import t from 'tap';
import type { MatcherOptions } from '../../src/claims/match.ts';
import { matcherParameters } from '../../src/claims/parameters.ts';

const cases: Record<string, { readonly options: MatcherOptions; readonly names: readonly string[] }> = {
  none: { options: { equals: 'a', exists: true }, names: [] },
  'of every kind that takes them': {
    options: { equals: '{a}', oneOf: ['{b}'], contains: '{c}', containsAny: ['x', '{d}'], prefix: '/{e}/' },
    names: ['a', 'b', 'c', 'd', 'e'],
  },
  'within lists and objects': { options: { equals: { x: [{ y: '{a}{b}' }] } }, names: ['a', 'b'] },
  'named twice': { options: { equals: '{a}-{a}' }, names: ['a'] },
  'not in expressions': { options: { matches: '{a}' }, names: [] },
  'not in the names of members': { options: { equals: { '{a}': null } }, names: [] },
  'not in braces that hold no name': { options: { equals: '{} {1a} {a-b} {{a}' }, names: ['a'] },
};

t.test('the parameters that a matcher needs', async (t) => {
  for (const [name, { options, names }] of Object.entries(cases)) {
    t.strictSame([...matcherParameters(options)].sort(), names, name);
  }
});
