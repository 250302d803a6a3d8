import { fold } from './fold.ts';
import { isPlain, unveil } from './unveil.ts';

/**
 * Delimiters whose escapes the canonical path keeps. Those that a client escaped are data; those that a compatibility
 * character stands for may become delimiters behind us. While a segment is read, control characters stand for the
 * first kind: no canonical path holds any.
 */
const stands: ReadonlyMap<string, string> = new Map([
  ['%2F', '\0'],
  ['%3B', '\x01'],
  ['%3F', '\x02'],
  ['%23', '\x03'],
  ['/', '\0'],
  ['\\', '\0'],
  [';', '\x01'],
  ['?', '\x02'],
  ['#', '\x03'],
]);
const escapedDelimiters = /%(?:2F|3[BF]|23)/g;
const delimiters = /[/\\;?#]/;
const allDelimiters = /[/\\;?#]/g;
const slashes = /[/\\]/;
const trimmed = /[\s.]/;
const edges = /^[\s.]|[\s.]$|:\$/;
/** A stream or attribute of a file on NTFS: `admin::$DATA` is `admin`, `admin:$I30:$INDEX_ALLOCATION` its folder. */
const stream = /:[^:]*:\$[a-z_]+[\s.]*$/;

/** An escape, a dot at an end of a segment, or what may be the stream of a file. */
const odd = /%|\/\.|\.(?:\/|$)|:\$/;

/** The key of a segment that is blank or invisible: some servers drop it, others keep it as a name. */
const blank = ' ';

/**
 * The ways in which lenient servers could read a path: without case, in the comparison form of `unveil`, with blanks
 * and dots cut off the ends of segments. Each is a list of keys, the first of them empty, as splitting the path at its
 * slashes gives it. Nearly every path has one reading; one with a blank segment, or with a character that is a
 * delimiter in NFKC (such as the full-width slash), has up to four.
 *
 * @param path - canonical, in the spelling that rules match
 * @param limit - segments deeper than this decide nothing
 */
export function readings(path: string, limit: number): readonly (readonly string[])[] {
  const head = path.split('/', limit).map(reveal);
  if (!head.some(isOdd)) return [head.map(keyOf)];
  const texts = path.split('/').map(reveal);
  const whole = texts.map(keyOf);
  const parts = splitAgain(texts);
  return [whole, merge(whole), parts, merge(parts)];
}

/**
 * Whether a path has no other reading than itself in lower case: nothing about it but the case of letters of ASCII can
 * look like something else. Nearly all paths are such, and need no `readings`.
 */
export function isOrdinary(path: string): boolean {
  return !odd.test(path);
}

/** What a segment of a rule's path is compared by. */
export function lookAlikeKey(segment: string): string {
  return keyOf(reveal(segment));
}

/** Whether a segment has more than one reading, so that no rule can be found for it in all of them. */
export function isDoubtful(segment: string): boolean {
  return isOdd(reveal(segment));
}

/** The comparison form of one segment, with the delimiters that compatibility characters stand for. Empty only for an empty one. */
function reveal(segment: string): string {
  if (!segment.includes('%')) return segment.toLowerCase();
  const decoded = decodeURIComponent(segment.replace(escapedDelimiters, standIn));
  if (isPlain(decoded)) return decoded.toLowerCase();
  let seen = unveil(decoded);
  // What is folded may compose anew, and what is composed may fold anew; one more round than was ever seen is enough.
  for (let round = 0; round < 4; round++) {
    const next = unveil(fold(seen));
    if (next === seen) break;
    seen = next;
  }
  return seen === '' ? blank : seen;
}

function isOdd(text: string): boolean {
  return text !== '' && (delimiters.test(text) || keyOf(text) === blank);
}

/** Without dots and blanks at the ends. */
function keyOf(text: string): string {
  if (!edges.test(text)) return text.replace(allDelimiters, standIn);
  const named = text.includes(':$') ? text.replace(stream, '') : text;
  let start = 0;
  let end = named.length;
  while (start < end && trimmed.test(named[start] as string)) start++;
  while (end > start && trimmed.test(named[end - 1] as string)) end--;
  if (start === end) return text === '' ? '' : blank;
  return named.slice(start, end).replace(allDelimiters, standIn);
}

/** As a server reads it to which compatibility characters are the delimiters that they look like. */
function splitAgain(texts: readonly string[]): readonly string[] {
  const keys: string[] = [];
  for (const text of texts) {
    const end = text.search(/[?#]/);
    const path = end < 0 ? text : text.slice(0, end);
    for (const part of path.split(slashes)) keys.push(keyOf(part.split(';', 1)[0] as string));
    if (end >= 0) break;
  }
  return keys;
}

/** As a server reads it that drops blank segments; at the end, one is a trailing slash. */
function merge(keys: readonly string[]): readonly string[] {
  const named = keys.filter((key) => key !== '' && key !== blank);
  const last = keys.at(-1);
  return ['', ...named, ...(last === '' || last === blank ? [''] : [])];
}

function standIn(delimiter: string): string {
  return stands.get(delimiter) ?? delimiter;
}
