import type { Clock } from '../clock.ts';
import { isRefusal, type Reason, reasons } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { authorize } from '../rules/authorize.ts';
import type { Rule } from '../rules/compile.ts';
import { readScopes } from '../token/scopes.ts';
import type { Step } from '../token/verify.ts';
import { describeRule } from './describe-rule.ts';
import { describeToken } from './describe-token.ts';
import { readGiven } from './given.ts';

export interface ExplainInput {
  /** A token, with `Bearer` before it or not; empty: none. */
  readonly token: string;
  /** Default: GET. */
  readonly method?: string;
  /** The target of a request. Default: `/`. */
  readonly path?: string;
}

/** A check of the gateway's, by the name of its stage. */
export type CheckName = 'path' | 'rule' | 'token' | Step | 'scopes' | 'rule_claims';

/** What a failed check has to say. Values of a token are cut and escaped. */
export interface Finding {
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;
}

export interface ExplainedCheck extends Finding {
  readonly check: CheckName;
  readonly outcome: 'passed' | 'failed' | 'not reached';
  readonly reason?: Reason;
}

export interface Explanation {
  /** Whether the upstream would get the request as an allowed one. */
  readonly allowed: boolean;
  /** `report`: refused, and forwarded without identity all the same. */
  readonly decision: 'allow' | 'deny' | 'report';
  readonly reason: Reason | 'ok';
  /** Of the gateway's own answer; 200 where the upstream answers. */
  readonly status: number;
  readonly method: string;
  readonly path: string;
  /** The rule that decides; null: none does. */
  readonly rule: { readonly name: string; readonly auth: Rule['auth']; readonly upstream: string } | null;
  /** The configured issuer of the token. */
  readonly issuer: string | null;
  readonly steps: readonly ExplainedCheck[];
}

const order: readonly CheckName[] = [
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
];

interface Verdict {
  readonly at: CheckName | null;
  readonly reason: Reason | null;
  readonly finding?: Finding;
  readonly rule?: Rule;
  readonly issuer?: string | null;
  /** The last check that was asked, where none refused. */
  readonly last?: CheckName;
}

type Parts = { readonly policy: Policy; readonly clock: Clock };

/**
 * Says what the gateway would make of a request, and why, by asking the very stages of the policy in force, of which
 * none learns that it was asked: nothing is fetched, kept or counted. What depends on other requests (the failure limit)
 * and on how a token is carried is left out.
 */
export async function explain(input: ExplainInput, parts: Parts): Promise<Explanation> {
  const { method = 'GET', path = '/' } = input;
  const verdict = await judge({ ...input, method, path }, parts);
  const { reason, rule, issuer = null } = verdict;
  const report = reason !== null && isReported(reason, rule, parts.policy);
  return {
    allowed: reason === null,
    decision: reason === null ? 'allow' : report ? 'report' : 'deny',
    reason: reason ?? 'ok',
    status: reason === null || report ? 200 : reasons[reason].status,
    method,
    path,
    rule: rule ? { name: rule.label, auth: rule.auth, upstream: rule.upstream ?? 'default' } : null,
    issuer,
    steps: steps(verdict),
  };
}

function isReported(reason: Reason, rule: Rule | undefined, policy: Policy): boolean {
  const { about } = reasons[reason];
  return (about === 'token' || about === 'rule') && (rule?.mode ?? policy.mode) === 'report';
}

async function judge(input: Required<ExplainInput>, parts: Parts): Promise<Verdict> {
  const { policy } = parts;
  const { method } = input;
  const target = policy.canonical(input.path);
  if (isRefusal(target)) return fail('path', target.refused, describeRule.path(target.refused));
  const match = policy.rules.match(method, target.match);
  const rule = match?.rule ?? policy.fallback;
  if (rule === null) return fail('rule', 'path_not_found', describeRule.unmatched(policy.config, method));
  if (rule.auth === 'none') return { at: null, reason: null, last: 'rule', rule };
  const token = readGiven(input.token);
  if (token === '') {
    if (rule.auth === 'optional') return { at: null, reason: null, last: 'token', rule };
    return { ...fail('token', 'token_missing', describeToken.missing(rule)), rule };
  }
  const inspection = await policy.verifier.inspect(token, rule.issuers, peekOf(policy));
  const { issuer } = inspection;
  if (inspection.refused !== null && inspection.at !== null) {
    const finding = describeToken.refused(token, inspection, rule, parts);
    return { ...fail(inspection.at, inspection.refused, finding), rule, issuer };
  }
  const claims = inspection.token?.claims ?? {};
  const authority = { claims, scopes: readScopes(claims) };
  const params = match?.params ?? {};
  const refusal = authorize(rule, authority, params);
  if (refusal === null) return { at: null, reason: null, rule, issuer };
  const at = refusal.refused === 'scope_insufficient' ? 'scopes' : 'rule_claims';
  return {
    ...fail(at, refusal.refused, describeRule.denied(refusal, rule, authority, params, policy.config)),
    rule,
    issuer,
  };
}

function fail(at: CheckName, reason: Reason, finding: Finding): Verdict {
  return { at, reason, finding };
}

function peekOf({ keySets, config }: Policy): Parameters<Policy['verifier']['inspect']>[2] {
  return (issuer, algorithm, kid) => {
    const set = keySets[config.issuers.findIndex((each) => each.issuer === issuer)];
    return set?.peek(algorithm, kid) ?? { refused: 'keys_unavailable' };
  };
}

function steps({ at, reason, finding, last }: Verdict): ExplainedCheck[] {
  const end = at ?? last ?? null;
  const reached = end === null ? order.length : order.indexOf(end);
  return order.map((check, index) => {
    if (index < reached || (index === reached && at === null)) return { check, outcome: 'passed' };
    if (index > reached || reason === null) return { check, outcome: 'not reached' };
    return { check, outcome: 'failed', reason, ...finding };
  });
}
