import type { Rule } from '../rules/compile.ts';
import type { Inspection } from '../token/verify.ts';
import type { Parts } from './explain.ts';
import type { Finding, Findings } from './steps.ts';
import { span } from './value.ts';

/** What is worth knowing of the rule although it decides as it should. */
export function remarkRule(rule: Rule): Finding {
  return rule.auth === 'none' ? { hint: 'auth is none: no token is looked at' } : {};
}

/** What is worth knowing of checks that a token passes: these count only where they are reached. */
export function remarkToken({ token, issuer }: Inspection, { policy, clock }: Parts): Findings {
  const options = policy.config.issuers.find((each) => each.issuer === issuer);
  if (token === null || options === undefined) return {};
  const { exp, nbf } = token.claims;
  const now = clock.now();
  const tolerance = `within the tolerance of ${span(options.clockTolerance)}`;
  return {
    ...(typeof exp === 'number' &&
      exp * 1000 <= now && { expiry: { hint: `it expired ${span(now - exp * 1000)} ago, ${tolerance}` } }),
    ...(typeof nbf === 'number' &&
      nbf * 1000 > now && {
        not_before: { hint: `it becomes valid in ${span(nbf * 1000 - now)}, ${tolerance}` },
      }),
    ...(options.audience === null && {
      audience: { hint: 'not checked: any token of this issuer is accepted, whoever it is for' },
    }),
  };
}
