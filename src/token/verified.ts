import type { Claims } from '../claims/path.ts';

/** What a token says, once its signature and its issuer's checks hold. */
export interface VerifiedClaims {
  readonly issuer: string;
  readonly claims: Claims;
  /** The token's second part as it came, base64url. */
  readonly payload: string;
  /** `scope`, or `scp` where scope is missing. */
  readonly scopes: ReadonlySet<string>;
  readonly kid: string | undefined;
  /** First 8 hex digits of the token's SHA-256, for the log. */
  readonly fingerprint: string;
}

/** A verified token with what was prepared from it, and when it may be served. */
export interface VerifiedToken<P> extends Omit<VerifiedClaims, 'payload'> {
  /** Those of `VerifierOptions.kept` alone. */
  readonly claims: Claims;
  readonly prepared: P;
  /** Epoch milliseconds from which it is valid, clock tolerance taken off; 0 without `nbf`. */
  readonly notBefore: number;
  /** Epoch milliseconds from which it is expired, clock tolerance added. */
  readonly expiresAt: number;
}
