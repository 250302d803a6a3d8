import type { Reason } from '../errors.ts';

/** A request that an upstream has failed. */
export interface UpstreamError {
  readonly reason: Reason;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * What requests have met at one upstream, for the status page. Nothing is asked of an upstream for this: one that no
 * request goes to is not known to be well.
 */
export class Condition {
  /** When the last request that it answered had ended; epoch milliseconds. */
  lastAnswer: number | null = null;
  lastError: UpstreamError | null = null;
  /** Requests that it has failed since it last answered one. */
  failedInRow = 0;
  readonly #errors = new Map<Reason, number>();

  answered(at: number): void {
    this.lastAnswer = at;
    this.failedInRow = 0;
  }

  failed(reason: Reason, at: number): void {
    this.lastError = { reason, at };
    this.failedInRow++;
    this.#errors.set(reason, (this.#errors.get(reason) ?? 0) + 1);
  }

  /** Requests that it has failed, by reason. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors);
  }
}
