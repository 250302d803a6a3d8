import { isRefusal } from '../errors.ts';
import { type Canonical, compileCanonical, type PathOptions } from '../path/canonical.ts';
import { describeMisspelling } from './spelling.ts';

/** One segment of a rule's path: a text to equal, or a parameter that takes any segment but an empty one. */
export type PatternSegment = { readonly literal: string } | { readonly parameter: string };

/** A rule's path, split once when the config is loaded. */
export interface Pattern {
  /** Without the `*`. A trailing slash is an empty literal at the end. */
  readonly segments: readonly PatternSegment[];
  /** Where a path split at its slashes, the first included, holds the parameters. */
  readonly parameters: readonly PatternParameter[];
  /** Ends in `/*`: also matches the path above, and everything below. */
  readonly open: boolean;
}

export interface PatternParameter {
  readonly name: string;
  readonly position: number;
}

const beyondAscii = /[\x80-\ud7ff\ue000-\u{10ffff}]/gu;

/**
 * Splits a rule's path: `/healthz` exactly, `/public/*` with everything below, `/tenants/:tenant` with a parameter.
 * Literal segments take the canonical spelling that requests get, and may be written in any script; a `*` or a
 * `:` that is meant literally is written `%2A`, `%3A`.
 *
 * @param canonical - of these options, where there are many paths to compile
 * @throws SyntaxError whose message is a plain sentence, when the path is no such pattern
 */
export function compilePattern(
  path: string,
  options: PathOptions,
  canonical = compileCanonical(options),
): Pattern {
  const misspelled = describeMisspelling(path);
  if (misspelled !== null) throw new SyntaxError(misspelled);
  const open = path.endsWith('/*');
  const texts = path.split('/').slice(1, open ? -1 : undefined);
  const segments = texts.map((text) =>
    text.startsWith(':') ? { parameter: text.slice(1) } : readLiteral(text, path, canonical),
  );
  return { segments, parameters: locateParameters(segments, path), open };
}

function readLiteral(text: string, path: string, canonical: Canonical): PatternSegment {
  const target = canonical(`/${text.replace(beyondAscii, encodeURIComponent)}`);
  if (isRefusal(target)) {
    throw new SyntaxError(`The path "${path}" ${describeRefused(text)}: every request for it is refused.`);
  }
  if (text.includes(';')) throw new SyntaxError(`The path "${path}" must hold no ";" parameters.`);
  return { literal: target.match.slice(1) };
}

/** Why no request has such a segment. */
function describeRefused(text: string): string {
  if (/^(?:\.|%2e)+$/i.test(text)) return `has "${text}" for a segment, which clients resolve themselves`;
  if (/%2f/i.test(text)) return 'holds "%2F", and paths.encodedSlashes is not allow';
  if (/%(?:5c|[01][0-9a-f]|7f)/i.test(text)) return 'holds an escape of a backslash or a control character';
  if (/%25/.test(text))
    return 'holds "%25", which a second decoder could take for the beginning of an escape';
  return `holds "${text}", which has more than one reading`;
}

function locateParameters(segments: readonly PatternSegment[], path: string): readonly PatternParameter[] {
  const parameters = segments.flatMap((segment, index) =>
    'parameter' in segment ? [{ name: segment.parameter, position: index + 1 }] : [],
  );
  const names = parameters.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new SyntaxError(`The path "${path}" has two parameters ":${twice}".`);
  return parameters;
}
