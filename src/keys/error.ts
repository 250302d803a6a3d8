import type { Reported } from './status.ts';

/** Why an attempt to get an issuer's keys failed. */
export type FetchErrorCode =
  // the exchange
  | 'timeout'
  | 'network'
  | 'tls'
  | 'status'
  | 'redirect'
  | 'insecure'
  | 'too_large'
  | 'content_coding'
  | 'not_json'
  | 'file_unreadable'
  | 'file_unwritable'
  | 'cache_invalid'
  // the issuer's metadata
  | 'metadata_invalid'
  | 'issuer_mismatch'
  | 'address_not_allowed'
  // the key set
  | 'not_key_set'
  | 'too_many_keys'
  | 'no_usable_key';

/** Its message is safe for logs: it quotes no body, no query and no credentials. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly code: FetchErrorCode;

  constructor(code: FetchErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The code of a system error; its message could quote what must not be logged. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : 'no code';
}

/** An error as logs and the status page show it. One of unknown make is named, never quoted. */
export function report(error: unknown): Reported {
  if (error instanceof FetchError) return { code: error.code, message: error.message };
  return { code: 'internal', message: `unexpected ${error instanceof Error ? error.name : typeof error}` };
}
