import type { Reason } from '../errors.ts';
import type { Finding } from './steps.ts';

/** What makes servers read a path differently, and how the config allows it where it can. */
const doubts: readonly { readonly found: RegExp; readonly hint: string }[] = [
  {
    found: /(^|\/|%2f)(\.|%2e)+(;|%3b|\/|%2f|$)/i,
    hint: 'it has a dot segment: clients resolve those themselves',
  },
  {
    found: /%(?![0-9a-f]{2})/i,
    hint: 'it has a "%" that two hexadecimal digits do not follow; a literal one is "%25"',
  },
  { found: /%(25)+(2f|5c|2e|3b|3f|23|[01]|c[01]|u)/i, hint: 'it is encoded twice' },
  { found: /\\|%5c/i, hint: 'it has a backslash, which some servers read as a slash' },
  { found: /%([01][0-9a-f]|7f|c2%[89])/i, hint: 'it has an encoded control character' },
  { found: /%2f/i, hint: 'it has an encoded slash; paths.encodedSlashes: allow keeps it inside one segment' },
  { found: /;/, hint: 'it has ";" parameters; paths.parameters: ignore lets them pass' },
  { found: /\/\//, hint: 'it has an empty segment; paths.duplicateSlashes: merge makes "//" one slash' },
];

/** Why a target is refused before any rule is asked. */
export function describePath(target: string, reason: Reason): Finding {
  const path = target.split('?')[0] ?? '';
  if (reason === 'request_malformed') {
    return {
      expected: 'a path that begins with "/", in visible ASCII',
      hint: /^https?:\/\//i.test(target)
        ? 'give the path alone, without scheme and host'
        : 'other characters are percent-encoded as UTF-8, and a "#" is never sent',
    };
  }
  return {
    expected: 'a path that every server reads in the same way',
    get hint() {
      return doubts.find(({ found }) => found.test(path))?.hint ?? 'it is no valid UTF-8 once decoded';
    },
  };
}
