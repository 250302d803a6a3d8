import { compileMatcher } from '../claims/match.ts';
import { matcherParameters } from '../claims/parameters.ts';
import { type Canonical, compileCanonical } from '../path/canonical.ts';
import { acceptedIssuers } from '../rules/compile.ts';
import { compilePattern, type Pattern } from '../rules/pattern.ts';
import { describeDoubt } from '../rules/spelling.ts';
import { checkReach, type ReadRule } from './check-reach.ts';
import { asks, asksFor } from './needs.ts';
import type { Path } from './path.ts';
import type { AlternativeConfig, Config, MatcherConfig, RuleConfig } from './schema.ts';
import { suggest } from './suggest.ts';
import type { Checked, Finding } from './validate.ts';

/** What each rule asks for, whether it can be asked at all, and whether the rule is ever reached. */
export function checkRules(config: Config): Checked {
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  const names = new Set<string>();
  const read: ReadRule[] = [];
  const canonical = compileCanonical(config.paths);
  for (const [index, rule] of config.rules.entries()) {
    const path: Path = ['rules', index];
    const pattern = readPattern(rule, path, config, canonical);
    if ('segments' in pattern) read.push({ index, rule, pattern });
    else faults.push(pattern);
    const parameters = 'segments' in pattern ? pattern.parameters.map(({ name }) => name) : null;
    faults.push(...checkRule(rule, path, parameters, config));
    warnings.push(...adviseOn(rule, path, index));
    if (rule.name === null) continue;
    if (names.has(rule.name)) {
      faults.push({ path: [...path, 'name'], message: 'is the name of an earlier rule' });
    }
    names.add(rule.name);
  }
  faults.push(...checkUnmatched(config));
  const reach = checkReach(config, read);
  return { faults: [...faults, ...reach.faults], warnings: [...warnings, ...reach.warnings] };
}

function readPattern(
  rule: RuleConfig,
  path: Path,
  { paths }: Config,
  canonical: Canonical,
): Pattern | Finding {
  try {
    return compilePattern(rule.path, paths, canonical);
  } catch (error) {
    return { path: [...path, 'path'], message: (error as Error).message };
  }
}

function checkRule(
  rule: RuleConfig,
  path: Path,
  parameters: readonly string[] | null,
  config: Config,
): Finding[] {
  const faults: Finding[] = [];
  if (rule.name === 'default')
    faults.push({ path: [...path, 'name'], message: 'is what metrics call requests that no rule matches' });
  faults.push(...checkDemands(rule, path, parameters, config), ...checkAnyOf(rule, path, parameters, config));
  if (rule.auth === 'none' && asksMore(rule)) {
    faults.push({
      path: [...path, 'auth'],
      message: 'is none, so no token is looked at; but the rule asks for issuers, scopes or claims',
    });
  }
  if (rule.upstream !== null && !Object.hasOwn(config.upstreams, rule.upstream)) {
    const near = suggest(rule.upstream, Object.keys(config.upstreams));
    faults.push({
      path: [...path, 'upstream'],
      message: 'is not one of upstreams',
      ...(near !== null && { hint: `did you mean "${near}"?` }),
    });
  }
  if (rule.stripPrefix !== null)
    faults.push(...checkPrefix(rule.stripPrefix, rule.path, [...path, 'stripPrefix']));
  return faults;
}

/** What a rule, or one of its alternatives, asks of a token. */
function checkDemands(
  { claims, issuers }: AlternativeConfig,
  path: Path,
  parameters: readonly string[] | null,
  config: Config,
): Finding[] {
  const matchers = Object.entries(claims).flatMap(([claim, matcher]) =>
    checkMatcher(matcher, [...path, 'claims', claim], parameters),
  );
  const strangers = [...(issuers ?? []).entries()]
    .filter(([, issuer]) => !config.issuers.some((each) => each.issuer === issuer))
    .map(([index]) => ({ path: [...path, 'issuers', index], message: 'is not one of issuers' }));
  return [...matchers, ...strangers];
}

/** Whether each alternative asks for something, and can hold. */
function checkAnyOf(
  rule: RuleConfig,
  path: Path,
  parameters: readonly string[] | null,
  config: Config,
): Finding[] {
  return rule.anyOf.flatMap((alternative, index) => {
    const at: Path = [...path, 'anyOf', index];
    const faults = checkDemands(alternative, at, parameters, config);
    if (!asksFor(alternative)) {
      faults.push({
        path: at,
        message: 'asks for nothing, so it would always hold, and the other alternatives would not count',
        hint: 'leave anyOf out, or say what this alternative asks for',
      });
    }
    if (acceptedIssuers({ issuers: rule.issuers, anyOf: [alternative] })?.size === 0) {
      faults.push({
        path: [...at, 'issuers'],
        message: 'can never hold: the rule accepts none of these issuers',
      });
    }
    return faults;
  });
}

function asksMore(rule: RuleConfig): boolean {
  return asks({ demands: rule, anyOf: rule.anyOf });
}

/** Where rules ask for more than a good token, what the rest needs must be said: a path that no rule names is easily forgotten. */
function checkUnmatched({ rules, unmatched }: Config): Finding[] {
  const index = rules.findIndex(asksMore);
  if (unmatched !== null || index < 0) return [];
  return [
    {
      path: ['unmatched'],
      message: `must be said, since rules[${index}] asks for more than a good token: what does a request need that no rule matches?`,
      hint: 'deny answers it with 404; required lets any good token pass',
    },
  ];
}

/** What lets more pass than it seems to. */
function adviseOn(rule: RuleConfig, path: Path, index: number): Finding[] {
  const warnings: Finding[] = [];
  const doubt = describeDoubt(rule.path);
  if (doubt !== null) warnings.push({ path: [...path, 'path'], message: doubt });
  if (rule.auth === 'none' && rule.path === '/*') {
    const open = sayOpen(rule.methods, index);
    if (open !== null) warnings.push({ path: [...path, 'auth'], message: `is none for every path: ${open}` });
  }
  if (rule.auth === 'optional' && asksMore(rule)) {
    warnings.push({
      path: [...path, 'auth'],
      message:
        'is optional, so a request without a token passes: only a client that sends one needs the scopes, claims or issuers that the rule asks for',
      hint: 'auth: required asks them of everyone',
    });
  }
  if (rule.mode === 'report') {
    warnings.push({
      path: [...path, 'mode'],
      message: 'is report: requests without a good token are forwarded',
    });
  }
  return warnings;
}

/** What a rule for every path leaves open. Null: preflight requests (CORS) alone, which carry no token. */
function sayOpen(methods: readonly string[] | null, index: number): string | null {
  if (methods === null) {
    return index === 0 ? 'nothing is verified' : 'what no earlier rule matches is not verified';
  }
  return methods.every((method) => method === 'OPTIONS') ? null : `no ${methods.join(', ')} is verified`;
}

/** The prefix must be whole segments that every path of the rule begins with. */
function checkPrefix(prefix: string, rulePath: string, path: Path): Finding[] {
  const whole = prefix.replace(/\/+$/, '');
  const base = rulePath.replace(/\/\*$/, '');
  const fits = /^(\/[^/:*?#;]+)+$/.test(whole) && (base === whole || base.startsWith(`${whole}/`));
  return fits
    ? []
    : [
        {
          path,
          message: "must be the beginning of the rule's path, in whole segments and without parameters",
        },
      ];
}

/**
 * A fault where a matcher cannot be compiled or needs a parameter that the path does not have.
 *
 * @param parameters - null: the path cannot be read, which is said already
 */
export function checkMatcher(
  matcher: MatcherConfig,
  path: Path,
  parameters: readonly string[] | null,
): Finding[] {
  try {
    compileMatcher(matcher);
  } catch (error) {
    return [{ path, message: (error as Error).message }];
  }
  return [...matcherParameters(matcher)]
    .filter((name) => parameters?.includes(name) === false)
    .map((name) => ({ path, message: `needs the parameter "${name}", which the path does not have` }));
}
