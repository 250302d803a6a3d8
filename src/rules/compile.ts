import { compileMatcher, type Matcher, type MatcherOptions } from '../claims/match.ts';
import { type ClaimPath, compileClaimPath } from '../claims/path.ts';
import type { PathOptions } from '../path/canonical.ts';
import { createTable, type RuleTable } from './match.ts';
import { decidedMethods } from './methods.ts';
import { compilePattern, type Pattern } from './pattern.ts';

export type { RuleMatch, RuleTable } from './match.ts';

/** A rule as the config has it, complete. */
export interface RuleOptions {
  readonly name: string | null;
  /** Exact, with `:name` for one segment, `/*` at the end for everything below. */
  readonly path: string;
  /** Null: all. GET includes HEAD. */
  readonly methods: readonly string[] | null;
  readonly auth: 'none' | 'optional' | 'required';
  /** Null: all that are configured. */
  readonly issuers: readonly string[] | null;
  /** All of them. */
  readonly scopes: readonly string[];
  /** At least one of them, where there are any. */
  readonly anyScope: readonly string[];
  /** Matchers by claim path. */
  readonly claims: Readonly<Record<string, MatcherOptions>>;
  readonly upstream: string | null;
  readonly stripPrefix: string | null;
  readonly mode: 'enforce' | 'report' | null;
}

export interface RulesOptions {
  readonly caseSensitive: boolean;
  /** `ignore`: a rule for `/a` also decides `/a/`. */
  readonly trailingSlash: 'ignore' | 'strict';
  readonly paths: PathOptions;
}

/** A rule as requests meet it. */
export interface Rule {
  readonly index: number;
  /** Its name, or its index: the label of metrics and log. */
  readonly label: string;
  readonly pattern: Pattern;
  readonly methods: ReadonlySet<string> | null;
  readonly auth: RuleOptions['auth'];
  readonly issuers: ReadonlySet<string> | null;
  readonly scopes: readonly string[];
  readonly anyScope: readonly string[];
  /** What a token lacks whose scopes do not suffice, for the challenge. */
  readonly scopeChallenge: string;
  readonly claims: readonly ClaimRule[];
  readonly upstream: string | null;
  readonly stripPrefix: string | null;
  readonly mode: RuleOptions['mode'];
}

export interface ClaimRule {
  readonly claim: ClaimPath;
  readonly matches: Matcher;
}

/**
 * Compiles the rules into a table whose look-up costs the same for a thousand rules as for one.
 *
 * @throws SyntaxError whose message is a plain sentence, at the first rule with a bad path, claim path or matcher
 */
export function compileRules(rules: readonly RuleOptions[], options: RulesOptions): RuleTable {
  return createTable(
    rules.map((rule, index) => compileRule(rule, index, options)),
    options,
  );
}

/** Compiles one rule. Throws as `compileRules` does. */
export function compileRule(rule: RuleOptions, index: number, options: RulesOptions): Rule {
  const { name, path, methods, issuers, scopes, anyScope, claims, ...rest } = rule;
  return {
    auth: rest.auth,
    upstream: rest.upstream,
    stripPrefix: rest.stripPrefix,
    mode: rest.mode,
    index,
    label: name ?? String(index),
    pattern: compilePattern(path, options.paths),
    methods: decidedMethods(methods),
    issuers: issuers && new Set(issuers),
    scopes,
    anyScope,
    scopeChallenge: [...new Set([...scopes, ...anyScope])].join(' '),
    claims: Object.entries(claims).map(([text, matcher]) => ({
      claim: compileClaimPath(text),
      matches: compileMatcher(matcher),
    })),
  };
}
