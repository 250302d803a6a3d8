import type { KeyObject } from 'node:crypto';
import type { KeyStatus } from './status.ts';

/** A usable public key of one issuer. Its identity lasts as long as the issuer publishes it unchanged. */
export class PublishedKey {
  readonly kid: string | undefined;
  /** What it is, for logs and the status page. */
  readonly status: KeyStatus;
  /** The `tid` that its tokens must carry; undefined where the key is not bound to a tenant of Entra ID. */
  readonly tenant: string | undefined;
  readonly #imported: ReadonlyMap<string, KeyObject>;
  #withdrawn = false;

  /** `imported`: the key once for each algorithm that it may verify. */
  constructor(status: KeyStatus, imported: ReadonlyMap<string, KeyObject>, tenant?: string) {
    this.kid = status.kid ?? undefined;
    this.status = status;
    this.tenant = tenant;
    this.#imported = imported;
  }

  /** True from the moment that a fetched set lacks it, for ever. */
  get withdrawn(): boolean {
    return this.#withdrawn;
  }

  withdraw(): void {
    this.#withdrawn = true;
  }

  fits(algorithm: string): boolean {
    return this.#imported.has(algorithm);
  }

  /** Undefined for an algorithm that the key does not fit. */
  forAlgorithm(algorithm: string): KeyObject | undefined {
    return this.#imported.get(algorithm);
  }
}
