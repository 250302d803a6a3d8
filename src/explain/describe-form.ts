import type { Reason } from '../errors.ts';
import { decodeBase64url } from '../token/base64url.ts';
import { parseObject } from '../token/json.ts';
import type { Finding } from './steps.ts';

const expected = 'a JWT: three parts of base64url, joined by dots, the first two JSON objects';

/** Why a text is no token at all. Nothing of it is shown. */
export function describeForm(text: string, refused: Reason | null, maxSize: number): Finding {
  if (refused === 'token_too_large') {
    return {
      expected: `at most ${maxSize} bytes`,
      got: `${Buffer.byteLength(text)} bytes`,
      hint: 'token.maxSize sets the limit',
    };
  }
  const parts = text.split('.');
  const got = `${parts.length} ${parts.length === 1 ? 'part' : 'parts'}, ${text.length} characters`;
  if (refused === 'header_not_supported') {
    return {
      expected,
      got,
      hint: 'this is an encrypted token (JWE): only its recipient can read it; have the issuer sign it instead',
    };
  }
  return {
    expected,
    got,
    get hint() {
      return hintOf(text, parts);
    },
  };
}

function hintOf(text: string, parts: readonly string[]): string {
  if (/^[[{]/.test(text)) return 'this is JSON: give the token alone, such as its "access_token"';
  if (/%[0-9a-f]{2}/i.test(text)) return 'it is percent-encoded';
  if (/["']/.test(text)) return 'there are quotes in it';
  if (/\s/.test(text)) return 'there is white space in it: was it wrapped when it was copied?';
  if (text.includes('…') || text.includes('...')) return 'it was cut';
  if (/[+/]/.test(text)) return 'it is in base64, not in base64url ("-" and "_" instead of "+" and "/")';
  if (text.includes('=')) return 'base64url in a JWT has no padding ("=")';
  if (parts.length === 1) return 'an opaque token: only its issuer can tell what it means, by introspection';
  if (parts.length === 2) return 'the signature is missing: was it cut?';
  if (parts.length > 3) return 'there are too many dots in it';
  return hintOfParts(parts);
}

function hintOfParts([header = '', payload = '', signature = '']: readonly string[]): string {
  const fault = hintOfPart('header', header) ?? hintOfPart('payload', payload);
  if (fault !== null) return fault;
  if (decodeBase64url(signature) === undefined)
    return 'the signature is no base64url: was it cut, or altered?';
  return 'kid and iss must be strings';
}

/** Null where the part is a JSON object that can be read in one way alone. */
function hintOfPart(name: string, part: string): string | null {
  const bytes = decodeBase64url(part);
  if (bytes === undefined) return `the ${name} is no base64url: was it cut, or altered?`;
  if (parseObject(bytes) !== undefined) return null;
  return isJson(bytes)
    ? `the ${name} is no JSON object, or one that two readers could read differently: a member twice, "__proto__", 32 levels`
    : `the ${name} is no JSON in UTF-8: was it cut, or altered?`;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
