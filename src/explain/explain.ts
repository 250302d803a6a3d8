import { METHODS } from 'node:http';
import type { Params } from '../claims/match.ts';
import type { Clock } from '../clock.ts';
import { isRefusal, type Reason, type Refusal, reasons } from '../errors.ts';
import { loggedPath } from '../observe/logged-path.ts';
import { printable } from '../observe/mask.ts';
import { checkMethod } from '../path/method.ts';
import type { Policy } from '../policy.ts';
import { type Authority, authorize, findLack } from '../rules/authorize.ts';
import type { Rule } from '../rules/compile.ts';
import { readScopes } from '../token/scopes.ts';
import type { Inspection } from '../token/verify.ts';
import { describeAnyOf } from './describe-any-of.ts';
import { describeNear, describePath } from './describe-path.ts';
import { describeClaims, describeScopes, describeUnmatched } from './describe-rule.ts';
import { describeToken } from './describe-token.ts';
import { readGiven } from './given.ts';
import { compilePeek } from './peek.ts';
import { remarkRule, remarkToken } from './remark.ts';
import { type CheckName, type ExplainedCheck, type Finding, type Findings, listChecks } from './steps.ts';

export interface ExplainInput {
  /** A token, with `Bearer` before it or not; empty: none. */
  readonly token: string;
  /** In any case. Default: GET. */
  readonly method?: string;
  /** The target of a request. Default: `/`. */
  readonly path?: string;
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
  /** In its canonical spelling where it has one, without query. */
  readonly path: string;
  /** The rule that decides; null: none does. */
  readonly rule: { readonly name: string; readonly auth: Rule['auth']; readonly upstream: string } | null;
  /** The configured issuer of the token. */
  readonly issuer: string | null;
  readonly steps: readonly ExplainedCheck[];
}

interface Verdict {
  /** The check that refused, or the last one that was asked; null: all passed. */
  readonly at: CheckName | null;
  readonly reason: Reason | null;
  readonly findings: Findings;
  readonly rule?: Rule;
  readonly issuer?: string | null;
}

interface Question {
  readonly token: string;
  readonly method: string;
  readonly path: string;
}

export interface Parts {
  readonly policy: Policy;
  readonly clock: Clock;
}

/**
 * Says what the gateway would make of a request, and why, by asking the very stages of the policy in force, of which
 * none learns that it was asked: nothing is fetched, kept or counted. What depends on other requests (the failure limit)
 * and on how a token is carried is left out.
 */
export async function explain(input: ExplainInput, parts: Parts): Promise<Explanation> {
  const { policy } = parts;
  const { path = '/' } = input;
  const question = {
    token: readGiven(input.token),
    method: (input.method ?? 'GET').toUpperCase(),
    path,
  };
  const { at, reason, findings, rule, issuer = null } = await judge(question, parts);
  const report = reason !== null && isReported(reason, rule, policy);
  return {
    allowed: reason === null,
    decision: reason === null ? 'allow' : report ? 'report' : 'deny',
    reason: reason ?? 'ok',
    status: reason === null || report ? 200 : reasons[reason].status,
    method: printable(question.method, 32),
    path: showPath(path, policy),
    rule: rule ? { name: rule.label, auth: rule.auth, upstream: rule.upstream ?? 'default' } : null,
    issuer,
    steps: listChecks(at, reason, findings, rule !== undefined && rule.anyOf.length > 0),
  };
}

function isReported(reason: Reason, rule: Rule | undefined, policy: Policy): boolean {
  const { about } = reasons[reason];
  return (about === 'token' || about === 'rule') && (rule?.mode ?? policy.mode) === 'report';
}

/** As the log has it. */
function showPath(path: string, policy: Policy): string {
  const target = policy.canonical(path);
  return loggedPath(path, isRefusal(target) ? null : target.path);
}

/** Asks the stages in the order in which a request meets them. */
async function judge(question: Question, parts: Parts): Promise<Verdict> {
  const { policy } = parts;
  const { method } = question;
  const unserved = refuseMethod(method);
  if (unserved !== null)
    return fail('method', unserved, { expected: 'a method of HTTP but TRACE and CONNECT' });
  const target = policy.canonical(question.path);
  if (isRefusal(target)) return fail('path', target, describePath(question.path, target.refused));
  const match = policy.rules.match(method, target.match);
  if (match !== null && isRefusal(match)) return fail('path', match, describeNear(match, policy));
  const rule = match?.rule ?? policy.fallback;
  if (rule === null) {
    return fail('rule', { refused: 'path_not_found' }, describeUnmatched(policy, method, target.match));
  }
  const verdict = await judgeToken(question, rule, match?.params ?? {}, parts);
  return { ...verdict, rule, findings: { rule: remarkRule(rule), ...verdict.findings } };
}

/** What is no method at all never gets past Node's parser. */
function refuseMethod(method: string): Refusal | null {
  return METHODS.includes(method) ? checkMethod(method) : { refused: 'request_malformed' };
}

async function judgeToken({ token }: Question, rule: Rule, params: Params, parts: Parts): Promise<Verdict> {
  const { policy } = parts;
  if (rule.auth === 'none') return { at: 'rule', reason: null, findings: {} };
  if (token === '') {
    if (rule.auth === 'required') {
      return fail('token', { refused: 'token_missing' }, describeToken.missing(rule, policy.config));
    }
    const remark = { got: 'none', hint: 'auth is optional: it is forwarded without identity' };
    return { at: 'token', reason: null, findings: { token: remark } };
  }
  const inspection = policy.verifier.inspect(token, rule.issuers, compilePeek(policy));
  const { issuer, at, refused } = inspection;
  const findings = remarkToken(inspection, parts);
  if (refused !== null && at !== null) {
    const failed = fail(at, { refused }, describeToken.refused(token, inspection, rule, parts));
    return { ...failed, issuer, findings: { ...findings, ...failed.findings } };
  }
  return { ...judgeAuthority(inspection, rule, params, policy, findings), issuer };
}

function judgeAuthority(
  inspection: Inspection,
  rule: Rule,
  params: Params,
  policy: Policy,
  findings: Findings,
): Verdict {
  const claims = inspection.token?.claims ?? {};
  const authority = { issuer: inspection.issuer ?? '', claims, scopes: readScopes(claims) };
  const refusal = authorize(rule, authority, params);
  if (refusal === null) return { at: null, reason: null, findings };
  const failed = failRule(refusal, rule, authority, params, policy);
  return { ...failed, findings: { ...findings, ...failed.findings } };
}

function failRule(
  refusal: Refusal,
  rule: Rule,
  token: Authority,
  params: Params,
  { config }: Policy,
): Verdict {
  switch (findLack(rule, token, params)) {
    case 'scopes':
      return fail('scopes', refusal, describeScopes(rule, token));
    case 'claims':
      return fail('rule_claims', refusal, describeClaims(rule, token.claims, params, config));
    default:
      return fail('any_of', refusal, describeAnyOf({ rule, token, params, config, withheld: false }));
  }
}

function fail(at: CheckName, { refused }: Refusal, finding: Finding): Verdict {
  return { at, reason: refused, findings: { [at]: finding } };
}
