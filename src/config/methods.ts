import { servedMethods } from '../rules/methods.ts';
import { suggest } from './suggest.ts';
import type { Finding } from './validate.ts';

type Said = Pick<Finding, 'message' | 'hint'>;

/** What others write for "all methods". */
const all = /^(\*|all|any)$/i;

/** Why a text is no method that a rule can decide, with the right spelling. */
export function describeMethod(value: unknown): Said {
  const text = String(value);
  if (all.test(text.trim())) return { message: 'is not a method', hint: 'leave methods out for all' };
  const meant = readMethods(text);
  if (meant.length === 1) {
    return { message: `must be a method in upper case, got ${JSON.stringify(text)}`, hint: `write ${meant}` };
  }
  if (meant.length > 1) {
    return { message: 'holds several methods', hint: `write one an entry: [${meant.join(', ')}]` };
  }
  if (['CONNECT', 'TRACE'].includes(text.trim().toUpperCase())) {
    return { message: 'is a method that is never served, so that no rule decides it', hint: 'leave it out' };
  }
  const near = suggest(text, servedMethods);
  return {
    message: 'is not a method that a client can send: such a request gets 400 before any rule is looked at',
    ...(near !== null && { hint: `did you mean ${near}?` }),
  };
}

/** What to write in place of a value that is no list of methods. */
export function describeMethodList(value: unknown): Pick<Finding, 'hint'> {
  const meant = typeof value === 'string' && !all.test(value.trim()) ? readMethods(value) : [];
  return { hint: meant.length > 0 ? `write [${meant.join(', ')}]` : 'leave methods out for all' };
}

/** The methods that a text names in whatever case and with whatever between them; empty where it names others. */
function readMethods(text: string): readonly string[] {
  const words = text
    .toUpperCase()
    .split(/[^A-Z-]+/)
    .filter((word) => word !== '');
  return words.every((word) => servedMethods.includes(word)) ? words : [];
}
