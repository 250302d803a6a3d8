import type { Refusal } from '../errors.ts';
import { isEndless, isPlain, makePlain, unveil } from './unveil.ts';

/** How paths are read that servers read differently. */
export interface PathOptions {
  /**
   * `merge`: `//` becomes `/`, in the forwarded path too; `reject`: it is refused; `keep`: rules match as if it were
   * merged, and it is forwarded as it came, save at the beginning, where `//` could be read as the name of a host.
   */
  readonly duplicateSlashes: 'merge' | 'reject' | 'keep';
  /** `reject`: `%2F` is refused; `allow`: it stays as it is, inside one segment. */
  readonly encodedSlashes: 'reject' | 'allow';
  /** `reject`: `;x=1` is refused; `ignore`: it plays no part in matching and is forwarded. `%3B` is not one. */
  readonly parameters: 'reject' | 'ignore';
}

/** A request's target in two spellings of which any server reads the same path. */
export interface Target {
  /** The path to forward. Reserved characters keep their escapes: `/a%2Bb` and `/a+b` may be two things to the upstream. */
  readonly path: string;
  /** The path for the rules to match: one spelling for all that are alike to a rule, and without `;parameters`. */
  readonly match: string;
  /** Empty, or `?` and the query byte for byte. */
  readonly query: string;
}

/** Turns a request target (RFC 9112 section 3.2, origin-form alone) into its canonical spelling or a refusal. */
export type Canonical = (target: string) => Target | Refusal;

const malformed: Refusal = Object.freeze({ refused: 'request_malformed' });
const ambiguous: Refusal = Object.freeze({ refused: 'path_ambiguous' });

/** What RFC 3986 section 3.3 allows in a segment as it is, save `;`, which some servers cut segments at. */
const segmentCharacters = /[A-Za-z0-9\-._~!$&'()*+,=:@]/;
/** Those whose escapes mean the same as they do themselves, RFC 3986 section 2.3. */
const unreserved = /[A-Za-z0-9\-._~]/;
const encodedCharacters = '"<>^`{|}';

const foreignToPath = /[^!-~]|#/;
const foreignToQuery = /[^!-~\x80-\xff]|#/;

const controls = '[\\0-\\x1f\\x7f-\\x9f]';
/** Escapes that a second decoder would turn into something of the kind of `hidden`, or a lax one into a delimiter. */
const hiddenEscapes = '%(?:[01][0-9a-f]|7f|2[35ef]|3[bf]|5c|c[01]|c2%[89]|e0%[89]|f0%8|u[0-9a-f]{4})';
/** What no honest path holds once decoded: control characters, backslashes (a slash to some), and such escapes. */
const hidden = new RegExp(`${controls}|\\\\|${hiddenEscapes}`, 'i');
/** The same in a path whose compatibility characters are plain, where a backslash may be part of an honest name. */
const hiddenBelow = new RegExp(`${controls}|${hiddenEscapes}`, 'i');

/** What may look like something else to a server that trims or normalizes: then `unveil` says what. */
const veiled = /[^!-$&-~]/;
/** In a path that is decoded and unveiled: nothing but dots and blanks, up to where a server may split or cut. */
const dotSegment = /[/\\]\s*\.[\s.]*(?:$|[/\\;?#])/;

const escapeOrEncoded = new RegExp(`%..|[${encodedCharacters}]`, 'g');
const repeatedSlashes = /\/{2,}/g;
const leadingSlashes = /^\/{2,}/;
const parameters = /;[^/]*/g;

/** Canonical spellings of escapes and raw characters; an escape that is not here stays one, in upper case. */
const spellings: ReadonlyMap<string, string> = new Map(
  ascii().flatMap((character) => {
    if (unreserved.test(character)) return [[percentEncode(character), character]];
    return encodedCharacters.includes(character) ? [[character, percentEncode(character)]] : [];
  }),
);

/** The escapes that are one with their characters to a rule, although they are forwarded. */
const matchedSpellings: ReadonlyMap<string, string> = new Map(
  ascii()
    .filter((character) => segmentCharacters.test(character) && !unreserved.test(character))
    .map((character) => [percentEncode(character), character]),
);
const matchedEscapes = /%(?:2[1-9A-C]|3[AD]|40)/g;

const other = 0;
const plain = 1;
/** A dot or slash: plain, unless a slash stands before it. */
const notAfterSlash = 2;
const kinds = Uint8Array.from(ascii(), (character) => {
  if (character === '.' || character === '/') return notAfterSlash;
  return segmentCharacters.test(character) ? plain : other;
});

/**
 * Compiles the canonical form of request targets. Escapes of unreserved characters are decoded, all others get
 * upper-case digits (RFC 3986 section 6.2.2), and raw characters that RFC 3986 does not allow are encoded. Dot segments
 * are refused, never resolved, because honest clients resolve them themselves; so is what becomes a dot segment once a
 * server cuts blanks off or replaces compatibility characters.
 * Takes time linear in the target; the result is its own canonical form.
 *
 * Refuses with `request_malformed` what is not in origin-form or not a target's character, and with
 * `path_ambiguous` what two servers could read as two paths.
 */
export function compileCanonical(options: PathOptions): Canonical {
  const refused = compileRefused(options);
  return (target) => {
    if (target[0] !== '/') return malformed;
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? '' : target.slice(mark);
    if (foreignToQuery.test(query)) return malformed;
    if (isCanonical(path)) return { path, match: path, query };
    if (foreignToPath.test(path)) return malformed;
    const decoded = decode(path);
    if (decoded === undefined || hidden.test(decoded)) return ambiguous;
    if (veiled.test(decoded) && isVeiled(decoded)) return ambiguous;
    const spelled = path.replace(escapeOrEncoded, spell);
    if (refused.test(spelled)) return ambiguous;
    const merged = spelled.replace(
      options.duplicateSlashes === 'keep' ? leadingSlashes : repeatedSlashes,
      '/',
    );
    return { path: merged, match: spellForRules(merged), query };
  };
}

/** In the one spelling that a rule is compared with. */
function spellForRules(path: string): string {
  const whole = path.includes(';') ? path.replace(parameters, '') : path;
  const merged = whole.includes('//') ? whole.replace(repeatedSlashes, '/') : whole;
  return merged.replace(matchedEscapes, (escaped) => matchedSpellings.get(escaped) ?? escaped);
}

/** Whether a lenient server could find a dot segment or such an escape, or could go on decoding without end. */
function isVeiled(decoded: string): boolean {
  if (isPlain(decoded)) return dotSegment.test(decoded);
  if (isEndless(decoded) || hiddenBelow.test(makePlain(decoded))) return true;
  const seen = unveil(decoded);
  return dotSegment.test(seen) || hiddenBelow.test(seen);
}

/** What the options refuse in a path whose spelling is canonical. */
function compileRefused(options: PathOptions): RegExp {
  // A segment of nothing but dots, also where a server splits at %2F or cuts at a delimiter in either spelling.
  const refused = ['(?:/|%2F)\\.+(?:$|/|%2F|;|%3B|%3F|%23)'];
  if (options.encodedSlashes === 'reject') refused.push('%2F');
  if (options.duplicateSlashes === 'reject') refused.push('//');
  if (options.parameters === 'reject') refused.push(';');
  // Even ignored, a parameter may not leave an empty segment, which others would merge away, unless that is the last:
  // then it is a trailing slash. Nor may it hold a slash at which a server that decodes first would end it.
  else refused.push('/;[^/]*/', '/[^/;]*;[^/]*%2F');
  return new RegExp(refused.join('|'));
}

/** Whether the path is canonical at a glance, as nearly all are. */
function isCanonical(path: string): boolean {
  for (let at = 1; at < path.length; at++) {
    const kind = kinds[path.charCodeAt(at)];
    if (kind !== plain && (kind !== notAfterSlash || path[at - 1] === '/')) return false;
  }
  return true;
}

/** Undefined where an escape is cut short or the bytes are not UTF-8: overlong forms and surrogates included. */
function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function spell(text: string): string {
  const upper = text.toUpperCase();
  return spellings.get(upper) ?? upper;
}

function ascii(): readonly string[] {
  return Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
