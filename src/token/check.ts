import { hasUnsafeInteger } from '../claims/integers.ts';
import { compileMatcher, type MatcherOptions } from '../claims/match.ts';
import { type ClaimPath, type Claims, compileClaimPath, isMissing } from '../claims/path.ts';
import type { Reason } from '../errors.ts';
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

/** What is asked of a token's claims, in this order. */
export type CheckName =
  | 'claim_types'
  | 'expiry'
  | 'not_before'
  | 'lifetime'
  | 'audience'
  | 'required_claims'
  | 'issuer_claims'
  | 'purpose'
  | 'binding';

/** One question. */
export interface Check {
  readonly name: CheckName;
  /** @param now - epoch milliseconds */
  refuse(claims: Claims, now: number): Reason | undefined;
  /** The paths of the claims at fault, where it asks for several. For who explains alone. */
  blame?(claims: Claims): readonly string[];
}

/**
 * Compiles what an issuer's tokens must say, RFC 7519 section 4.1, to be asked once the signature holds; the first
 * that refuses answers.
 *
 * @param integerClaims - in which an integer that JavaScript cannot tell from its neighbors is refused
 * @throws SyntaxError for a claim path or a matcher that cannot be compiled
 */
export function compileChecks(options: IssuerOptions, integerClaims: readonly ClaimPath[]): readonly Check[] {
  const { clockTolerance, maxLifetime } = options;
  return [
    {
      name: 'claim_types',
      refuse: (claims) => (isMalformed(claims, integerClaims) ? 'token_malformed' : undefined),
      blame: (claims) => malformedClaims(claims, integerClaims),
    },
    {
      name: 'expiry',
      refuse: ({ exp }, now) => (now >= expiresAt(exp, clockTolerance) ? 'token_expired' : undefined),
    },
    {
      name: 'not_before',
      refuse: ({ nbf }, now) => (now < notBefore(nbf, clockTolerance) ? 'token_not_yet_valid' : undefined),
    },
    {
      name: 'lifetime',
      refuse: (claims) => (isTooLong(claims, maxLifetime) ? 'token_lifetime_exceeded' : undefined),
    },
    { name: 'audience', refuse: compileAudience(options) },
    compileRequired(options),
    ...Object.entries(options.claims).map(([path, matcher]) => compileMatch(path, matcher)),
    { name: 'purpose', refuse: (claims) => (isSecurityEvent(claims) ? 'type_mismatch' : undefined) },
    { name: 'binding', refuse: ({ cnf }) => (isMissing(cnf) ? undefined : 'binding_mismatch') },
  ];
}

/** The times between which claims that pass the checks are valid. */
export function readValidity({ exp, nbf }: Claims, tolerance: number): Validity {
  return { notBefore: notBefore(nbf, tolerance), expiresAt: expiresAt(exp, tolerance) };
}

interface ClaimType {
  readonly name: string;
  accepts(value: unknown): boolean;
}

const claimTypes: readonly ClaimType[] = [
  ...['exp', 'nbf', 'iat'].map((name) => ({ name, accepts: isDateOrMissing })),
  ...['iss', 'sub', 'jti', 'client_id'].map((name) => ({ name, accepts: isStringOrMissing })),
  { name: 'aud', accepts: isAudienceOrMissing },
];

function isMalformed(claims: Claims, integerClaims: readonly ClaimPath[]): boolean {
  return (
    claimTypes.some(({ name, accepts }) => !accepts(claims[name])) ||
    integerClaims.some((path) => hasUnsafeInteger(path.read(claims)))
  );
}

function malformedClaims(claims: Claims, integerClaims: readonly ClaimPath[]): readonly string[] {
  const mistyped = claimTypes.filter(({ name, accepts }) => !accepts(claims[name])).map(({ name }) => name);
  const unsafe = integerClaims.filter((path) => hasUnsafeInteger(path.read(claims))).map(({ text }) => text);
  return [...new Set([...mistyped, ...unsafe])];
}

function isStringOrMissing(value: unknown): boolean {
  return isMissing(value) || typeof value === 'string';
}

function isAudienceOrMissing(value: unknown): boolean {
  return (
    isStringOrMissing(value) || (Array.isArray(value) && value.every((member) => typeof member === 'string'))
  );
}

/** NumericDate, RFC 7519 section 2: fractions are allowed. `1e1000000` parses to infinity. */
function isDateOrMissing(value: unknown): boolean {
  return isMissing(value) || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}

/** The types hold by now, so what is no number is missing. */
function notBefore(nbf: unknown, tolerance: number): number {
  return typeof nbf === 'number' ? Math.max(0, nbf * 1000 - tolerance) : 0;
}

function expiresAt(exp: unknown, tolerance: number): number {
  return typeof exp === 'number' ? exp * 1000 + tolerance : Number.POSITIVE_INFINITY;
}

function isTooLong({ exp, iat }: Claims, maxLifetime: number | null): boolean {
  if (maxLifetime === null || typeof exp !== 'number' || typeof iat !== 'number') return false;
  return (exp - iat) * 1000 > maxLifetime;
}

function compileAudience({ audience }: IssuerOptions): Check['refuse'] {
  if (audience === null) return () => undefined;
  const accepted: ReadonlySet<unknown> = new Set(audience);
  return ({ aud }) => {
    const named = Array.isArray(aud) ? aud : [aud];
    return named.some((member) => accepted.has(member)) ? undefined : 'audience_mismatch';
  };
}

/** The paths of the claims that a token of an issuer must carry. */
export function requiredClaims({ requiredClaims, tokenType, maxLifetime }: IssuerOptions): readonly string[] {
  const named = tokenType === 'at+jwt' ? accessTokenClaims : maxLifetime === null ? ['exp'] : ['exp', 'iat'];
  return [...named, ...requiredClaims];
}

function compileRequired(options: IssuerOptions): Check {
  const paths = requiredClaims(options).map(compileClaimPath);
  return {
    name: 'required_claims',
    refuse: (claims) => (paths.some((path) => path.read(claims) === undefined) ? 'claim_missing' : undefined),
    blame: (claims) => paths.filter((path) => path.read(claims) === undefined).map(({ text }) => text),
  };
}

function compileMatch(text: string, options: MatcherOptions): Check {
  const path = compileClaimPath(text);
  const matches = compileMatcher(options);
  return {
    name: 'issuer_claims',
    refuse(claims) {
      const value = path.read(claims);
      if (matches(value, {})) return undefined;
      return value === undefined ? 'claim_missing' : 'claim_mismatch';
    },
    blame: () => [text],
  };
}

/**
 * A logout token or another security event, RFC 8417 section 2.2, which an issuer signs with the same key and
 * need not give a `typ` of its own.
 */
function isSecurityEvent({ events }: Claims): boolean {
  return typeof events === 'object' && events !== null && !Array.isArray(events);
}
