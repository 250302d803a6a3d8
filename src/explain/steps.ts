import type { Reason } from '../errors.ts';
import { printable } from '../observe/mask.ts';
import type { Step } from '../token/verify.ts';

/** A check of the gateway's, by the name of its stage. */
export type CheckName = 'method' | 'path' | 'rule' | 'token' | Step | 'scopes' | 'rule_claims' | 'any_of';

/**
 * What a check has to say. Values of a token are cut and escaped. A hint that costs more than a sentence is a getter:
 * a log line has no room for it, and does not ask for it.
 */
export interface Finding {
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly hint?: string | undefined;
}

export type Findings = { readonly [check in CheckName]?: Finding };

export interface ExplainedCheck extends Finding {
  readonly check: CheckName;
  readonly outcome: 'passed' | 'failed' | 'not reached';
  readonly reason?: Reason;
}

const order: readonly CheckName[] = [
  'method',
  'path',
  'rule',
  'token',
  'form',
  'algorithm',
  'header',
  'type',
  'issuer',
  'key',
  'signature',
  'claim_types',
  'expiry',
  'not_before',
  'lifetime',
  'audience',
  'required_claims',
  'issuer_claims',
  'purpose',
  'binding',
  'scopes',
  'rule_claims',
  'any_of',
];

/** Longer than what any check says in earnest. */
const longest = 1000;

/**
 * Every check in the order of the gateway.
 *
 * @param at - the one that refused or, without a reason, the last that was asked; null: all passed
 * @param hasAlternatives - whether the rule has some: without them there is nothing to check
 */
export function listChecks(
  at: CheckName | null,
  reason: Reason | null,
  findings: Findings,
  hasAlternatives = false,
): readonly ExplainedCheck[] {
  const reached = at === null ? order.length : order.indexOf(at);
  const checks = hasAlternatives ? order : order.slice(0, -1);
  return checks.map((check, index) => {
    if (index > reached) return { check, outcome: 'not reached' };
    const finding = safe(findings[check] ?? {});
    if (index < reached || reason === null) return { check, outcome: 'passed', ...finding };
    return { check, outcome: 'failed', reason, ...finding };
  });
}

/** The one place that everything said passes: whatever a token holds, it can drive no terminal and fill no page. */
function safe(finding: Finding): Finding {
  const said = Object.entries(finding).filter((each): each is [string, string] => each[1] !== undefined);
  return Object.fromEntries(said.map(([name, text]) => [name, printable(text, longest)]));
}
