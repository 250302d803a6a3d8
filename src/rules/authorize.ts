import type { Params } from '../claims/match.ts';
import type { Claims } from '../claims/path.ts';
import type { Refusal } from '../errors.ts';
import { type Grant, joinScopes, type Rule } from './compile.ts';

/** What a rule looks at in a verified token. */
export interface Authority {
  readonly issuer: string;
  readonly claims: Claims;
  readonly scopes: ReadonlySet<string>;
}

/** What a token lacks for some demands, in the order in which they are looked at. Null: nothing. */
export type Lack = 'issuer' | 'scopes' | 'claims' | null;

/**
 * Holds a verified token against its rule: the scopes first, then the claims, then the alternatives. Null: it may pass.
 *
 * Where no alternative holds, those for the token's issuer say why. If one of them fails at its scopes, the refusal is
 * `scope_insufficient`, and its challenge names the scopes of the rule and of all that fail there; otherwise it is
 * `rule_denied`.
 */
export function authorize(rule: Rule, token: Authority, params: Params): Refusal | null {
  if (!grants(rule, token)) return { refused: 'scope_insufficient', scope: rule.scopeChallenge };
  if (!fits(rule, token, params)) return { refused: 'rule_denied' };
  if (rule.anyOf.length === 0) return null;
  const short: Grant[] = [];
  for (const alternative of rule.anyOf) {
    const lack = findLack(alternative, token, params);
    if (lack === null) return null;
    if (lack === 'scopes') short.push(alternative);
  }
  return short.length === 0
    ? { refused: 'rule_denied' }
    : { refused: 'scope_insufficient', scope: joinScopes([rule, ...short]) };
}

/** What a token lacks first for an alternative. */
export function findLack(alternative: Grant, token: Authority, params: Params): Lack {
  if (alternative.issuers !== null && !alternative.issuers.has(token.issuer)) return 'issuer';
  if (!grants(alternative, token)) return 'scopes';
  return fits(alternative, token, params) ? null : 'claims';
}

function grants({ scopes, anyScope }: Grant, token: Authority): boolean {
  for (const scope of scopes) if (!token.scopes.has(scope)) return false;
  return anyScope.length === 0 || anyScope.some((scope) => token.scopes.has(scope));
}

function fits({ claims }: Grant, token: Authority, params: Params): boolean {
  for (const { claim, matches } of claims) {
    if (!matches(claim.read(token.claims), params)) return false;
  }
  return true;
}
