import type { Pattern } from '../rules/pattern.ts';
import { nobody } from '../rules/reach.ts';
import type { KnownRule, KnownRules } from './check-reach.ts';
import { asks, type Needs, opens } from './needs.ts';
import type { Config } from './schema.ts';
import type { Finding } from './validate.ts';

/** Most places that are looked at for rules that match a part of another's paths: three hundred rules are looked at in full, ten thousand in time. */
const mostVisits = 100_000;

/** What a request needs that no rule matches, where `unmatched` is not deny: a good token. */
const anyGoodToken: Needs = {
  auth: 'required',
  demands: { issuers: null, scopes: [], anyScope: [], claims: {} },
  anyOf: [],
  report: false,
  parameters: [],
};

/**
 * Where a rule asks for scopes, claims or issuers in some methods, and a request for the same path needs less in
 * others, because it falls through to a rule that was not written for them. Who may not GET could then POST.
 */
export function checkMethods(config: Config, known: KnownRules, issuers: readonly string[]): Finding[] {
  const said = new Set<string>();
  const left = { visits: mostVisits };
  return known.rules.flatMap((rule) => {
    if (rule.methods === null || rule.needs.auth !== 'required' || !asks(rule.needs)) return [];
    return [...findGaps(rule, config, known, issuers, left)].flatMap(([decider, methods]) => {
      const gap = `${sayMethods(methods)} ${rule.rule.path} ${decider}`;
      // Rules for the methods of one path leave the same gap.
      if (said.has(gap)) return [];
      said.add(gap);
      return [sayGap(rule, known.at(decider), methods)];
    });
  });
}

/** The methods that a rule is passed by with, by what decides them instead. */
function findGaps(
  rule: KnownRule,
  config: Config,
  { reach, at }: KnownRules,
  issuers: readonly string[],
  left: { visits: number },
): ReadonlyMap<number, ReadonlySet<string>> {
  const gaps = new Map<number, Set<string>>();
  const groups = reach.groups.map((methods) =>
    methods.some((each) => rule.methods?.has(each)) ? [] : methods,
  );
  const needs = { ...rule.needs, report: false };
  const weaker = new Map<number, boolean>();
  const isWeaker = (decider: number): boolean => {
    const found = weaker.get(decider) ?? isGap(decider);
    weaker.set(decider, found);
    return found;
  };
  const isGap = (decider: number): boolean => {
    // What stands before the rule was decided before it.
    if (decider < rule.index) return false;
    if (decider === nobody) return config.unmatched === 'required' && isLess(anyGoodToken);
    const other = at(decider);
    if (other === undefined || isMeant(other)) return false;
    return isLess({ ...other.needs, report: other.needs.report && !rule.needs.report });
  };
  // A rule that names methods was written for them: for these very paths, or for preflight requests (CORS).
  const isMeant = ({ rule: { methods }, pattern }: KnownRule) =>
    methods !== null &&
    (methods.every((each) => each === 'OPTIONS') || reach.includes(rule.pattern, pattern));
  const isLess = (other: Needs) => opens(other, needs, issuers) && !opens(needs, other, issuers);
  const look = (pattern: Pattern) =>
    reach.everyKind(pattern, (deciders) => {
      for (const [place, decider] of deciders.entries()) {
        const methods = groups[place] ?? [];
        if (methods.length === 0 || !isWeaker(decider)) continue;
        gaps.set(decider, new Set([...(gaps.get(decider) ?? []), ...methods]));
      }
    });
  look(rule.pattern);
  const before = reach.visits;
  for (const narrower of reach.narrower(rule.pattern, left.visits)) look(narrower);
  left.visits -= reach.visits - before;
  return gaps;
}

/** Methods as they are said: those that everybody knows come first, and few of the others. */
const common = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

function sayMethods(methods: ReadonlySet<string>): string {
  const known = common.filter((method) => methods.has(method));
  const others = [...methods].filter((method) => !common.includes(method));
  const named = known.length > 0 ? known : others.slice(0, 2);
  return methods.size > named.length ? `${named.join(', ')} and others` : named.join(', ');
}

function sayGap(
  { index, rule, methods, needs }: KnownRule,
  decider: KnownRule | undefined,
  others: ReadonlySet<string>,
): Finding {
  const asked = `${sayMethods(methods ?? others)} ${rule.path} asks for ${sayDemands(needs)}`;
  const by =
    decider === undefined
      ? 'unmatched: required, which any good token passes'
      : `rules[${decider.index}] (${decider.rule.path}), which ${sayLess(decider.needs)}`;
  return {
    path: ['rules', index, 'methods'],
    message: `${asked}, but ${sayMethods(others)} are decided by ${by}`,
    hint:
      decider === undefined
        ? 'leave methods out, add a rule for the others, or set unmatched: deny'
        : 'leave methods out, or add a rule for the others before that one',
  };
}

function sayDemands({ demands, anyOf }: Needs): string {
  const { issuers, scopes, anyScope, claims } = demands;
  const scoped = [...scopes, ...anyScope];
  return [
    ...(scoped.length > 0 ? [`scopes [${scoped.join(', ')}]`] : []),
    ...(Object.keys(claims).length > 0 ? ['claims'] : []),
    ...(issuers !== null ? ['issuers'] : []),
    ...(anyOf.length > 0 ? ['one of anyOf'] : []),
  ].join(' and ');
}

function sayLess(needs: Needs): string {
  if (needs.auth !== 'required') return 'needs no token';
  if (needs.report) return 'forwards what it refuses (mode is report)';
  return asks(needs) ? 'asks for less' : 'any good token passes';
}
