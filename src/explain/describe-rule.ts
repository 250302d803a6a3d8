import { METHODS } from 'node:http';
import type { MatcherOptions, Params } from '../claims/match.ts';
import { type Claims, compileClaimPath } from '../claims/path.ts';
import type { Config } from '../config/schema.ts';
import { maskPath } from '../observe/mask.ts';
import type { Policy } from '../policy.ts';
import type { Authority } from '../rules/authorize.ts';
import type { Grant, Rule } from '../rules/compile.ts';
import type { Finding } from './steps.ts';
import { list, show } from './value.ts';

/** Why no rule decides, where `unmatched: deny` serves nothing else. */
export function describeUnmatched({ rules }: Policy, method: string, path: string): Finding {
  const near = (other: string) => {
    const methods = METHODS.filter((each) => rules.match(each, other)?.rule !== undefined);
    const rule = rules.match(methods[0] ?? '', other)?.rule;
    return rule && { label: rule.label, methods };
  };
  const hint = () => {
    const same = near(path);
    if (same !== undefined) return `rule "${same.label}" matches this path for ${list(same.methods)}`;
    const slash = near(path.endsWith('/') ? path.slice(0, -1) : `${path}/`);
    if (slash !== undefined) return `rule "${slash.label}" matches but for the slash at the end`;
    const lower = near(path.toLowerCase());
    return lower && `rule "${lower.label}" matches this path in lower case`;
  };
  return {
    expected: 'a rule that matches method and path, since unmatched is deny',
    got: `none for ${method}`,
    get hint() {
      return hint();
    },
  };
}

/** Which scopes of a rule, or of one of its alternatives, a token does not grant. */
export function describeScopes({ scopes, anyScope }: Grant, token: Authority): Finding {
  const missing = scopes.filter((scope) => !token.scopes.has(scope));
  const expected = [
    ...(scopes.length > 0 ? [`all of: ${list(scopes)}`] : []),
    ...(anyScope.length > 0 ? [`one of: ${list(anyScope)}`] : []),
  ];
  const hint = () => {
    const elsewhere = ['roles', 'scopes', 'permissions'].find((name) => token.claims[name] !== undefined);
    if (token.scopes.size === 0 && elsewhere !== undefined) {
      return `the token has no "scope" or "scp", but "${elsewhere}": match that with the rule's claims`;
    }
    return missing.length > 0
      ? `the token lacks ${list(missing)}`
      : `the token has none of ${list(anyScope)}`;
  };
  return {
    expected: expected.join('; '),
    got: list(token.scopes),
    get hint() {
      return hint();
    },
  };
}

/** Which claim is not what a rule asks for. */
export function describeClaims(rule: Rule, claims: Claims, params: Params, { rules }: Config): Finding {
  const path = rule.claims.find(({ claim, matches }) => !matches(claim.read(claims), params))?.claim.text;
  const options = path === undefined ? undefined : rules[rule.index]?.claims[path];
  return path === undefined || options === undefined ? {} : describeClaim({ path, options, claims, params });
}

interface Mismatch {
  readonly path: string;
  readonly options: MatcherOptions;
  readonly claims: Claims;
  readonly params: Params;
}

/** What a matcher of a rule or an issuer has to say of a claim that does not fit. */
export function describeClaim({ path, options, claims, params }: Mismatch): Finding {
  const got = compileClaimPath(path).read(claims);
  const matcher = describeMatcher(options);
  const filled = Object.entries(params)
    .filter(([name]) => matcher.includes(`{${name}}`))
    .map(([name, value]) => `{${name}} is "${show(maskPath(value))}"`);
  return {
    expected: `${path} ${[matcher, ...filled].join(', where ')}`,
    got: show(got),
    hint: got === undefined ? hintOfMissing(path, claims) : hintOfValue(got, options),
  };
}

/** The same name in another case, or inside another claim. */
function hintOfMissing(path: string, claims: Claims): string | undefined {
  const name = path.split('.').at(-1) ?? path;
  const cased = Object.keys(claims).find((key) => key !== path && key.toLowerCase() === path.toLowerCase());
  const parent = Object.entries(claims).find(
    ([, value]) => typeof value === 'object' && value !== null && Object.hasOwn(value, name),
  );
  const near = cased ?? (parent && `${parent[0]}.${name}`);
  return near === undefined || near === path
    ? undefined
    : `the token has no "${show(path)}", but a "${show(near)}"`;
}

function hintOfValue(
  got: unknown,
  { equals, contains, prefix, matches }: MatcherOptions,
): string | undefined {
  if (equals !== undefined && kindOf(got) !== kindOf(equals)) {
    return Array.isArray(got)
      ? 'the claim is a list: `contains` asks for one of its members'
      : '`equals` compares JSON values, types included';
  }
  if (contains !== undefined && kindOf(got) === 'object') {
    return 'the claim is an object: a path such as "a.b" leads into it';
  }
  if ((prefix ?? matches) !== undefined && kindOf(got) !== 'string') return 'the claim is no string';
  return undefined;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}

function describeMatcher(options: MatcherOptions): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([verb, value]) => `${verb} ${JSON.stringify(value)}`)
    .join(' and ');
}
