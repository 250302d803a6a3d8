import type { MatcherOptions } from '../claims/match.ts';

/** What one issuer's tokens must be like. */
export interface IssuerOptions {
  /** Compared exactly with the token's `iss`, RFC 7519 section 4.1.1. */
  readonly issuer: string;
  /** One of them must be in `aud`, RFC 7519 section 4.1.3; null: not checked. */
  readonly audience: readonly string[] | null;
  /** JWS algorithms, RFC 7518 section 3.1; never `none` or HS*. */
  readonly algorithms: readonly string[];
  /** `any`, or `at+jwt` for RFC 9068 with its required claims. */
  readonly tokenType: string;
  /** Milliseconds allowed between the issuer's clock and ours. */
  readonly clockTolerance: number;
  /** Milliseconds that `exp` may be after `iat`; null: not checked. */
  readonly maxLifetime: number | null;
  /** Claim paths, besides `exp`, which always is required. */
  readonly requiredClaims: readonly string[];
  /** Matchers by claim path, for every token of this issuer. */
  readonly claims: Readonly<Record<string, MatcherOptions>>;
}
