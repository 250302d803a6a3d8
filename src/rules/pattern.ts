import { isRefusal } from '../errors.ts';
import { type Canonical, compileCanonical, type PathOptions } from '../path/canonical.ts';

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

const parameterName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const beyondAscii = /[\x80-\ud7ff\ue000-\u{10ffff}]/gu;

/**
 * Splits a rule's path: `/healthz` exactly, `/public/*` with everything below, `/tenants/:tenant` with a parameter.
 * Literal segments take the canonical spelling that requests get, and may be written in any script; a `*` or a
 * `:` that is meant literally is written `%2A`, `%3A`.
 *
 * @throws SyntaxError whose message is a plain sentence, when the path is no such pattern
 */
export function compilePattern(path: string, options: PathOptions): Pattern {
  if (!path.startsWith('/')) throw new SyntaxError(`The path "${path}" must begin with "/".`);
  if (/[?#]/.test(path)) throw new SyntaxError(`The path "${path}" must hold no query and no fragment.`);
  const canonical = compileCanonical(options);
  const open = path.endsWith('/*');
  const texts = path.split('/').slice(1, open ? -1 : undefined);
  const slashed = open ? texts : texts.slice(0, -1);
  if (slashed.includes('')) {
    throw new SyntaxError(`The path "${path}" has an empty segment, which no request is matched with.`);
  }
  const segments = texts.map((text) =>
    text.startsWith(':') ? readParameter(text, path) : readLiteral(text, path, canonical),
  );
  return { segments, parameters: locateParameters(segments, path), open };
}

function readParameter(text: string, path: string): PatternSegment {
  const parameter = text.slice(1);
  if (parameterName.test(parameter)) return { parameter };
  throw new SyntaxError(`In the path "${path}", ":" must be followed by a name of letters, digits and "_".`);
}

function readLiteral(text: string, path: string, canonical: Canonical): PatternSegment {
  if (text.includes('*')) {
    throw new SyntaxError(`In the path "${path}", "*" may only be the whole last segment.`);
  }
  const target = canonical(`/${text.replace(beyondAscii, encodeURIComponent)}`);
  if (isRefusal(target)) {
    throw new SyntaxError(`The path "${path}" is one that every request is refused for (${target.refused}).`);
  }
  if (text.includes(';')) throw new SyntaxError(`The path "${path}" must hold no ";" parameters.`);
  return { literal: target.match.slice(1) };
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
