import { isDeepStrictEqual } from 'node:util';
import { matcherParameters } from '../claims/parameters.ts';
import type { Pattern } from '../rules/pattern.ts';
import type { AlternativeConfig, MatcherConfig, RuleConfig } from './schema.ts';

/** What a rule needs, with all that tells whether another needs less. */
export interface Needs {
  readonly auth: RuleConfig['auth'];
  readonly demands: AlternativeConfig;
  readonly anyOf: readonly AlternativeConfig[];
  /** Whether what it refuses is forwarded all the same. */
  readonly report: boolean;
  /** Where its parameters stand: their names alone do not say which segment is meant. */
  readonly parameters: Pattern['parameters'];
}

/**
 * Whether an earlier rule lets something pass that a later one is there to refuse: requests without a token, or tokens
 * that lack what the later rule asks for and the earlier does not.
 *
 * @param issuers - all that are configured
 */
export function opens(earlier: Needs, later: Needs, issuers: readonly string[]): boolean {
  const closes = later.auth === 'required' || asks(later);
  if (earlier.report && !later.report && closes) return true;
  if (earlier.auth !== 'required' && later.auth === 'required') return true;
  return !ways(earlier, issuers).every((way) => meets(way, later, issuers));
}

/** Whether a token must be more than good. */
export function asks({ demands, anyOf }: Pick<Needs, 'demands' | 'anyOf'>): boolean {
  return asksFor(demands) || anyOf.length > 0;
}

/** Whether a rule, or one of its alternatives, asks for anything itself. */
export function asksFor({ issuers, scopes, anyScope, claims }: AlternativeConfig): boolean {
  return issuers !== null || scopes.length > 0 || anyScope.length > 0 || Object.keys(claims).length > 0;
}

/** All that a token is known to be that passes in one way. */
interface Way {
  readonly issuers: readonly string[];
  readonly scopes: readonly string[];
  /** Of each list it has one. */
  readonly anyScopes: readonly (readonly string[])[];
  readonly claims: readonly [string, MatcherConfig][];
  readonly parameters: Pattern['parameters'];
}

/** The ways to pass a rule: one for each alternative, or the only one. */
function ways({ demands, anyOf, parameters }: Needs, all: readonly string[]): Way[] {
  const alternatives = anyOf.length === 0 ? [[demands]] : anyOf.map((each) => [demands, each]);
  return alternatives.map((parts) => ({
    issuers: all.filter((issuer) =>
      parts.every(({ issuers }) => issuers === null || issuers.includes(issuer)),
    ),
    scopes: parts.flatMap(({ scopes }) => scopes),
    anyScopes: parts.map(({ anyScope }) => anyScope).filter(({ length }) => length > 0),
    claims: parts.flatMap(({ claims }) => Object.entries(claims)),
    parameters,
  }));
}

/** Whether every token that passes in this way passes the rule too. */
function meets(way: Way, { demands, anyOf, parameters }: Needs, all: readonly string[]): boolean {
  const met = (asked: AlternativeConfig) => meetsDemands(way, asked, parameters, all);
  return met(demands) && (anyOf.length === 0 || anyOf.some(met));
}

function meetsDemands(
  way: Way,
  { issuers, scopes, anyScope, claims }: AlternativeConfig,
  parameters: Pattern['parameters'],
  all: readonly string[],
): boolean {
  const accepted = issuers ?? all;
  return (
    way.issuers.every((issuer) => accepted.includes(issuer)) &&
    scopes.every((scope) => hasOneOf(way, [scope])) &&
    (anyScope.length === 0 || hasOneOf(way, anyScope)) &&
    Object.entries(claims).every(([path, matcher]) =>
      way.claims.some(
        ([other, known]) =>
          other === path &&
          isDeepStrictEqual(known, matcher) &&
          samePlaces(matcher, way.parameters, parameters),
      ),
    )
  );
}

function hasOneOf({ scopes, anyScopes }: Way, wanted: readonly string[]): boolean {
  return (
    scopes.some((scope) => wanted.includes(scope)) ||
    anyScopes.some((some) => some.every((scope) => wanted.includes(scope)))
  );
}

/** Whether the parameters that a matcher names stand in the same segments of both paths. */
function samePlaces(
  matcher: MatcherConfig,
  one: Pattern['parameters'],
  other: Pattern['parameters'],
): boolean {
  const place = (of: Pattern['parameters'], name: string) => of.find((each) => each.name === name)?.position;
  return [...matcherParameters(matcher)].every((name) => place(one, name) === place(other, name));
}
