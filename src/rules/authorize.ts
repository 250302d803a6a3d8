import type { Params } from '../claims/match.ts';
import type { Claims } from '../claims/path.ts';
import type { Refusal } from '../errors.ts';
import type { Rule } from './compile.ts';

/** What a rule looks at in a verified token. */
export interface Authority {
  readonly claims: Claims;
  readonly scopes: ReadonlySet<string>;
}

/** Holds a verified token against its rule: the scopes first, then the claims. Null: it may pass. */
export function authorize(rule: Rule, token: Authority, params: Params): Refusal | null {
  const { scopes } = token;
  const granted =
    rule.scopes.every((scope) => scopes.has(scope)) &&
    (rule.anyScope.length === 0 || rule.anyScope.some((scope) => scopes.has(scope)));
  if (!granted) return { refused: 'scope_insufficient', scope: rule.scopeChallenge };
  for (const { claim, matches } of rule.claims) {
    if (!matches(claim.read(token.claims), params)) return { refused: 'rule_denied' };
  }
  return null;
}
