import { maskPath, printable } from './mask.ts';

const longest = 1024;
/** A token that begins before the end is still seen to be one. */
const beyond = 64;
const masked = '[masked]';
/** `@`, also where it was encoded, once or more often. */
const at = /@|%(?:25)*40/i;
const colon = /:|%(?:25)*3a/i;
const endsInColon = /(?::|%(?:25)*3a)$/i;

/**
 * A request's path as the log may hold it: without query, without credentials, what is shaped like a token masked, at
 * most 1,024 characters.
 *
 * @param target - as it came, RFC 9112 section 3.2
 * @param path - in its canonical spelling; null: it has none
 */
export function loggedPath(target: string, path: string | null): string {
  // A canonical path is visible ASCII.
  const said = path === null ? printable(rawPath(target), longest + beyond) : cut(path, longest + beyond);
  const mayHoldUser = target.includes('@') || (target.includes('%') && at.test(target));
  return cut(maskPath(mayHoldUser ? withoutUser(said, target) : said), longest);
}

function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}

/** Of what is no path, only what stands behind its authority: that may begin with a name and a password. */
function rawPath(target: string): string {
  if (target.startsWith('/')) return beforeQuery(target);
  if (target === '*') return target;
  const behindUser = target.split(new RegExp(at, 'gi')).at(-1) ?? '';
  if (behindUser !== target) return beforeQuery(behindUser.replace(/^[^/]*/, '')) || masked;
  const url = /^[^/]*(\/\/[^/]*)?/.exec(target);
  return beforeQuery(target.slice(url?.[0].length)) || (url?.[1] === undefined ? masked : '/');
}

function beforeQuery(target: string): string {
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
}

/**
 * Masks `name:password@` where a path holds an authority: behind `//` at its beginning, behind a scheme, or as its
 * first segment.
 */
function withoutUser(path: string, target: string): string {
  const segments = path.split('/');
  const filledFrom = (from: number) => segments.findIndex((each, index) => index >= from && each !== '');
  const scheme = segments.findIndex((each) => endsInColon.test(each));
  const first = filledFrom(0);
  const start = target.startsWith('//') || scheme < 0 ? first : filledFrom(scheme + 1);
  const isAuthority = target.startsWith('//') || scheme >= 0;
  const holdsUser = (segment: string | undefined) => segment !== undefined && at.test(segment);
  const holdsColon = (segment: string | undefined) => segment !== undefined && colon.test(segment);
  // A password may hold slashes.
  const found = isAuthority ? segments.findLastIndex(holdsUser) : holdsUser(segments[start]) ? start : -1;
  // With a "?" in it, it ends where the query begins.
  const isCut = isAuthority && found < start && holdsColon(segments[start]);
  if (!isCut && (found < start || !(isAuthority || holdsColon(segments[start])))) return path;
  return segments.toSpliced(start, Math.max(1, found - start + 1), masked).join('/');
}
