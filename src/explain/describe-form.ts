import type { Reason } from '../errors.ts';
import type { Finding } from './explain.ts';

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
  return { expected, got, hint: hintOf(text, parts) };
}

function hintOf(text: string, parts: readonly string[]): string {
  if (parts.length === 5)
    return 'this is an encrypted token (JWE); only the issuer and its recipient can read it';
  if (parts.length === 1) return 'an opaque token: only its issuer can tell what it means, by introspection';
  if (/\s/.test(text)) return 'there is white space in it: was it wrapped when it was copied?';
  if (/%[0-9a-f]{2}/i.test(text)) return 'it is percent-encoded';
  if (/[+/]/.test(text)) return 'it is in base64, not in base64url ("-" and "_" instead of "+" and "/")';
  if (text.includes('=')) return 'base64url in a JWT has no padding ("=")';
  if (parts.length === 2) return 'the signature is missing';
  if (parts.length > 3) return 'there are too many dots in it';
  if (parts[2] === '') return 'the signature is empty';
  if (text.includes('…') || text.includes('...')) return 'it was cut';
  return 'a part of it is cut, or is no JSON object';
}
