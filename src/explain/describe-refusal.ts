import type { Params } from '../claims/match.ts';
import type { Config } from '../config/schema.ts';
import { isRefusal, type Reason } from '../errors.ts';
import { printable } from '../observe/mask.ts';
import { type Authority, findLack } from '../rules/authorize.ts';
import type { Rule } from '../rules/compile.ts';
import { readToken } from '../token/read.ts';
import type { Inspection } from '../token/verify.ts';
import { describeAnyOf } from './describe-any-of.ts';
import { describePath } from './describe-path.ts';
import { describeClaims, describeScopes, describeUnmatched } from './describe-rule.ts';
import { describeToken } from './describe-token.ts';
import type { Parts } from './explain.ts';
import { compilePeek } from './peek.ts';
import type { CheckName, Finding } from './steps.ts';
import { list, show, span } from './value.ts';
import { withhold, withholdClaim } from './withhold.ts';

/** A request that the policy has refused, as far as its stages went. */
export interface RefusedRequest {
  readonly reason: Reason;
  readonly method: string;
  /** The target as it came. */
  readonly url: string;
  /** By which rules match the path; null: it has no one reading. */
  readonly path: string | null;
  /** Null: none decides. */
  readonly rule: Rule | null;
  readonly params: Params;
  /** As it came, unverified; null: there is none, or more than one. */
  readonly token: string | null;
  /** What a verified token grants; null: none was verified. */
  readonly authority: Authority | null;
  readonly secFetchSite: string | undefined;
  readonly origin: string | undefined;
  /** Seconds for which the failure limit still blocks the client. */
  readonly blockedFor: number;
}

/** What the check that refused a request has to say. */
export interface RefusalFinding extends Finding {
  /** Left out where the checks would decide otherwise by now: a key has come, a time has. */
  readonly step?: CheckName | 'origin' | 'failure_limit';
}

/**
 * Says for a log why a request was refused. Of a token it says form, key, type, dates, scopes, whom it is from and for;
 * of all other claims the names alone. Nothing is fetched, kept or counted.
 */
export async function describeRefusal(refused: RefusedRequest, parts: Parts): Promise<RefusalFinding> {
  const { step, ...finding } = await describe(refused, parts);
  const said = Object.entries(finding).filter((each): each is [string, string] => each[1] !== undefined);
  return {
    ...(step !== undefined && { step }),
    ...Object.fromEntries(said.map(([name, text]) => [name, safe(text)])),
  };
}

const longest = 500;
/** A claim may hold a token as well, its own never. */
const tokens = /[\w.-]*eyJ[\w.-]*/g;

function safe(text: string): string {
  return printable(text, longest).replace(tokens, '[masked]');
}

async function describe(refused: RefusedRequest, parts: Parts): Promise<RefusalFinding> {
  const { policy } = parts;
  const { reason, rule, authority, token } = refused;
  switch (reason) {
    case 'path_ambiguous':
      return { step: 'path', ...describePath(refused.url, reason) };
    case 'path_not_found':
      return { step: 'rule', ...describeUnmatched(policy, refused.method, refused.path ?? '') };
    case 'token_ambiguous':
      return { step: 'token', ...ambiguous };
    case 'csrf_rejected':
      return { step: 'origin', ...describeOrigin(refused, parts) };
    case 'client_blocked':
      return { step: 'failure_limit', ...describeBlock(refused, parts) };
  }
  if (rule === null) return {};
  if (reason === 'token_missing') return { step: 'token', ...describeToken.missing(rule, policy.config) };
  if (token === null) return {};
  if ((reason === 'scope_insufficient' || reason === 'rule_denied') && authority !== null) {
    return describeRule(rule, wholly(authority, token), refused, parts);
  }
  return describeVerification(token, reason, rule, parts);
}

const ambiguous: Finding = {
  expected: 'one token',
  got: 'tokens in two places, or one place twice',
  hint: 'two equal ones are two: does a proxy add what the client sends already?',
};

function describeOrigin({ secFetchSite, origin }: RefusedRequest, { policy }: Parts): Finding {
  const { allowedOrigins } = policy.config.token;
  const others = allowedOrigins.length === 0 ? '' : `, or an Origin of ${list(allowedOrigins)}`;
  return {
    expected: `Sec-Fetch-Site same-origin or none, or without it the own Origin${others}`,
    got: `Sec-Fetch-Site ${show(secFetchSite)}, Origin ${show(origin)}`,
    hint: 'browsers send cookies for any site that asks; token.allowedOrigins lets other origins in',
  };
}

function describeBlock({ blockedFor }: RefusedRequest, { policy }: Parts): Finding {
  const limit = policy.config.failureLimit;
  return {
    ...(limit && { expected: `fewer than ${limit.max} forged tokens within ${span(limit.window)}` }),
    got: `a block that lasts ${blockedFor} s more`,
    hint: 'this token was not looked at; those that were verified before still pass',
  };
}

/** With all claims of its token: a verdict keeps those alone that rules match, and the fault may be told by another. */
function wholly(authority: Authority, text: string): Authority {
  const token = readToken(text, text.length);
  return isRefusal(token) ? authority : { ...authority, claims: token.claims };
}

/** Which of the rule's demands a verified token does not meet. */
function describeRule(
  rule: Rule,
  token: Authority,
  { params }: RefusedRequest,
  { policy: { config } }: Parts,
): RefusalFinding {
  switch (findLack(rule, token, params)) {
    case 'scopes':
      return { step: 'scopes', ...describeScopes(rule, token) };
    case 'claims':
      return { step: 'rule_claims', ...describeDenied(rule, token, params, config) };
    default:
      return { step: 'any_of', ...describeAnyOf({ rule, token, params, config, withheld: true }) };
  }
}

function describeDenied(rule: Rule, { claims }: Authority, params: Params, config: Config): Finding {
  const denied = rule.claims.find(({ claim, matches }) => !matches(claim.read(claims), params));
  const finding = describeClaims(rule, claims, params, config);
  return withholdClaim(denied?.claim.text ?? '', "the rule's", finding, claims);
}

/** Asks the verifier once more, with the keys at hand. */
async function describeVerification(
  text: string,
  reason: Reason,
  rule: Rule,
  parts: Parts,
): Promise<RefusalFinding> {
  const { policy } = parts;
  const seen = decideAs(reason, await policy.verifier.inspect(text, rule.issuers, compilePeek(policy)));
  if (seen.refused !== reason || seen.at === null) {
    return { hint: 'by now the checks would decide otherwise: its key has come, or its time' };
  }
  const finding = describeToken.refused(text, seen, rule, parts);
  return { step: seen.at, ...withhold(seen.at, finding, seen.blamed, seen.token?.claims ?? {}) };
}

/** Where the fetch for an unknown key failed, nobody knows; the keys at hand alone would say that there is none. */
function decideAs(reason: Reason, seen: Inspection): Inspection {
  const asked = reason === 'keys_unavailable' && seen.refused === 'key_unknown';
  return asked ? { ...seen, refused: reason } : seen;
}
