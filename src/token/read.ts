import type { Refusal } from '../errors.ts';
import { decodeBase64url } from './base64url.ts';
import { type JsonObject, parseObject } from './json.ts';

/** A token taken apart. Nothing in it is to be believed yet. */
export interface UnverifiedToken {
  readonly text: string;
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** The second part as it came, base64url. */
  readonly payload: string;
  /** What is signed: the first two parts as they came, RFC 7515 section 5.2. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
  /** `iss`; undefined where it is missing, null or empty. */
  readonly issuer: string | undefined;
  /** The header's `kid`. */
  readonly kid: string | undefined;
}

const tooLarge: Refusal = { refused: 'token_too_large' };
const notSupported: Refusal = { refused: 'header_not_supported' };
const malformed: Refusal = { refused: 'token_malformed' };

/**
 * Takes a JWS in compact serialization apart, RFC 7515 section 7.1. The cheap looks come first: nothing is
 * decoded of a token that is too large or has not three parts.
 *
 * @param maxSize - in bytes
 * @returns refusals: `token_too_large`, `header_not_supported` for the five parts of a JWE, `token_malformed`
 */
export function readToken(token: string, maxSize: number): UnverifiedToken | Refusal {
  if (token.length > maxSize) return tooLarge;
  const parts = countParts(token);
  if (parts === 5 && /^[\w.-]+$/.test(token)) return notSupported;
  if (parts !== 3) return malformed;
  // As UTF-8, so that a letter beyond ASCII becomes none of the alphabet.
  const bytes = Buffer.from(token, 'utf8');
  // A copy of its own: a slice would keep the whole Cookie line alive for as long as the verdict is cached.
  const text = bytes.toString('latin1');
  const first = text.indexOf('.');
  const last = text.lastIndexOf('.');
  const payload = text.slice(first + 1, last);
  const header = readPart(text.slice(0, first));
  const claims = readPart(payload);
  const signature = decodeBase64url(text.slice(last + 1));
  if (header === undefined || claims === undefined || signature === undefined) return malformed;
  const { kid } = header;
  if (kid !== undefined && typeof kid !== 'string') return malformed;
  const issuer = claims.iss ?? '';
  if (typeof issuer !== 'string') return malformed;
  return {
    text,
    header,
    claims,
    payload,
    signingInput: bytes.subarray(0, last),
    signature,
    issuer: issuer === '' ? undefined : issuer,
    kid,
  };
}

/** 1 to 5, or 6 for any more: it never looks further than the fifth dot. */
function countParts(token: string): number {
  let parts = 1;
  for (let dot = token.indexOf('.'); dot !== -1 && parts < 6; dot = token.indexOf('.', dot + 1)) parts++;
  return parts;
}

function readPart(part: string): JsonObject | undefined {
  const bytes = decodeBase64url(part);
  return bytes === undefined ? undefined : parseObject(bytes);
}
