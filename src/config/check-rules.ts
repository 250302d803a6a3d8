import { compileMatcher } from '../claims/match.ts';
import { matcherParameters } from '../claims/parameters.ts';
import { compilePattern } from '../rules/pattern.ts';
import type { Path } from './path.ts';
import type { Config, MatcherConfig, RuleConfig } from './schema.ts';
import { suggest } from './suggest.ts';
import type { Checked, Finding } from './validate.ts';

/** What each rule asks for, and whether it can be asked at all. */
export function checkRules(config: Config): Checked {
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  for (const [index, rule] of config.rules.entries()) {
    const path: Path = ['rules', index];
    faults.push(...checkRule(rule, path, config));
    const shadow = config.rules.findIndex((other) => shadows(other, rule));
    if (shadow >= 0 && shadow < index) {
      warnings.push({ path, message: `never decides: rules[${shadow}] matches all that it does` });
    }
    if (rule.name !== null && config.rules.findIndex(({ name }) => name === rule.name) < index) {
      faults.push({ path: [...path, 'name'], message: 'is the name of an earlier rule' });
    }
    if (rule.auth === 'none' && rule.path === '/*') {
      warnings.push({ path: [...path, 'auth'], message: 'is none for every path: nothing is verified' });
    }
    if (rule.mode === 'report') {
      warnings.push({
        path: [...path, 'mode'],
        message: 'is report: requests without a good token are forwarded',
      });
    }
  }
  return { faults, warnings };
}

function checkRule(rule: RuleConfig, path: Path, config: Config): Finding[] {
  const faults: Finding[] = [];
  const parameters: string[] = [];
  try {
    const { segments } = compilePattern(rule.path, config.paths);
    parameters.push(...segments.flatMap((segment) => ('parameter' in segment ? [segment.parameter] : [])));
  } catch (error) {
    faults.push({ path: [...path, 'path'], message: (error as Error).message });
  }
  if (rule.name === 'default')
    faults.push({ path: [...path, 'name'], message: 'is what metrics call requests that no rule matches' });
  for (const [claim, matcher] of Object.entries(rule.claims)) {
    faults.push(...checkMatcher(matcher, [...path, 'claims', claim], parameters));
  }
  const asks =
    rule.scopes.length > 0 ||
    rule.anyScope.length > 0 ||
    Object.keys(rule.claims).length > 0 ||
    rule.issuers !== null;
  if (rule.auth === 'none' && asks) {
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
  for (const [index, issuer] of (rule.issuers ?? []).entries()) {
    if (config.issuers.some((each) => each.issuer === issuer)) continue;
    faults.push({ path: [...path, 'issuers', index], message: 'is not one of issuers' });
  }
  if (rule.stripPrefix !== null)
    faults.push(...checkPrefix(rule.stripPrefix, rule.path, [...path, 'stripPrefix']));
  return faults;
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

/** A fault where a matcher cannot be compiled or needs a parameter that the path does not have. */
export function checkMatcher(matcher: MatcherConfig, path: Path, parameters: readonly string[]): Finding[] {
  try {
    compileMatcher(matcher);
  } catch (error) {
    return [{ path, message: (error as Error).message }];
  }
  return [...matcherParameters(matcher)]
    .filter((name) => !parameters.includes(name))
    .map((name) => ({ path, message: `needs the parameter "${name}", which the path does not have` }));
}

/** Whether an earlier rule leaves a later one nothing, in the cases that are easy to see. */
function shadows(earlier: RuleConfig, later: RuleConfig): boolean {
  if (earlier === later || earlier.methods !== null) {
    const same = earlier.path === later.path && String(earlier.methods) === String(later.methods);
    return earlier !== later && same;
  }
  return earlier.path === '/*' || earlier.path === later.path;
}
