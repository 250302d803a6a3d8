import { compileMatcher, type MatcherOptions, type Params } from '../claims/match.ts';
import { compileClaimPath } from '../claims/path.ts';
import type { Config } from '../config/schema.ts';
import type { Reason, Refusal } from '../errors.ts';
import type { Authority } from '../rules/authorize.ts';
import type { Rule } from '../rules/compile.ts';
import type { Finding } from './explain.ts';
import { list, show } from './value.ts';

/** What the checks of path and rule have to say when they fail. */
export const describeRule = {
  path(reason: Reason): Finding {
    return {
      expected: 'a path that every server reads in the same way',
      hint:
        reason === 'path_ambiguous'
          ? 'look for dot segments, "//", ";", "%2F", "\\", control characters and double encoding; `paths` in the config allows some of them'
          : 'the path must begin with "/" and be percent-encoded',
    };
  },
  unmatched({ rules }: Config, method: string): Finding {
    const paths = rules.map(({ path, methods }) =>
      methods === null ? path : `${methods.join('|')} ${path}`,
    );
    const isHead = method === 'HEAD' && rules.some(({ methods }) => methods?.includes('GET'));
    return {
      expected: `one of the rules: ${list(paths)}`,
      hint: isHead
        ? 'a rule for GET does not include HEAD'
        : 'unmatched: deny serves nothing that no rule matches',
    };
  },
  denied(refusal: Refusal, rule: Rule, token: Authority, params: Params, config: Config): Finding {
    return refusal.refused === 'scope_insufficient'
      ? describeScopes(rule, token)
      : describeClaims(rule, token, params, config);
  },
};

function describeScopes({ scopes, anyScope }: Rule, token: Authority): Finding {
  const missing = scopes.filter((scope) => !token.scopes.has(scope));
  const expected = [
    ...(scopes.length > 0 ? [`all of: ${list(scopes)}`] : []),
    ...(anyScope.length > 0 ? [`one of: ${list(anyScope)}`] : []),
  ];
  const elsewhere = ['roles', 'scopes', 'permissions'].find((name) => token.claims[name] !== undefined);
  const wanted =
    missing.length > 0 ? `the token lacks ${list(missing)}` : `the token has none of ${list(anyScope)}`;
  return {
    expected: expected.join('; '),
    got: list(token.scopes),
    hint:
      token.scopes.size === 0 && elsewhere !== undefined
        ? `the token has no "scope" or "scp", but "${elsewhere}": match that with the rule's claims`
        : wanted,
  };
}

function describeClaims(rule: Rule, token: Authority, params: Params, config: Config): Finding {
  const matchers = Object.entries(config.rules[rule.index]?.claims ?? {});
  for (const [path, options] of matchers) {
    const got = compileClaimPath(path).read(token.claims);
    if (!compileMatcher(options)(got, params)) return describeClaim(path, options, got, token.claims);
  }
  return {};
}

/** What a matcher of a rule or an issuer has to say of a claim that does not fit. */
export function describeClaim(
  path: string,
  options: MatcherOptions,
  got: unknown,
  claims: Readonly<Record<string, unknown>>,
): Finding {
  const [name = path] = path.split('.').slice(-1);
  const nested = Object.entries(claims).find(
    ([key, value]) =>
      key !== path && typeof value === 'object' && value !== null && Object.hasOwn(value, name),
  );
  const cased = Object.keys(claims).find((key) => key !== path && key.toLowerCase() === path.toLowerCase());
  const near = cased ?? (nested ? `${nested[0]}.${name}` : undefined);
  return {
    expected: `${path} ${describeMatcher(options)}`,
    got: show(got),
    ...(got === undefined &&
      near !== undefined && { hint: `the token has no "${show(path)}", but a "${show(near)}"` }),
    ...(typeof got === 'string' &&
      Array.isArray(options.equals) && { hint: 'equals compares JSON values, types included' }),
  };
}

function describeMatcher(options: MatcherOptions): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([verb, value]) => `${verb} ${JSON.stringify(value)}`)
    .join(' and ');
}
