/** How a refusal challenges the client, RFC 6750 section 3. `none`: no WWW-Authenticate at all. */
export type Challenge = 'none' | 'bare' | 'invalid_request' | 'invalid_token' | 'insufficient_scope';

/**
 * What a reason is about; it decides what report mode may let pass.
 * `request`: target, framing, size, speed; `token` and `rule`: what the policy refuses;
 * `upstream`: what the upstream did; `gateway`: what this process cannot do now.
 */
export type Subject = 'request' | 'token' | 'rule' | 'upstream' | 'gateway';

export interface ReasonText {
  /** HTTP status of the answer. */
  readonly status: number;
  readonly about: Subject;
  readonly challenge: Challenge;
  /** Whether the failure limit counts it: what only a forged or broken token causes. */
  readonly counted: boolean;
  /** RFC 9457 `title`. */
  readonly title: string;
  /** RFC 9457 `detail`: one plain sentence, never any part of a token, an address or a claim. */
  readonly detail: string;
  /** What the page for a browser says, where the detail would tell a person nothing. */
  readonly page?: string;
}

const signIn = 'Please sign in to continue.';
const badToken = 'Your sign-in could not be verified. Please sign in again.';
const tryLater = 'Please try again in a moment.';

function request(status: number, title: string, detail: string): ReasonText {
  return { status, about: 'request', challenge: 'none', counted: false, title, detail };
}
function token(title: string, detail: string, page = badToken): ReasonText {
  return { status: 401, about: 'token', challenge: 'invalid_token', counted: false, title, detail, page };
}
function forged(title: string, detail: string): ReasonText {
  return { ...token(title, detail), counted: true };
}
function rule(status: number, title: string, detail: string, page?: string): ReasonText {
  const text = { status, about: 'rule', challenge: 'none', counted: false, title, detail } as const;
  return page === undefined ? text : { ...text, page };
}
function upstream(status: number, title: string, detail: string): ReasonText {
  return { status, about: 'upstream', challenge: 'none', counted: false, title, detail, page: tryLater };
}
function gateway(status: number, title: string, detail: string): ReasonText {
  return { status, about: 'gateway', challenge: 'none', counted: false, title, detail, page: tryLater };
}

/**
 * Every reason for which the gateway answers itself: `code` of the answer, `reason` of the log line, label of
 * the metrics. The one place where a status, a challenge or a public sentence is decided.
 */
export const reasons = {
  path_ambiguous: request(
    400,
    'Ambiguous path',
    'The path could be read in more than one way and is refused.',
  ),
  request_malformed: request(400, 'Malformed request', 'The request is not well formed.'),
  method_not_allowed: request(405, 'Method not allowed', 'This method is not served here.'),
  body_too_large: request(413, 'Body too large', 'The request body is larger than this server accepts.'),
  headers_too_large: request(
    431,
    'Headers too large',
    'The request headers are larger than this server accepts.',
  ),
  request_timeout: request(408, 'Request timeout', 'The request was not received in time.'),

  path_not_found: rule(404, 'Not found', 'Nothing is served at this path.'),
  token_missing: {
    ...token('Token missing', 'The request carries no token.', signIn),
    challenge: 'bare',
  },
  token_ambiguous: {
    ...token('Token ambiguous', 'The request carries more than one token.'),
    status: 400,
    challenge: 'invalid_request',
  },
  csrf_rejected: {
    ...token(
      'Cross-origin request rejected',
      'A token in a cookie is accepted for this request only with evidence that it comes from the same origin.',
      'This request came from another site and was refused.',
    ),
    status: 403,
    challenge: 'none',
  },
  client_blocked: {
    ...token('Client blocked', 'Too many tokens that failed verification came from this client.', tryLater),
    status: 429,
    challenge: 'none',
  },
  token_malformed: forged('Token malformed', 'The token is not a well-formed JSON Web Token.'),
  token_too_large: forged('Token too large', 'The token is larger than this server accepts.'),
  algorithm_not_allowed: forged(
    'Algorithm not allowed',
    'The token is signed with an algorithm that is not accepted.',
  ),
  header_not_supported: forged(
    'Header not supported',
    'The token uses a header or a form that is not supported.',
  ),
  type_mismatch: token('Type mismatch', 'The token is of a type that is not accepted here.'),
  issuer_unknown: forged('Issuer unknown', 'The token comes from an issuer that is not accepted here.'),
  keys_unavailable: {
    ...gateway(
      503,
      'Keys unavailable',
      "The issuer's keys cannot be fetched, so no token can be verified now.",
    ),
    about: 'token',
  },
  key_unknown: forged('Key unknown', 'The token names no key that its issuer publishes.'),
  signature_invalid: forged('Signature invalid', 'The signature of the token does not hold.'),
  token_expired: token(
    'Token expired',
    'The token has expired.',
    'Your session has expired. Please sign in again.',
  ),
  token_not_yet_valid: token('Token not yet valid', 'The token is not valid yet.'),
  token_lifetime_exceeded: token(
    'Token lifetime exceeded',
    'The token is valid for longer than this server accepts.',
  ),
  audience_mismatch: token('Audience mismatch', 'The token is meant for another audience.'),
  claim_missing: token('Claim missing', 'The token lacks a claim that is required.'),
  claim_mismatch: token('Claim mismatch', 'A claim of the token has a value that is not accepted.'),
  binding_mismatch: token(
    'Binding mismatch',
    'The token is bound to a key, and the request does not prove possession of it.',
  ),
  scope_insufficient: {
    ...rule(403, 'Scope insufficient', 'The token does not grant the scope that this request needs.'),
    challenge: 'insufficient_scope',
    page: 'You do not have access to this page.',
  },
  rule_denied: rule(
    403,
    'Denied',
    'The token does not permit this request.',
    'You do not have access to this page.',
  ),

  upstream_unreachable: upstream(
    502,
    'Upstream unreachable',
    'The service behind this gateway did not answer.',
  ),
  upstream_protocol: upstream(
    502,
    'Upstream protocol error',
    'The service behind this gateway sent an answer that cannot be passed on.',
  ),
  upstream_timeout: upstream(
    504,
    'Upstream timeout',
    'The service behind this gateway did not answer in time.',
  ),
  draining: gateway(503, 'Draining', 'This server is shutting down.'),
  overloaded: gateway(503, 'Overloaded', 'This server has too much to do at the moment.'),
  internal_error: gateway(500, 'Internal error', 'The request could not be handled.'),
} as const satisfies Record<string, ReasonText>;

/** A reason's code. */
export type Reason = keyof typeof reasons;

/** What a stage answers when it lets a request go no further. A value, not an Error: it costs no stack. */
export interface Refusal {
  readonly refused: Reason;
  /** Whole seconds for `Retry-After`. */
  readonly retryAfter?: number;
  /** Nothing here was forged, so the failure limit does not count it although it counts this reason elsewhere. */
  readonly uncounted?: true;
  /** Space-separated scopes for the challenge of `scope_insufficient`. */
  readonly scope?: string;
  /** The configured issuer that the token names, for log and metrics. */
  readonly issuer?: string;
  /** The token's key id as it came, for the log, which shortens and escapes it. */
  readonly kid?: string;
}

/** Tells a refusal from what a stage returns when all is well. */
export function isRefusal(value: object | null | undefined): value is Refusal {
  return value !== null && value !== undefined && 'refused' in value;
}
