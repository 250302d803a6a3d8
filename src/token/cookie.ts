import type { Refusal } from '../errors.ts';
import { skipBlanks, trimBlanks } from './blanks.ts';
import { isNamed } from './field.ts';

const ambiguous: Refusal = { refused: 'token_ambiguous' };

/**
 * The value of the one cookie of a name, RFC 6265 sections 4.1.1 and 4.2.1: names are case-sensitive, a value
 * in double quotes is unquoted, nothing is decoded. Undefined where there is none or it is empty.
 * Refusal: `token_ambiguous` for two cookies of the name, in one Cookie line or several, even equal or empty.
 *
 * @param rawHeaders - Node's: name, value, name, value
 */
export function findCookie(rawHeaders: readonly string[], name: string): string | Refusal | undefined {
  let value: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!isNamed(rawHeaders[at], 'cookie')) continue;
    const line = rawHeaders[at + 1] ?? '';
    for (let start = 0; start < line.length; ) {
      const semicolon = line.indexOf(';', start);
      const end = semicolon === -1 ? line.length : semicolon;
      const found = readPair(line, start, end, name);
      if (found !== undefined && value !== undefined) return ambiguous;
      value ??= found;
      start = end + 1;
    }
  }
  return value === '' ? undefined : value;
}

/** The value, if the pair has the name. It looks at no more than the pair, however long the line is. */
function readPair(line: string, start: number, end: number, name: string): string | undefined {
  const begin = skipBlanks(line, start);
  if (!line.startsWith(name, begin)) return undefined;
  const equals = skipBlanks(line, begin + name.length);
  if (line[equals] !== '=') return undefined;
  const value = trimBlanks(line, equals + 1, end);
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  return isQuoted ? value.slice(1, -1) : value;
}
