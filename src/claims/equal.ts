import { hasUnsafeInteger } from './integers.ts';
import type { Claims } from './path.ts';
import { compileTemplate, type Params } from './template.ts';

/** Tells whether a value is the expected one. */
export type Equal = (value: unknown, params: Params) => boolean;

/**
 * Compiles a deep comparison of JSON values, types included; the order of an object's members is irrelevant.
 * A string within it may be a template. It recurses as deep as the expected value, whatever the token holds.
 *
 * @throws SyntaxError for an integer beyond ±(2^53-1), which JavaScript cannot tell from its neighbors
 */
export function compileEqual(expected: unknown): Equal {
  if (hasUnsafeInteger(expected)) {
    throw new SyntaxError('An integer beyond 9007199254740991 cannot be compared exactly; compare a string.');
  }
  return compile(expected);
}

function compile(expected: unknown): Equal {
  if (typeof expected === 'string') return compileString(expected);
  if (Array.isArray(expected)) return compileList(expected);
  if (typeof expected === 'object' && expected !== null) return compileObject(expected as Claims);
  return (value) => value === expected;
}

function compileString(expected: string): Equal {
  const template = compileTemplate(expected);
  if (template.parameters.length === 0) return (value) => value === expected;
  return (value, params) => typeof value === 'string' && value === template.fill(params);
}

function compileList(expected: readonly unknown[]): Equal {
  const items = expected.map(compile);
  return (value, params) =>
    Array.isArray(value) &&
    value.length === items.length &&
    items.every((equal, index) => equal(value[index], params));
}

function compileObject(expected: Claims): Equal {
  const members = Object.entries(expected).map(([name, member]) => ({ name, equal: compile(member) }));
  return (value, params) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === members.length &&
    members.every(({ name, equal }) => Object.hasOwn(value, name) && equal((value as Claims)[name], params));
}
