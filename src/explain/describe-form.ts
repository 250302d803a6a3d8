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
  if (refused === 'header_not_supported') return { expected, got, hint: hintOfEncrypted(parts[0] ?? '') };
  return {
    expected,
    got,
    get hint() {
      return hintOf(text, parts);
    },
  };
}

/** Five parts: RFC 7516 section 3.1. */
function hintOfEncrypted(header: string): string {
  const bytes = decodeBase64url(header);
  const alg = bytes && parseObject(bytes)?.alg;
  return alg === 'dir'
    ? 'this is an encrypted token (JWE) that only its issuer can read. Auth0 gives one to a client that asks for no audience: have the client ask with the audience of your API'
    : 'this is an encrypted token (JWE): only its recipient can read it; have the issuer sign it instead';
}

/** What people paste or clients send in place of a token. The first that fits is said. */
const mistaken: readonly { readonly found: RegExp; readonly hint: string }[] = [
  {
    found: /^(undefined|null|none|nan|true|false|\[object \w+\])$/i,
    hint: 'the client has no token and sends the name of a missing value instead',
  },
  {
    found: /^(\$\{?\w+\}?|\{\{.*\}\}|<[\w .-]+>|%\w+%)$/,
    hint: 'this is a placeholder that nobody has filled in',
  },
  {
    found: /-----BEGIN [A-Z ]*PRIVATE KEY/,
    hint: 'this is a private key, not a token: whoever has seen it can sign tokens, so replace it',
  },
  { found: /-----BEGIN /, hint: 'this is a key or a certificate in PEM, not a token' },
  { found: /^\s*\{.*"keys"\s*:/s, hint: 'this is a key set (JWKS), not a token' },
  { found: /^\s*\{.*"kty"\s*:/s, hint: 'this is a key (JWK), not a token' },
  {
    found: /^\s*\{.*"(payload|protected)"\s*:/s,
    hint: 'this is a JWS in JSON: tokens are in the compact form, three parts joined by dots',
  },
  { found: /^[[{]/, hint: 'this is JSON: give the token alone, such as its "access_token"' },
  { found: /^(<|PHNhbW|PD94bW)/, hint: 'this is XML, such as a SAML assertion: only JWTs can be verified' },
  { found: /^(access_|id_)?token[=:]/i, hint: 'the name of a parameter is before it: give the token alone' },
  { found: /\bbearer\b/i, hint: 'the word "Bearer" is a part of it: is it put before the token twice?' },
  {
    found: /^ya29\./,
    hint: "this is an access token of Google, which is opaque and for Google's own services: have the client send its ID token",
  },
  {
    found: /^(gh[opusr]_|github_pat_)/,
    hint: 'this is a token of GitHub, which is opaque: only GitHub can tell what it means',
  },
  {
    found: /^gl[a-z]*pat-/,
    hint: 'this is a token of GitLab, which is opaque: only GitLab can tell what it means',
  },
  {
    found: /^xox[a-z]-/,
    hint: 'this is a token of Slack, which is opaque: only Slack can tell what it means',
  },
  {
    found: /^Ew[A-Z][\w+/-]{100}/,
    hint: 'this is a token of a personal Microsoft account, which is opaque: ask for the scope of your own API instead',
  },
  {
    found: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    hint: 'this is a UUID, such as the id of a client or of a session, not a token',
  },
];

function hintOf(text: string, parts: readonly string[]): string {
  const mistake = mistaken.find(({ found }) => found.test(text));
  if (mistake !== undefined) return mistake.hint;
  if (/%[0-9a-f]{2}/i.test(text)) return 'it is percent-encoded';
  if (/["']/.test(text)) return 'there are quotes in it';
  if (/\s/.test(text)) return 'there is white space in it: was it wrapped when it was copied?';
  if (text.includes('…') || text.includes('...')) return 'it was cut';
  if (/[+/]/.test(text)) return 'it is in base64, not in base64url ("-" and "_" instead of "+" and "/")';
  if (text.includes('=')) return 'base64url in a JWT has no padding ("=")';
  if (parts.length === 1) {
    return text.startsWith('eyJ')
      ? 'this is one part of a JWT: was it cut at a dot?'
      : 'an opaque token: only its issuer can tell what it means, by introspection';
  }
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
