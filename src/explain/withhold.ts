import { type Claims, compileClaimPath } from '../claims/path.ts';
import type { Step } from '../token/verify.ts';
import type { Finding } from './steps.ts';
import { list } from './value.ts';

/** Checks whose findings hold no more of a token than its form, whom it is from and for, its key, type and dates. */
const harmless: ReadonlySet<Step> = new Set([
  'form',
  'algorithm',
  'header',
  'type',
  'issuer',
  'key',
  'signature',
  'expiry',
  'not_before',
  'lifetime',
  'audience',
  'required_claims',
  'purpose',
]);

/**
 * What a log may keep of a finding: of any other check the paths of the claims at fault, never what they hold. Hints
 * are ours, and name claims at most.
 */
export function withhold(at: Step, finding: Finding, blamed: readonly string[], claims: Claims): Finding {
  if (harmless.has(at)) return finding;
  if (at === 'issuer_claims') return withholdClaim(blamed[0] ?? '', "the issuer's", finding, claims);
  if (at === 'claim_types') return { ...finding, got: `another type of ${list(blamed)}` };
  return { expected: finding.expected, got: 'a claim "cnf"', hint: finding.hint };
}

/** Of a claim that is not as a matcher asks: which one, and whether it is there. */
export function withholdClaim(path: string, whose: string, { hint }: Finding, claims: Claims): Finding {
  const isThere = path !== '' && compileClaimPath(path).read(claims) !== undefined;
  return { expected: `${path} as ${whose} claims ask`, got: isThere ? 'another value' : 'missing', hint };
}
