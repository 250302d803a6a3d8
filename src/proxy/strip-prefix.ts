import { foldSegment } from '../path/fold.ts';

/**
 * A path, query included, without a prefix of whole segments: `/billing/x` becomes `/x`, `/billing` becomes `/`.
 * Letters count in any case and spelling, `;parameters` of a segment do not count, and several slashes count as one, as
 * rules may be told to read paths. What is left never begins with two slashes, which could be read as a host.
 * Null when the path does not begin with the prefix: then no rule can have matched it, and it must go nowhere.
 */
export function stripPrefix(path: string, prefix: string): string | null {
  const whole = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  let end = path.startsWith(whole) && atBorder(path, whole.length) ? whole.length : readPrefix(path, whole);
  if (end < 0) return null;
  while (end < path.length && path[end] !== '/' && path[end] !== '?') end++;
  while (path[end] === '/' && path[end + 1] === '/') end++;
  const rest = path.slice(end);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function atBorder(path: string, end: number): boolean {
  return end === path.length || '/?;'.includes(path[end] as string);
}

/** Where the prefix ends in a path that spells it differently, or -1. */
function readPrefix(path: string, prefix: string): number {
  let at = 0;
  for (const segment of prefix.split('/').slice(1)) {
    while (at < path.length && path[at] !== '/' && path[at] !== '?') at++;
    if (path[at] !== '/') return -1;
    while (path[at] === '/') at++;
    let end = at;
    while (!atBorder(path, end)) end++;
    if (foldSegment(path.slice(at, end)) !== foldSegment(segment)) return -1;
    at = end;
  }
  return at;
}
