import type { Params } from '../claims/match.ts';
import type { Config } from '../config/schema.ts';
import { type Authority, findLack } from '../rules/authorize.ts';
import type { Grant, Rule } from '../rules/compile.ts';
import { describeClaim, describeScopes } from './describe-rule.ts';
import type { Finding } from './steps.ts';
import { list } from './value.ts';
import { withholdClaim } from './withhold.ts';

export interface AnyOfQuestion {
  readonly rule: Rule;
  readonly token: Authority;
  readonly params: Params;
  readonly config: Config;
  /** Whether values of claims are left out, as in a log. */
  readonly withheld: boolean;
}

/** Why none of a rule's alternatives holds: what each asks for, and what the token lacks for it. */
export function describeAnyOf(question: AnyOfQuestion): Finding {
  const found = question.rule.anyOf.map((alternative, index) => describeOne(alternative, index, question));
  const say = (part: 'expected' | 'got') =>
    found.map((finding, index) => `(${index + 1}) ${finding[part]}`).join('; ');
  return {
    expected: `one of these alternatives: ${say('expected')}`,
    got: say('got'),
    hint: found.find(({ hint }) => hint !== undefined)?.hint,
  };
}

function describeOne(alternative: Grant, index: number, question: AnyOfQuestion): Finding {
  const { token, params } = question;
  const { issuers, scopes, anyScope, claims } = alternative;
  const asked = [
    ...(issuers === null ? [] : [`issuer ${[...issuers].join(' or ')}`]),
    ...(scopes.length > 0 ? [`all scopes of ${list(scopes)}`] : []),
    ...(anyScope.length > 0 ? [`one scope of ${list(anyScope)}`] : []),
    ...claims.map(({ claim }) => describeOneClaim(claim.text, index, question).expected),
  ];
  return { expected: asked.join(' and '), ...describeLack() };

  function describeLack(): Finding {
    switch (findLack(alternative, token, params)) {
      case 'issuer':
        return { got: `issuer ${token.issuer}` };
      case 'scopes': {
        const { got, hint } = describeScopes(alternative, token);
        return { got: `scopes ${got}`, hint };
      }
      case 'claims': {
        const path = claims.find(({ claim, matches }) => !matches(claim.read(token.claims), params))?.claim
          .text;
        if (path === undefined) return {};
        const { got, hint } = describeOneClaim(path, index, question);
        return { got: `${path} ${got}`, hint };
      }
      default:
        return { got: 'all of it' };
    }
  }
}

/** What an alternative asks of one claim. */
function describeOneClaim(
  path: string,
  index: number,
  { rule, token, params, config, withheld }: AnyOfQuestion,
): Finding {
  const options = config.rules[rule.index]?.anyOf[index]?.claims[path];
  if (options === undefined) return {};
  const finding = describeClaim({ path, options, claims: token.claims, params });
  return withheld ? withholdClaim(path, "the rule's", finding, token.claims) : finding;
}
