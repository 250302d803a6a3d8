import { setImmediate } from 'node:timers/promises';
import { compileMatcher, type Matcher, type MatcherOptions } from '../claims/match.ts';
import { type ClaimPath, compileClaimPath } from '../claims/path.ts';
import { compileCanonical, type PathOptions } from '../path/canonical.ts';
import { createTable, type RuleTable } from './match.ts';
import { decidedMethods } from './methods.ts';
import { compilePattern, type Pattern } from './pattern.ts';

export type { RuleMatch, RuleTable } from './match.ts';

/** What is asked of a token besides that it is good. */
export interface Demands {
  /** Null: all that are configured. */
  readonly issuers: readonly string[] | null;
  /** All of them. */
  readonly scopes: readonly string[];
  /** At least one of them, where there are any. */
  readonly anyScope: readonly string[];
  /** Matchers by claim path. */
  readonly claims: Readonly<Record<string, MatcherOptions>>;
}

/** A rule as the config has it, complete. */
export interface RuleOptions extends Demands {
  readonly name: string | null;
  /** Exact, with `:name` for one segment, `/*` at the end for everything below. */
  readonly path: string;
  /** Null: all. GET includes HEAD. */
  readonly methods: readonly string[] | null;
  readonly auth: 'none' | 'optional' | 'required';
  /** Alternatives, of which one must hold besides the rule's own demands. Empty: nothing more is asked. */
  readonly anyOf: readonly Demands[];
  readonly upstream: string | null;
  readonly stripPrefix: string | null;
  readonly mode: 'enforce' | 'report' | null;
}

export interface RulesOptions {
  /** How much an upstream's comparison may differ from ours: `paths.case`. */
  readonly case: 'guarded' | 'sensitive' | 'insensitive';
  /** `ignore`: a rule for `/a` also decides `/a/`. */
  readonly trailingSlash: 'ignore' | 'strict';
  readonly paths: PathOptions;
}

/** Demands as tokens meet them. */
export interface Grant {
  readonly issuers: ReadonlySet<string> | null;
  readonly scopes: readonly string[];
  readonly anyScope: readonly string[];
  readonly claims: readonly ClaimRule[];
}

/** A rule as requests meet it. */
export interface Rule extends Grant {
  readonly index: number;
  /** Its name, or its index: the label of metrics and log. */
  readonly label: string;
  readonly pattern: Pattern;
  readonly methods: ReadonlySet<string> | null;
  readonly auth: RuleOptions['auth'];
  /** Those that the rule accepts and, where every alternative names its own, that one of them accepts too. Null: all. */
  readonly issuers: ReadonlySet<string> | null;
  /** What a token lacks whose scopes do not suffice, for the challenge. */
  readonly scopeChallenge: string;
  readonly anyOf: readonly Grant[];
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
  const canonical = compileCanonical(options.paths);
  return createTable(
    rules.map((rule, index) => compileRule(rule, index, options, canonical)),
    options,
  );
}

/** How many rules are compiled in one go: a few milliseconds' worth. */
const slice = 50;

/** Does the same, giving way after every fifty rules to whatever else there is to do. Rejects where that throws. */
export async function compileRulesInSlices(
  rules: readonly RuleOptions[],
  options: RulesOptions,
): Promise<RuleTable> {
  const canonical = compileCanonical(options.paths);
  const compiled: Rule[] = [];
  for (const [index, rule] of rules.entries()) {
    if (index % slice === slice - 1) await setImmediate();
    compiled.push(compileRule(rule, index, options, canonical));
  }
  await setImmediate();
  return createTable(compiled, options);
}

/** Compiles one rule. Throws as `compileRules` does. */
export function compileRule(
  rule: RuleOptions,
  index: number,
  options: RulesOptions,
  canonical = compileCanonical(options.paths),
): Rule {
  const { name, path, methods, auth, upstream, stripPrefix, mode } = rule;
  const own = compileDemands(rule);
  return {
    ...own,
    auth,
    upstream,
    // As it stands in headers, which hold no other characters than those of ASCII.
    stripPrefix: stripPrefix?.replace(/[^\0-\x7f]+/g, encodeURIComponent) ?? null,
    mode,
    index,
    label: name ?? String(index),
    pattern: compilePattern(path, options.paths, canonical),
    methods: decidedMethods(methods),
    issuers: acceptedIssuers(rule),
    scopeChallenge: joinScopes([own]),
    anyOf: rule.anyOf.map(compileDemands),
  };
}

function compileDemands({ issuers, scopes, anyScope, claims }: Demands): Grant {
  return {
    issuers: issuers && new Set(issuers),
    scopes,
    anyScope,
    claims: Object.entries(claims).map(([text, matcher]) => ({
      claim: compileClaimPath(text),
      matches: compileMatcher(matcher),
    })),
  };
}

/** The scopes that some demands ask for, each once, as a challenge names them. */
export function joinScopes(demands: readonly Pick<Grant, 'scopes' | 'anyScope'>[]): string {
  return [...new Set(demands.flatMap(({ scopes, anyScope }) => [...scopes, ...anyScope]))].join(' ');
}

/**
 * Whose tokens can pass a rule, so that another's is refused before its signature is looked at. An alternative that
 * names no issuers takes the tokens of all.
 */
export function acceptedIssuers({
  issuers,
  anyOf,
}: Pick<RuleOptions, 'issuers' | 'anyOf'>): ReadonlySet<string> | null {
  const named = anyOf.map((alternative) => alternative.issuers);
  const open = named.length === 0 || named.includes(null);
  if (open) return issuers && new Set(issuers);
  const some = named.flatMap((each) => each ?? []);
  return new Set(issuers === null ? some : some.filter((issuer) => issuers.includes(issuer)));
}
