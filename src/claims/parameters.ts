import type { MatcherOptions } from './match.ts';
import { compileTemplate } from './template.ts';

/** The names of the path's parameters that a matcher's strings need. */
export function matcherParameters(options: MatcherOptions): ReadonlySet<string> {
  const { equals, oneOf, contains, containsAny, prefix } = options;
  return new Set(texts([equals, oneOf, contains, containsAny, prefix]).flatMap(parametersOf));
}

function parametersOf(text: string): readonly string[] {
  return compileTemplate(text).parameters;
}

function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}
