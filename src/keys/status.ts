/** What asked for a fetch. `startup` until the first one succeeds, or `reload` where a reload brought the issuer. */
export type Trigger = 'startup' | 'refresh' | 'unknown_key' | 'reload';

/**
 * `never`: no fetch has succeeded yet; `fresh`; `stale`: the last attempt failed, or the last success is older than
 * twice the interval, and the keys still serve; `expired`: older than maxStale, so that they serve no more.
 */
export type KeySetState = 'never' | 'fresh' | 'stale' | 'expired';

/** A key that serves. */
export interface KeyStatus {
  /** As published; null where the key has none. */
  readonly kid: string | null;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string;
  readonly type: 'RSA' | 'EC' | 'OKP';
  /** The configured algorithms that it verifies. */
  readonly algorithms: readonly string[];
}

/** A published key that cannot be used. */
export interface SkippedKey {
  /** As published; null where the key has none that is a string. */
  readonly kid: string | null;
  /** A sentence of ours that quotes nothing of the key. */
  readonly why: string;
}

/** An error as logs and the status page show it. */
export interface Reported {
  readonly code: string;
  readonly message: string;
}

export interface KeySetStatus {
  readonly issuer: string;
  readonly state: KeySetState;
  readonly keys: readonly KeyStatus[];
  readonly skipped: readonly SkippedKey[];
  /** Whether the keys at hand are those of the cache file: none were fetched since the start. */
  readonly fromCacheFile: boolean;
  /** Epoch milliseconds. */
  readonly lastSuccess: number | null;
  /** Milliseconds since the last success. */
  readonly ageMs: number | null;
  /** Milliseconds until the next attempt in the background; null while one is under way and after close. */
  readonly nextRefreshMs: number | null;
  /** Of the last attempt; null when it succeeded. */
  readonly lastError: Reported | null;
}
