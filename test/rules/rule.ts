import type { RuleOptions, RulesOptions } from '../../src/rules/compile.ts';

export const defaults: RulesOptions = {
  caseSensitive: true,
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
