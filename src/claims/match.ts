import { RE2JS, RE2JSSyntaxException } from 're2js';
import { compileEqual } from './equal.ts';
import { isMissing } from './path.ts';
import { compileTemplate, type Params } from './template.ts';

export type { Params } from './template.ts';

/**
 * What a claim's value must be: at least one of these, and all that are given. Strings of all but `matches` may
 * hold `{name}`, the path's parameter; a parameter that is not there never matches. A claim that is missing, null
 * or "" satisfies `exists: false` alone.
 */
export interface MatcherOptions {
  /** This JSON value, types included: `1` is not `"1"`. */
  readonly equals?: unknown;
  /** One of these JSON values. */
  readonly oneOf?: readonly unknown[];
  /** A list with this member, or a string with this whole space-separated word. */
  readonly contains?: unknown;
  /** A list or string with at least one of these. */
  readonly containsAny?: readonly unknown[];
  /** A string that begins so. */
  readonly prefix?: string;
  /**
   * A string that this RE2 expression matches from end to end (`admin` does not match `notadmin`), in linear
   * time. Its braces are repetition, never parameters.
   */
  readonly matches?: string;
  /** Whether the claim must be there, or must not. */
  readonly exists?: boolean;
}

/** Tells whether a claim's value, undefined when missing, is what the options ask for. */
export type Matcher = (value: unknown, params: Params) => boolean;

/**
 * Compiles the options once, when the config is loaded.
 *
 * @throws SyntaxError whose message is a plain sentence: nothing asked for, a bad expression, an empty prefix,
 * an integer that cannot be compared exactly
 */
export function compileMatcher(options: MatcherOptions): Matcher {
  const { equals, oneOf, contains, containsAny, prefix, matches, exists } = options;
  const tests: Matcher[] = [];
  if (equals !== undefined) tests.push(compileEqual(equals));
  if (oneOf !== undefined) tests.push(anyOf(oneOf.map(compileEqual)));
  if (contains !== undefined) tests.push(compileContains(contains));
  if (containsAny !== undefined) tests.push(anyOf(containsAny.map(compileContains)));
  if (prefix !== undefined) tests.push(compilePrefix(prefix));
  if (matches !== undefined) tests.push(compileExpression(matches));
  if (exists === undefined && tests.length === 0) {
    throw new SyntaxError(
      'A matcher needs one of equals, oneOf, contains, containsAny, prefix, matches, exists.',
    );
  }
  if (exists !== false) return (value, params) => !isMissing(value) && all(tests, value, params);
  // Absent and of some value at once: nothing is, so this lets nothing pass.
  return tests.length > 0 ? () => false : isMissing;
}

function all(tests: readonly Matcher[], value: unknown, params: Params): boolean {
  for (const test of tests) if (!test(value, params)) return false;
  return true;
}

function anyOf(tests: readonly Matcher[]): Matcher {
  return (value, params) => {
    for (const test of tests) if (test(value, params)) return true;
    return false;
  };
}

function compileContains(expected: unknown): Matcher {
  const equal = compileEqual(expected);
  return (value, params) => {
    // A word of the value holds no space, so an expected text with one never equals it.
    const members = Array.isArray(value) ? value : typeof value === 'string' ? words(value) : [];
    for (const member of members) if (equal(member, params)) return true;
    return false;
  };
}

function words(value: string): readonly string[] {
  return value.split(' ').filter((word) => word !== '');
}

function compilePrefix(prefix: string): Matcher {
  if (prefix === '') throw new SyntaxError('An empty prefix begins every string.');
  const template = compileTemplate(prefix);
  return (value, params) => {
    const begin = typeof value === 'string' ? template.fill(params) : undefined;
    // A parameter could be empty, and would then let everything pass.
    return begin !== undefined && begin !== '' && (value as string).startsWith(begin);
  };
}

function compileExpression(expression: string): Matcher {
  const compiled = parseExpression(expression);
  return (value) => typeof value === 'string' && compiled.testExact(value);
}

function parseExpression(expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    const why = error instanceof RE2JSSyntaxException ? `: ${error.getDescription()}` : '';
    throw new SyntaxError(`The expression is not one that RE2 accepts${why}.`);
  }
}
