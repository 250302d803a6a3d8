import type { Params } from '../claims/match.ts';
import type { Config } from '../config/schema.ts';
import { isRefusal, type Reason } from '../errors.ts';
import { maskTokens, printable } from '../observe/mask.ts';
import type { Policy } from '../policy.ts';
import { type Authority, findLack } from '../rules/authorize.ts';
import type { Rule } from '../rules/compile.ts';
import { readToken } from '../token/read.ts';
import type { Inspection } from '../token/verify.ts';
import { describeAnyOf } from './describe-any-of.ts';
import { describeNear, describePath } from './describe-path.ts';
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
  /** What the verifier knows of it, where it refused it. */
  readonly inspection: Inspection | null;
  /** What a verified token grants; null: none was verified. */
  readonly authority: Authority | null;
  readonly secFetchSite: string | undefined;
  readonly origin: string | undefined;
  /** Seconds for which the failure limit still blocks the client. */
  readonly blockedFor: number;
}

/** What the check that refused a request has to say. */
export interface RefusalFinding extends Finding {
  readonly step?: CheckName | 'origin' | 'failure_limit';
}

/** What the line of a refused request has room for. */
export interface Told {
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
}

/** Of refusals that come in floods, and of which nothing is to be found out: the same each time. */
export const toldPlainly: { readonly [reason in Reason]?: Told } = {
  token_missing: { expected: 'a token', got: 'none' },
  client_blocked: { expected: 'a client that is not blocked', got: 'a block for forged tokens' },
};

/** Says in short why a request was refused: what was expected and what came, as `describeRefusal` has it. */
export function tellRefusal(refused: RefusedRequest, parts: Parts): Told {
  const { expected, got } = describe(refused, parts);
  return { expected: expected && safe(expected), got: got && safe(got) };
}

/**
 * Says for a log why a request was refused. Of a token it says form, key, type, dates, scopes, whom it is from and for,
 * as far as `withhold` lets it; of all other claims the names alone. It asks no check again: nothing is verified,
 * fetched, kept or counted.
 */
export function describeRefusal(refused: RefusedRequest, parts: Parts): RefusalFinding {
  const { step, expected, got, hint } = describe(refused, parts);
  const said = Object.entries({ expected, got, hint }).filter(
    (each): each is [string, string] => each[1] !== undefined,
  );
  return {
    ...(step !== undefined && { step }),
    ...Object.fromEntries(said.map(([name, text]) => [name, safe(text)])),
  };
}

const longest = 500;

/** A claim may hold a token as well, its own never. */
function safe(text: string): string {
  return maskTokens(printable(text, longest));
}

function describe(refused: RefusedRequest, parts: Parts): RefusalFinding {
  const { policy } = parts;
  const { reason, rule, authority, token } = refused;
  switch (reason) {
    case 'path_ambiguous':
      return at('path', describeAmbiguous(refused, policy));
    case 'path_not_found':
      return at('rule', describeUnmatched(policy, refused.method, refused.path ?? ''));
    case 'token_ambiguous':
      return at('token', ambiguous);
    case 'csrf_rejected':
      return at('origin', describeOrigin(refused, parts));
    case 'client_blocked':
      return at('failure_limit', describeBlock(refused, parts));
  }
  if (rule === null) return {};
  if (reason === 'token_missing') return at('token', describeToken.missing(rule, policy.config));
  if (token === null) return {};
  if ((reason === 'scope_insufficient' || reason === 'rule_denied') && authority !== null) {
    return describeRule(rule, authority, token, refused, parts);
  }
  return describeVerification(token, rule, refused, parts);
}

/** Leaves the hint to be asked for. */
function at(step: RefusalFinding['step'] & string, finding: Finding): RefusalFinding {
  return {
    step,
    expected: finding.expected,
    got: finding.got,
    get hint() {
      return finding.hint;
    },
  };
}

function describeAmbiguous({ url, method, path }: RefusedRequest, policy: Policy): Finding {
  const match = path === null ? null : policy.rules.match(method, path);
  return match !== null && isRefusal(match)
    ? describeNear(match, policy)
    : describePath(url, 'path_ambiguous');
}

const ambiguous: Finding = {
  expected: 'one token',
  got: 'a token twice in one source, or, with forwardToken, in two of them',
  hint: 'two equal ones are two: does a proxy add what the client sends already?',
};

/** What a browser sends; anything else may be anything that a client makes up. */
const sites: ReadonlySet<unknown> = new Set(['cross-site', 'same-site', 'same-origin', 'none']);
const origins = /^(null|[a-z][a-z0-9+.-]{0,30}:\/\/[a-z0-9._~[\]:-]{1,255})$/i;

function describeOrigin({ secFetchSite, origin }: RefusedRequest, { policy }: Parts): Finding {
  const { allowedOrigins } = policy.config.token;
  const others = allowedOrigins.length === 0 ? '' : `, or an Origin of ${list(allowedOrigins)}`;
  const site =
    secFetchSite === undefined || sites.has(secFetchSite) ? show(secFetchSite) : 'of no known value';
  const from = origin === undefined || origins.test(origin) ? show(origin) : 'that is none';
  return {
    expected: `Sec-Fetch-Site same-origin or none, or without it the own Origin${others}`,
    got: `Sec-Fetch-Site ${site}, Origin ${from}`,
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

/** With all claims of its token: a verdict keeps those alone that rules match, and a hint may be told by another. */
function wholly({ issuer, scopes, claims }: Authority, text: string): Authority {
  return {
    issuer,
    scopes,
    get claims() {
      const token = readToken(text, text.length);
      return isRefusal(token) ? claims : token.claims;
    },
  };
}

/** Which of the rule's demands a verified token does not meet. */
function describeRule(
  rule: Rule,
  authority: Authority,
  text: string,
  refused: RefusedRequest,
  parts: Parts,
): RefusalFinding {
  const { params } = refused;
  const { config } = parts.policy;
  switch (findLack(rule, authority, params)) {
    case 'scopes':
      return at('scopes', describeScopes(rule, wholly(authority, text)));
    case 'claims':
      return at('rule_claims', describeDenied(rule, authority, text, params, config));
    default:
      return at(
        'any_of',
        describeAnyOf({ rule, token: wholly(authority, text), params, config, withheld: true }),
      );
  }
}

function describeDenied(
  rule: Rule,
  authority: Authority,
  text: string,
  params: Params,
  config: Config,
): Finding {
  const { claims } = authority;
  const denied = rule.claims.find(({ claim, matches }) => !matches(claim.read(claims), params));
  const finding = {
    get hint() {
      return describeClaims(rule, wholly(authority, text).claims, params, config).hint;
    },
  };
  return withholdClaim(denied?.claim.text ?? '', "the rule's", finding, claims);
}

/** From what the verifier knew when it refused the token. A cached one of an issuer that the rule does not accept is read again. */
function describeVerification(
  text: string,
  rule: Rule,
  { inspection }: RefusedRequest,
  parts: Parts,
): RefusalFinding {
  const { policy } = parts;
  const seen = inspection ?? policy.verifier.inspect(text, rule.issuers, compilePeek(policy));
  if (seen.at === null) return {};
  return at(seen.at, withhold(seen, describeToken.refused(text, seen, rule, parts)));
}
