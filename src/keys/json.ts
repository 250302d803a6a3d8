import { describeText } from './describe-text.ts';
import { FetchError } from './error.ts';

/** Parses JSON text; `name` says in the error what it was. Throws a {@link FetchError} `not_json`. */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The cause would quote the text.
    throw new FetchError('not_json', `${name} is ${describeText(text)}`);
  }
}

/** A JSON object, neither null nor a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
