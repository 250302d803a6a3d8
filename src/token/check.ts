import { hasUnsafeInteger } from '../claims/integers.ts';
import { compileMatcher } from '../claims/match.ts';
import { type ClaimPath, type Claims, compileClaimPath, isMissing } from '../claims/path.ts';
import type { Reason, Refusal } from '../errors.ts';
import type { IssuerOptions } from './issuer.ts';

/** When a token may be served, in epoch milliseconds, the clock tolerance taken off and added. */
export interface Validity {
  /** 0 without `nbf`. */
  readonly notBefore: number;
  /** From then on it is expired. */
  readonly expiresAt: number;
}

/** RFC 9068 section 2.2: what an access token must have. */
const accessTokenClaims = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'];

type Check = (claims: Claims) => Reason | undefined;

/**
 * Compiles what an issuer's tokens must say, RFC 7519 section 4.1, to be asked once the signature holds. The
 * first failure answers, in this order: claims of a wrong type, times, audience, missing claims, matchers, kind
 * of token, binding to a key.
 *
 * @param integerClaims - in which an integer that JavaScript cannot tell from its neighbors is refused
 * @throws SyntaxError for a claim path or a matcher that cannot be compiled
 */
export function compileCheck(
  options: IssuerOptions,
  integerClaims: readonly ClaimPath[],
): (claims: Claims, now: number) => Validity | Refusal {
  const checks: readonly Check[] = [
    compileAudience(options),
    compileRequired(options),
    ...Object.entries(options.claims).map(([path, matcher]) => compileMatch(path, compileMatcher(matcher))),
    (claims) => (isSecurityEvent(claims) ? 'type_mismatch' : undefined),
    (claims) => (isMissing(claims.cnf) ? undefined : 'binding_mismatch'),
  ];
  return (claims, now) => {
    if (isMalformed(claims, integerClaims)) return { refused: 'token_malformed' };
    const validity = readValidity(claims, options.clockTolerance);
    const untimely = checkTimes(claims, validity, options.maxLifetime, now);
    if (untimely !== undefined) return { refused: untimely };
    for (const check of checks) {
      const refused = check(claims);
      if (refused !== undefined) return { refused };
    }
    return validity;
  };
}

function isMalformed(claims: Claims, integerClaims: readonly ClaimPath[]): boolean {
  const { exp, nbf, iat, iss, sub, jti, client_id, aud } = claims;
  return (
    ![exp, nbf, iat].every(isDateOrMissing) ||
    ![iss, sub, jti, client_id].every(isStringOrMissing) ||
    !(isStringOrMissing(aud) || (Array.isArray(aud) && aud.every((member) => typeof member === 'string'))) ||
    integerClaims.some((path) => hasUnsafeInteger(path.read(claims)))
  );
}

function isStringOrMissing(value: unknown): boolean {
  return isMissing(value) || typeof value === 'string';
}

/** NumericDate, RFC 7519 section 2: fractions are allowed. `1e1000000` parses to infinity. */
function isDateOrMissing(value: unknown): boolean {
  return isMissing(value) || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}

/** The types hold by now, so what is no number is missing. */
function readValidity({ exp, nbf }: Claims, tolerance: number): Validity {
  return {
    notBefore: typeof nbf === 'number' ? Math.max(0, nbf * 1000 - tolerance) : 0,
    expiresAt: typeof exp === 'number' ? exp * 1000 + tolerance : Number.POSITIVE_INFINITY,
  };
}

function checkTimes(
  { exp, iat }: Claims,
  { notBefore, expiresAt }: Validity,
  maxLifetime: number | null,
  now: number,
): Reason | undefined {
  if (now >= expiresAt) return 'token_expired';
  if (now < notBefore) return 'token_not_yet_valid';
  if (maxLifetime === null || typeof exp !== 'number' || typeof iat !== 'number') return undefined;
  return (exp - iat) * 1000 > maxLifetime ? 'token_lifetime_exceeded' : undefined;
}

function compileAudience({ audience }: IssuerOptions): Check {
  if (audience === null) return () => undefined;
  const accepted: ReadonlySet<unknown> = new Set(audience);
  return ({ aud }) => {
    const named = Array.isArray(aud) ? aud : [aud];
    return named.some((member) => accepted.has(member)) ? undefined : 'audience_mismatch';
  };
}

function compileRequired({ requiredClaims, tokenType, maxLifetime }: IssuerOptions): Check {
  const named = tokenType === 'at+jwt' ? accessTokenClaims : maxLifetime === null ? ['exp'] : ['exp', 'iat'];
  const paths = [...named, ...requiredClaims].map(compileClaimPath);
  return (claims) => (paths.some((path) => path.read(claims) === undefined) ? 'claim_missing' : undefined);
}

function compileMatch(text: string, matches: ReturnType<typeof compileMatcher>): Check {
  const path = compileClaimPath(text);
  return (claims) => {
    const value = path.read(claims);
    if (matches(value, {})) return undefined;
    return value === undefined ? 'claim_missing' : 'claim_mismatch';
  };
}

/**
 * A logout token or another security event, RFC 8417 section 2.2, which an issuer signs with the same key and
 * need not give a `typ` of its own.
 */
function isSecurityEvent({ events }: Claims): boolean {
  return typeof events === 'object' && events !== null && !Array.isArray(events);
}
