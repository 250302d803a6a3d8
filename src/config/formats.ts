import { compileClaimPath } from '../claims/path.ts';
import { compileClient } from '../limit/client.ts';
import { isHopByHop } from '../proxy/hop-by-hop.ts';
import { servedMethods } from '../rules/methods.ts';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that frame a message or are for one connection: whoever sets them breaks the forwarding. */
function frames(name: string): boolean {
  const lower = name.toLowerCase();
  return isHopByHop(lower) || lower === 'host' || lower === 'content-length';
}

/** Every `format` of the schema, as ajv takes them: true where a text is one. */
export const formats: Readonly<Record<string, (text: string) => boolean>> = {
  algorithm: (text) => !/^(none|hs\d*)$/i.test(text),
  cidr: (text) => succeeds(() => compileClient([text])),
  'claim-path': (text) => succeeds(() => compileClaimPath(text)),
  'cookie-name': (text) => token.test(text),
  'fetch-url': (text) => {
    const url = parseUrl(text);
    return isHttp(url) && url.username === '' && url.password === '';
  },
  'header-value': (text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text),
  method: (text) => servedMethods.includes(text),
  origin: (text) => isHttp(parseUrl(text)) && parseUrl(text)?.origin === text.toLowerCase(),
  scope: (text) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text),
  'set-header-name': (text) => token.test(text) && !frames(text),
  'strip-header-name': (text) => token.test(text) && !frames(text),
  'strip-prefix': (text) => token.test(text),
  'token-header-name': (text) => token.test(text) && !frames(text) && text.toLowerCase() !== 'cookie',
  'upstream-name': (text) => /^[\w.-]+$/.test(text) && text !== 'default',
  'upstream-url': isUpstreamUrl,
};

function isUpstreamUrl(text: string): boolean {
  const url = parseUrl(text);
  return isHttp(url) && url.username === '' && url.password === '' && !/[?#]/.test(text);
}

function isHttp(url: URL | null): url is URL {
  return url !== null && ['http:', 'https:'].includes(url.protocol);
}

/** Null where the text is no URL. */
export function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function succeeds(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
