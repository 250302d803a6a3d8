/** The payload of a token: a JSON object. */
export type Claims = Readonly<Record<string, unknown>>;

/** A claim's place in the payload, compiled once when the config is loaded. */
export interface ClaimPath {
  /** As it was written. */
  readonly text: string;
  /** The claim that it begins at. */
  readonly claim: string;
  /** The claim's value; undefined where it is missing, null or the empty string. Never reads a prototype. */
  read(claims: Claims): unknown;
}

/** Whether a claim's value counts as missing: not there, null or the empty string. */
export function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/**
 * Compiles a claim path: names joined with dots for nesting (`realm_access.roles`), and `["a.b"]`, a JSON string
 * in brackets, for a name that holds dots, brackets or quotes (`["https://example.com/app"].roles`). Only objects
 * are walked into, never lists.
 *
 * @throws SyntaxError whose message is a plain sentence, when the text is no such path
 */
export function compileClaimPath(text: string): ClaimPath {
  const names = parseNames(text);
  const claim = names[0] as string;
  if (names.length === 1) return { text, claim, read: (claims) => present(own(claims, claim)) };
  return {
    text,
    claim,
    read(claims) {
      let value: unknown = claims;
      for (const name of names) value = own(value, name);
      return present(value);
    },
  };
}

function present(value: unknown): unknown {
  return isMissing(value) ? undefined : value;
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Claims)[name] : undefined;
}

function parseNames(text: string): readonly string[] {
  if (text === '') throw new SyntaxError('The claim path is empty.');
  const first = /\[("(?:[^"\\]|\\.)*")\]|([^.[\]"]+)/y;
  const further = /\[("(?:[^"\\]|\\.)*")\]|\.([^.[\]"]+)/y;
  const names: string[] = [];
  let url = false;
  for (let at = 0; at < text.length; ) {
    const token = at === 0 ? first : further;
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) throw misplaced(text, at);
    const [, quoted = '', plain] = found;
    names.push(plain ?? unquote(quoted, text, at));
    url ||= plain?.includes('://') ?? false;
    at = token.lastIndex;
  }
  // A URL's dots taken for nesting would read another claim than the one meant, for ever missing.
  if (url && names.length > 1) {
    throw new SyntaxError(`The claim path "${text}" holds a URL; write a name that holds dots as ["a.b"].`);
  }
  return names;
}

function unquote(literal: string, text: string, at: number): string {
  try {
    return JSON.parse(literal);
  } catch {
    throw misplaced(text, at);
  }
}

function misplaced(text: string, at: number): SyntaxError {
  return new SyntaxError(
    `The claim path "${text}" is not readable from position ${at + 1}; ` +
      'join names with dots, and write a name that holds dots as ["a.b"].',
  );
}
