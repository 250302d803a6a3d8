import { isRefusal } from '../errors.ts';
import { compileCanonical, type PathOptions } from '../path/canonical.ts';

/** One segment of a rule's path: a text to equal, or a parameter that takes any segment but an empty one. */
export type PatternSegment = { readonly literal: string } | { readonly parameter: string };

/** A rule's path, split once when the config is loaded. */
export interface Pattern {
  readonly segments: readonly PatternSegment[];
  /** Ends in `/*`: also matches the path above, and everything below. */
  readonly open: boolean;
}

const parameterName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Splits a rule's path: `/healthz` exactly, `/public/*` with everything below, `/tenants/:tenant` with a parameter.
 * Literal segments take the canonical spelling that requests get.
 *
 * @throws SyntaxError whose message is a plain sentence, when the path is no such pattern
 */
export function compilePattern(path: string, options: PathOptions): Pattern {
  if (!path.startsWith('/')) throw new SyntaxError(`The path "${path}" must begin with "/".`);
  if (/[?#]/.test(path)) throw new SyntaxError(`The path "${path}" must hold no query and no fragment.`);
  const open = path.endsWith('/*');
  const texts = (open ? path.slice(0, -2) : path).split('/').slice(1);
  const names = new Set<string>();
  const segments = texts.map((text): PatternSegment => {
    if (text.includes('*'))
      throw new SyntaxError(`In the path "${path}", "*" may only be the whole last segment.`);
    if (!text.startsWith(':')) return { literal: canonicalSegment(text, path, options) };
    const parameter = text.slice(1);
    if (!parameterName.test(parameter)) {
      throw new SyntaxError(
        `In the path "${path}", ":" must be followed by a name of letters, digits and "_".`,
      );
    }
    if (names.has(parameter)) throw new SyntaxError(`The path "${path}" has two parameters ":${parameter}".`);
    names.add(parameter);
    return { parameter };
  });
  if (segments.slice(0, -1).some((segment) => 'literal' in segment && segment.literal === '')) {
    throw new SyntaxError(`The path "${path}" has an empty segment, which no request is matched with.`);
  }
  return { segments, open };
}

function canonicalSegment(text: string, path: string, options: PathOptions): string {
  const target = compileCanonical(options)(`/${text}`);
  if (isRefusal(target)) {
    throw new SyntaxError(`The path "${path}" is one that every request is refused for (${target.refused}).`);
  }
  if (target.match !== target.path) throw new SyntaxError(`The path "${path}" must hold no ";" parameters.`);
  return target.path.slice(1);
}
