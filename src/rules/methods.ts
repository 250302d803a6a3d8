import { METHODS } from 'node:http';
import { checkMethod } from '../path/method.ts';

/**
 * The methods that can reach a rule: those that Node's parser knows and that are served. A request with any other
 * name is answered 400 or 405 before a rule is looked at.
 */
export const servedMethods: readonly string[] = METHODS.filter((method) => checkMethod(method) === null);

/**
 * The methods that a rule decides. GET includes HEAD: an upstream does for HEAD what it does for GET (RFC 9110
 * section 9.3.2), so a rule that protected GET alone would protect nothing. Null: all.
 */
export function decidedMethods(methods: readonly string[] | null): ReadonlySet<string> | null {
  if (methods === null) return null;
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}
