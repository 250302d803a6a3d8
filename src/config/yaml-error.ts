import type { ErrorCode } from 'yaml';

export interface Explained {
  readonly message: string;
  readonly hint?: string;
  /** Where in the text. */
  readonly offset: number;
}

/** What a text in no quotes cannot begin with, and what YAML takes it for. */
const beginnings: Readonly<Record<string, string>> = {
  '*': 'a "*" begins a YAML alias',
  '&': 'an "&" begins a YAML anchor',
  '!': 'a "!" begins a YAML tag',
  '[': 'a "[" begins a YAML list, which ends with its "]"',
  '{': 'a "{" begins a YAML map, which ends with its "}"',
  '|': 'a "|" begins a YAML text of several lines',
  '>': 'a ">" begins a YAML text of several lines',
  '@': 'a plain text cannot begin with this character, "@"',
  '`': 'a plain text cannot begin with this character, "`"',
  '%': 'a plain text cannot begin with this character, "%"',
  ',': 'a plain text cannot begin with this character, ","',
};
const quoteIt = 'put the text in quotes';

/** The parser's own words where they are safe; others of its messages repeat what stands there, secrets too. */
const words: Partial<Readonly<Record<ErrorCode, string>>> = {
  BAD_DQ_ESCAPE: 'this escape is unknown; in single quotes a backslash is itself',
  BLOCK_AS_IMPLICIT_KEY: 'there are two ": " in one line; put the text in quotes',
  BAD_ALIAS: 'this alias cannot stand here',
  MULTIPLE_DOCS: 'there are several documents; one is expected',
  TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'this tag is unknown',
};
const safe: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_INDENT',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
]);

/** What is wrong where the parser stopped, in words that repeat nothing of the text but its signs. */
export function explainYaml(text: string, { code, message, pos }: YamlError): Explained {
  const [offset] = pos;
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const line = lineAt(text, start);
  if (/[{[,:]\s*\$\{|[{[].*\$\{/.test(line)) {
    return {
      message: sayCode(code, message),
      hint: 'inside { } and [ ], put quotes around a text with $' + '{…}',
      offset,
    };
  }
  if (/^\s*(\/\/|\/\*)/.test(line)) return { message: 'this is no comment: comments begin with "#"', offset };
  const open = /^(Flow (sequence|map)|Expected flow|Missing closing)/.test(message);
  const value = own.has(code) ? undefined : open ? openAt(text, start) : valueIn(text, start);
  const beginning = value === undefined ? undefined : explainBeginning(value);
  if (beginning !== undefined) return beginning;
  const glued = /^\s*(?:- +)*[\w.-]+:[^\s/]/.test(line) && !/:\s/.test(line);
  if (glued)
    return {
      message: 'there is no blank after the ":"',
      hint: 'write a blank between ":" and the value',
      offset,
    };
  return { message: sayCode(code, message), offset };
}

interface YamlError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** Errors that have nothing to do with how a value begins. */
const own: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['TAB_AS_INDENT', 'MULTIPLE_DOCS', 'BAD_DQ_ESCAPE']);

function sayCode(code: ErrorCode, message: string): string {
  if (code === 'BAD_SCALAR_START') return 'a plain text cannot begin with this character; put it in quotes';
  const bracket = /must (?:be sufficiently indented and )?end with a ([\]}])|to end with ([\]}])/.exec(
    message,
  );
  if (bracket !== null) return `a bracket is not closed: its "${bracket[1] ?? bracket[2]}" is missing`;
  return words[code] ?? (safe.has(code) ? message : 'this is not YAML');
}

interface Value {
  readonly text: string;
  /** Where it begins in the whole text. */
  readonly offset: number;
}

/** Characters of a line that are looked at. */
const longestLine = 1000;

function lineAt(text: string, start: number): string {
  return (
    text
      .slice(start, start + longestLine)
      .split('\n', 1)[0]
      ?.trimEnd() ?? ''
  );
}

/** The value of the key or entry that a line begins with. */
function valueIn(text: string, start: number): Value | undefined {
  const line = lineAt(text, start);
  const key = /^\s*(?:- +)*(?:"[^"]*"|'[^']*'|[^\s:'"[\]{},#][^:]*?):\s+(?=\S)|^\s*(?:- +)+(?=\S)/.exec(
    line,
  )?.[0];
  return key === undefined ? undefined : { text: line.slice(key.length), offset: start + key.length };
}

/** The nearest value, in this line or above, that is still open at the end of its line: the rest of it is missing. */
function openAt(text: string, start: number): Value | undefined {
  for (let at = start; ; at = text.lastIndexOf('\n', at - 2) + 1) {
    const value = valueIn(text, at);
    if (value !== undefined && isOpen(value.text)) return value;
    if (at <= 1) return undefined;
  }
}

const closing: Readonly<Record<string, string>> = { '"': '"', "'": "'", '[': ']', '{': '}' };

function isOpen(value: string): boolean {
  const [sign = ''] = value;
  return Object.hasOwn(closing, sign) && !value.slice(1).includes(closing[sign] as string);
}

/** What the first sign of a value means to YAML, where that is what went wrong. */
function explainBeginning({ text, offset }: Value): Explained | undefined {
  const [sign = ''] = text;
  if (sign === '"' || sign === "'") {
    return isOpen(text)
      ? { message: `Missing closing ${sign}quote`, offset }
      : { message: `there is text after the closing ${sign}`, hint: 'put all of it in quotes', offset };
  }
  if (/^- /.test(text)) return { message: 'a "- " begins an entry of a list', hint: quoteIt, offset };
  const bracket = closing[sign];
  // A bracket that is closed at the end of the line is not what went wrong.
  if (bracket !== undefined && !isOpen(text) && text.endsWith(bracket)) return undefined;
  const message = Object.hasOwn(beginnings, sign) ? beginnings[sign] : undefined;
  return message === undefined ? undefined : { message, hint: quoteIt, offset };
}

/** What a text that YAML could read, but not as a text, was probably meant to be; null where it says nothing. */
export function explainSign(sign: string): string | null {
  const message = Object.hasOwn(beginnings, sign) ? beginnings[sign] : undefined;
  return message === undefined ? null : `${message}: ${quoteIt}`;
}
