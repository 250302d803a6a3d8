import { isRefusal } from '../../src/errors.ts';
import type { RuleOptions, RulesOptions, RuleTable } from '../../src/rules/compile.ts';
import type { RuleMatch } from '../../src/rules/match.ts';

export const defaults: RulesOptions = {
  case: 'guarded',
  trailingSlash: 'ignore',
  paths: { duplicateSlashes: 'merge', encodedSlashes: 'reject', parameters: 'reject' },
};

/** A rule that says no more than what a test is about. */
export function rule(options: Partial<RuleOptions> & { path: string }): RuleOptions {
  return {
    name: null,
    methods: null,
    auth: 'required',
    issuers: null,
    scopes: [],
    anyScope: [],
    claims: {},
    anyOf: [],
    upstream: null,
    stripPrefix: null,
    mode: null,
    ...options,
  };
}

/** What a table finds, where that is no ambiguity. */
export function find(table: RuleTable, method: string, path: string): RuleMatch | null {
  const found = table.match(method, path);
  if (found !== null && isRefusal(found)) throw new Error(`${method} ${path} is ${found.refused}`);
  return found;
}
