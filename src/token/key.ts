import type { KeyObject } from 'node:crypto';
import type { Refusal } from '../errors.ts';

/** One public key that an issuer publishes, as long as it publishes it. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** True from the moment a refresh no longer had the key: nothing that rests on it is served any more. */
  readonly withdrawn: boolean;
  /** The `tid` that a token of this key must carry, where the issuer binds the key to a tenant (Entra ID). */
  readonly tenant?: string | undefined;
  /** The public key, where it is for that JWS algorithm (RFC 7518 section 3.1). */
  forAlgorithm(algorithm: string): KeyObject | undefined;
}

/** The keys of one issuer, never of two. */
export interface KeyFinder {
  /**
   * Keys at hand that fit answer at once; a promise only where a fetch must be awaited.
   * Refusals: `key_unknown`, with `uncounted` and `retryAfter` where the cooldown forbids the fetch;
   * `keys_unavailable` with `retryAfter`.
   */
  find(
    algorithm: string,
    kid: string | undefined,
  ): readonly VerificationKey[] | Refusal | Promise<readonly VerificationKey[] | Refusal>;
  /**
   * False when the keys were never fetched or are older than `maxStale`: then nothing of this issuer is
   * served, cached verdicts neither.
   */
  usable(): boolean;
}
