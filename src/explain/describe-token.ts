import type { Config } from '../config/schema.ts';
import type { Rule } from '../rules/compile.ts';
import type { UnverifiedToken } from '../token/read.ts';
import type { Inspection, Step } from '../token/verify.ts';
import { describeClaims } from './describe-claims.ts';
import { describeForm } from './describe-form.ts';
import { describeHeader } from './describe-header.ts';
import { describeIssuer } from './describe-issuer.ts';
import { describeKey } from './describe-key.ts';
import type { Parts } from './explain.ts';
import type { Finding } from './steps.ts';

/** What the checks of a token have to say when they fail. */
export const describeToken = {
  missing({ label }: Rule, { token }: Config): Finding {
    const places = token.sources.map((source) =>
      source.type === 'bearer' ? 'Authorization: Bearer' : `the ${source.type} ${source.name}`,
    );
    return {
      expected: `a token: rule "${label}" requires one`,
      got: 'none',
      hint: `requests carry it in ${places.join(' or ')}; a rule with auth: none or optional lets them do without`,
    };
  },
  refused(text: string, inspection: Inspection, rule: Rule, { policy, clock }: Parts): Finding {
    const { token, at, refused, blamed } = inspection;
    if (token === null || at === null || at === 'form') {
      return describeForm(text, refused, policy.config.token.maxSize);
    }
    const issuer = policy.config.issuers.find((each) => each.issuer === inspection.issuer);
    if (at === 'issuer' || issuer === undefined) return describeStranger(token, at, rule, policy.config);
    const keys = policy.keySets[policy.config.issuers.indexOf(issuer)]?.status();
    if (at === 'key' || at === 'signature') {
      return describeKey(token, { at, refused, retryAfter: inspection.retryAfter }, keys);
    }
    const ofHeader = describeHeader(token.header, at, issuer, token.claims);
    if (ofHeader !== null) return ofHeader;
    const finding = describeClaims({ claims: token.claims, at, blamed, issuer }, clock);
    return at === 'expiry' && mayCountAsNone(rule, policy.config)
      ? { ...finding, hint: `${finding.hint}; in a cookie it counts as no token on this rule` }
      : finding;
  },
};

function mayCountAsNone({ auth }: Rule, { token }: Config): boolean {
  return auth === 'optional' && token.sources.some(({ type }) => type === 'cookie');
}

/** Where the issuer is not one of ours, the header is held against all of them. */
function describeStranger(token: UnverifiedToken, at: Step, rule: Rule, { issuers }: Config): Finding {
  const all = { algorithms: issuers.flatMap((each) => each.algorithms), tokenType: 'any' as const };
  return describeHeader(token.header, at, all, token.claims) ?? describeIssuer(token, issuers, rule);
}
