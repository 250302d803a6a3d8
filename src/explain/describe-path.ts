import type { Reason } from '../errors.ts';
import { unveil } from '../path/unveil.ts';
import type { Policy } from '../policy.ts';
import type { Rule } from '../rules/compile.ts';
import type { Ambiguity } from '../rules/match.ts';
import type { Finding } from './steps.ts';

/** What makes servers read a path differently, and how the config allows it where it can. */
const doubts: readonly { readonly found: RegExp; readonly hint: string }[] = [
  {
    found: /(^|\/|%2f)(\.|%2e)+(;|%3b|%3f|%23|\/|%2f|$)/i,
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
      return doubts.find(({ found }) => found.test(path))?.hint ?? describeVeiled(path);
    },
  };
}

/** What is nothing but dots only once blanks are cut off and compatibility characters are plain, or no text at all. */
function describeVeiled(path: string): string {
  try {
    return /(^|[/\\])\s*\.[\s.]*($|[/\\;?#])/.test(unveil(decodeURIComponent(path)))
      ? 'it has a segment that is a dot segment to a server that cuts off blanks, drops invisible characters, or reads full-width and other compatibility characters as plain ones'
      : 'it has compatibility characters that become an escape to a server that reads them as plain ones';
  } catch {
    return 'it is no valid UTF-8 once decoded';
  }
}

/** Why a path is refused although it has one spelling: `paths.case`. */
export function describeNear({ written, near }: Ambiguity, { config, fallback }: Policy): Finding {
  const name = (rule: Rule | null) => {
    if (rule !== null) return `rule "${rule.label}"`;
    return fallback === null ? 'no rule' : 'no rule (unmatched decides)';
  };
  const isCaseless = config.paths.case === 'insensitive';
  const ignored = `${isCaseless ? '' : 'letter case, '}compatibility characters, and dots and blanks at the ends of segments`;
  const other = isCaseless ? '' : '; paths.case: insensitive lets rules match in any case';
  return {
    expected: `a path that the same rule decides even for a server that ignores ${ignored}`,
    got: `as written: ${name(written)}; for such a server: ${name(near)}`,
    hint: `spell the path as the rule does${other}; paths.case: sensitive is for an upstream that compares exactly`,
  };
}
