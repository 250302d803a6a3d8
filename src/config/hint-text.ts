import type { SchemaNode } from './fields.ts';
import { parseUrl } from './formats.ts';

/** How a text that does not have the form it must have should have been written. */
export function hintText(text: string, node: SchemaNode): string | null {
  if (text.trim() === '') return 'it is empty';
  switch (node.format) {
    case 'upstream-url':
    case 'fetch-url':
    case 'origin':
      return hintUrl(text, node.format);
    case 'claim-path':
      return hintClaimPath(text);
    case 'cidr':
      return hintNetwork(text);
    case 'scope':
      return hintScope(text);
    case 'method':
      return /^[a-z]+$/i.test(text) ? `write ${text.toUpperCase()}` : null;
    case 'cookie-name':
      return 'the name alone, without "=", ";" and blanks';
    case 'set-header-name':
    case 'strip-header-name':
    case 'token-header-name':
    case 'strip-prefix':
      return hintHeaderName(text, node.format);
    case 'header-value':
      return 'a header takes one line of Latin letters, digits and signs';
    case 'upstream-name':
      return hintUpstreamName(text);
    default:
      return null;
  }
}

type UrlFormat = 'upstream-url' | 'fetch-url' | 'origin';

/** Where a URL with a name and a password in it says them instead. */
const insteadOfCredentials: Readonly<Record<UrlFormat, string>> = {
  'upstream-url':
    'to send a password, set Authorization under setHeaders, such as ${file:/run/secrets/basic}',
  'fetch-url': 'to send a token with the fetch, set keys.bearerTokenFile',
  origin: 'an origin has neither',
};

function hintUrl(text: string, format: UrlFormat): string | null {
  if (hasCredentials(text)) return insteadOfCredentials[format];
  const url = parseUrl(text);
  if (
    /^[\w.-]+:\d+(\/|$)|^\[[\da-f:.]+\](:\d+)?$/i.test(text) ||
    (url === null && /^[\w-]+(\.[\w-]+)+(\/|$)/.test(text))
  ) {
    const scheme = format === 'upstream-url' ? 'http' : 'https';
    return text.includes('?') ? `put ${scheme}:// before it` : `write ${scheme}://${text}`;
  }
  if (/^wss?:/i.test(text)) return 'write http:// or https://; WebSockets are forwarded over it';
  if (/^(unix:|\/)/i.test(text)) return 'sockets of the file system are not supported';
  if (/^(h2c?|grpcs?):/i.test(text)) return 'HTTP/2 to upstreams is not supported';
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    return `such as ${format === 'upstream-url' ? 'http://127.0.0.1:3000' : 'https://a.example.com'}, with its scheme`;
  }
  if (format === 'origin') return `write ${url.origin}`;
  return /[?#]/.test(text) ? 'leave out what follows "?" or "#"' : null;
}

/** Whether a URL holds a user or a password, RFC 3986 section 3.2.1. */
export function hasCredentials(text: string): boolean {
  const url = parseUrl(text);
  if (url !== null && (url.username !== '' || url.password !== '')) return true;
  return /^[a-z][a-z\d+.-]*:\/\/[^/?#]*@/i.test(text);
}

function hintClaimPath(text: string): string {
  if (/^\$\.?/.test(text)) return `leave out the "$": ${text.replace(/^\$\.?/, '')}`;
  if (text.includes('://'))
    return `a name that holds dots is written ${JSON.stringify([text])}, all of it in single quotes`;
  if (/\[\d+\]/.test(text))
    return 'a place in a list cannot be named; the matcher "contains" looks through a list';
  return 'such as sub, realm_access.roles, or ["a.b"] for a name that holds dots';
}

function hintNetwork(text: string): string {
  if (text === '*') return 'list the networks of your proxies; to believe everybody is to believe nobody';
  if (/[a-z]{2}/i.test(text) && !text.includes(':')) return 'names are not looked up: write the addresses';
  return 'such as 10.0.0.0/8, 192.0.2.7 or fd00::/8';
}

function hintScope(text: string): string | null {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return words.length > 1 && words.every((word) => /^[\w./:+-]+$/.test(word))
    ? `each scope is an entry of its own: write [${words.map((word) => (/^[\w./+-]+$/.test(word) ? word : JSON.stringify(word))).join(', ')}]`
    : 'a scope holds no blanks, no quotes and no backslash';
}

function hintHeaderName(text: string, format: string): string | null {
  const name = text.trim().replace(/:$/, '').trim();
  const dashed = name.replace(/\s+/g, '-');
  if (/^[!#$%&'*+.^_`|~\w-]+$/.test(dashed) && dashed !== text) return `write ${dashed}`;
  if (format === 'token-header-name' && /^cookie$/i.test(text)) return 'write { type: cookie, name: … }';
  return /^[\w-]+$/.test(text) ? 'this header belongs to the connection, not to the request' : null;
}

function hintUpstreamName(text: string): string {
  if (text === 'default')
    return '"default" is what rules without an upstream use: configure that under "upstream"';
  if (text.includes('://'))
    return 'write a name of your choice before the URL, such as billing: http://127.0.0.1:3001';
  return 'such as billing';
}
