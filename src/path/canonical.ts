import type { Refusal } from '../errors.ts';

/** How paths are read that servers read differently. */
export interface PathOptions {
  /** `merge`: `//` becomes `/`, in the forwarded path too; `reject`: it is refused. */
  readonly duplicateSlashes: 'merge' | 'reject';
  /** `reject`: `%2F` is refused; `allow`: it stays as it is, inside one segment. */
  readonly encodedSlashes: 'reject' | 'allow';
  /** `reject`: `;x=1` is refused; `ignore`: it plays no part in matching and is forwarded. `%3B` is not one. */
  readonly parameters: 'reject' | 'ignore';
}

/** A request's target in the one spelling that the rules match and the upstream gets. */
export interface Target {
  /** The path to forward. */
  readonly path: string;
  /** The path for the rules to match: without `;parameters`. */
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
const encodedCharacters = '"<>^`{|}';

const foreignToPath = /[^!-~]|#/;
const foreignToQuery = /[^!-~\x80-\xff]|#/;

/**
 * What no honest path holds once decoded: control characters, backslashes (a slash to some), and an escape that a
 * second decoder would turn into one of those, into a delimiter, or into what a lax UTF-8 decoder takes for one.
 */
const hidden =
  /[\0-\x1f\x7f-\x9f\\]|%(?:[01][0-9a-f]|7f|2[35ef]|3[bf]|5c|c[01]|c2%[89]|e0%[89]|f0%8|u[0-9a-f]{4})/i;

const escapeOrEncoded = new RegExp(`%..|[${encodedCharacters}]`, 'g');
const repeatedSlashes = /\/{2,}/g;
const parameters = /;[^/]*/g;

/** Canonical spellings of escapes and raw characters; an escape that is not here stays one, in upper case. */
const spellings: ReadonlyMap<string, string> = new Map(
  ascii().flatMap((character) => {
    if (segmentCharacters.test(character)) return [[percentEncode(character), character]];
    return encodedCharacters.includes(character) ? [[character, percentEncode(character)]] : [];
  }),
);

const other = 0;
const plain = 1;
/** A dot or slash: plain, unless a slash stands before it. */
const notAfterSlash = 2;
const kinds = Uint8Array.from(ascii(), (character) => {
  if (character === '.' || character === '/') return notAfterSlash;
  return segmentCharacters.test(character) ? plain : other;
});

/**
 * Compiles the canonical form of request targets. Escapes of characters that a segment may hold are decoded, all
 * others get upper-case digits, and raw characters that RFC 3986 does not allow are encoded, so that all spellings
 * of one path become one. Dot segments are refused, never resolved: honest clients resolve them themselves.
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
    if (isPlain(path)) return { path, match: path, query };
    if (foreignToPath.test(path)) return malformed;
    const decoded = decode(path);
    if (decoded === undefined || hidden.test(decoded)) return ambiguous;
    const spelled = path.replace(escapeOrEncoded, spell);
    if (refused.test(spelled)) return ambiguous;
    const merged = spelled.replace(repeatedSlashes, '/');
    return { path: merged, match: merged.replace(parameters, ''), query };
  };
}

/** What the options refuse in a path whose spelling is canonical. */
function compileRefused(options: PathOptions): RegExp {
  // A segment of nothing but dots, also where a server splits at %2F or cuts at a semicolon in either spelling.
  const refused = ['(?:/|%2F)\\.+(?:$|/|%2F|;|%3B)'];
  if (options.encodedSlashes === 'reject') refused.push('%2F');
  if (options.duplicateSlashes === 'reject') refused.push('//');
  // Even ignored, a parameter may not leave an empty segment, which others would merge away.
  refused.push(options.parameters === 'reject' ? ';' : '/;');
  return new RegExp(refused.join('|'));
}

/** Whether the path is canonical at a glance, as nearly all are. */
function isPlain(path: string): boolean {
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
