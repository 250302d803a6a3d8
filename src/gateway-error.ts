/**
 * `already_started`: a gateway starts once. `not_serving`: it has not been started, or is being closed.
 * `keys_unavailable`: with the new config an issuer would lose the keys that it has, or its file of keys is unusable.
 */
export type GatewayErrorCode = 'already_started' | 'not_serving' | 'keys_unavailable';

/** What a gateway could not do. Its message is safe for logs. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: GatewayErrorCode;

  constructor(code: GatewayErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
