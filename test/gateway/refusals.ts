/** Section 3 of the contract, written down a second time: what the gateway answers must not follow from its own table. */

const invalidToken = { status: 401, challenge: 'Bearer realm="api", error="invalid_token"' } as const;
const silent = (status: number) => ({ status, challenge: undefined }) as const;

export const challenges = {
  token_missing: { status: 401, challenge: 'Bearer realm="api"' },
  token_ambiguous: { status: 400, challenge: 'Bearer realm="api", error="invalid_request"' },
  token_malformed: invalidToken,
  token_too_large: invalidToken,
  algorithm_not_allowed: invalidToken,
  header_not_supported: invalidToken,
  type_mismatch: invalidToken,
  issuer_unknown: invalidToken,
  key_unknown: invalidToken,
  signature_invalid: invalidToken,
  token_expired: invalidToken,
  token_not_yet_valid: invalidToken,
  token_lifetime_exceeded: invalidToken,
  audience_mismatch: invalidToken,
  claim_missing: invalidToken,
  claim_mismatch: invalidToken,
  binding_mismatch: invalidToken,
  /** Which scopes, the rule says. */
  scope_insufficient: { status: 403, challenge: 'scope' },
  rule_denied: silent(403),
  csrf_rejected: silent(403),
  client_blocked: silent(429),
  keys_unavailable: silent(503),
  path_not_found: silent(404),
  path_ambiguous: silent(400),
  request_malformed: silent(400),
  method_not_allowed: silent(405),
  body_too_large: silent(413),
} as const;

export type Refused = keyof typeof challenges;

/** Those that come with Retry-After. */
export const waits: ReadonlySet<Refused> = new Set(['client_blocked', 'keys_unavailable']);

/** Those that come with it only where something keeps the gateway from asking the issuer. */
export const mayWait: ReadonlySet<unknown> = new Set<Refused>(['key_unknown']);
