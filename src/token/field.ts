import type { Refusal } from '../errors.ts';
import { trimBlanks } from './blanks.ts';

const ambiguous: Refusal = { refused: 'token_ambiguous' };

/**
 * The value of the one header line of a name, without blanks around it; undefined where there is none.
 * Refusal: `token_ambiguous` for two lines, even equal or empty.
 *
 * @param rawHeaders - Node's: name, value, name, value
 * @param name - in lower case
 */
export function findField(rawHeaders: readonly string[], name: string): string | Refusal | undefined {
  let value: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!isNamed(rawHeaders[at], name)) continue;
    if (value !== undefined) return ambiguous;
    value = rawHeaders[at + 1] ?? '';
  }
  return value === undefined ? undefined : trimBlanks(value);
}

/** Compares a header's name with one in lower case, and makes no new string for it. */
export function isNamed(header: string | undefined, name: string): boolean {
  if (header?.length !== name.length) return false;
  for (let at = 0; at < name.length; at++) {
    const char = header.charCodeAt(at);
    const isUpper = char >= 65 && char <= 90;
    if ((isUpper ? char + 32 : char) !== name.charCodeAt(at)) return false;
  }
  return true;
}
