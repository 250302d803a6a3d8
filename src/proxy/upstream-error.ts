import type { Reason } from '../errors.ts';
import { resetCode } from './answer-start.ts';

interface Coded {
  readonly code?: unknown;
}

/** Why an upstream's failure is answered, told by undici's, llhttp's or the system's error code. */
export function upstreamReason(error: Error): Reason {
  const code = String((error as Coded).code);
  // undici has no code for some of llhttp's errors.
  if (code.startsWith('HPE_') || error.name === 'HTTPParserError') return 'upstream_protocol';
  switch (code) {
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'upstream_protocol';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
    case 'ETIMEDOUT':
      return 'upstream_timeout';
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return 'request_malformed';
    default:
      return 'upstream_unreachable';
  }
}

/**
 * What the parser refused, as a log may hold it: the code of undici or llhttp, and of llhttp's errors the reason, which
 * is a fixed text. The bytes that were refused are never said. Null: nothing is known.
 */
export function faultOf(error: Error): string | null {
  const { code } = error as Coded;
  const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : null;
  if (error.name !== 'HTTPParserError') return known;
  const reason = /\(([A-Za-z][\w ,.'`/-]{1,80})\)$/.exec(error.message)?.[1];
  if (reason === undefined) return known;
  return known === null ? reason : `${known}: ${reason}`;
}

/** True when the connection was closed, rather than something wrong said on it. */
export function isClosed(error: Error): boolean {
  const { code } = error as Coded;
  return code === 'UND_ERR_SOCKET' || code === resetCode || code === 'ECONNRESET' || code === 'EPIPE';
}
