import { isUtf8 } from 'node:buffer';

/** A JSON object, as it was read. */
export type JsonObject = Readonly<Record<string, unknown>>;

const maxDepth = 32;

/**
 * Reads one JSON object in which two parsers could not read different things, RFC 8725 section 2.6 and
 * RFC 8259 sections 4 and 8.1: UTF-8 without byte order mark, every member name once in its object, no
 * `__proto__`, at most 32 levels. Undefined for everything else.
 */
export function parseObject(bytes: Buffer): JsonObject | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // JSON.parse keeps the last of several equal names, however each was escaped; so if a name came twice,
  // fewer members were read than were written.
  return countRead(value, 1) === countWritten(text) ? (value as JsonObject) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Members of all objects in a JSON text that is known to be valid: its colons outside strings. */
function countWritten(text: string): number {
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === ':') members++;
    else if (char === '"') at = endOfString(text, at);
  }
  return members;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Members of all objects in a value; NaN, which equals no count, where something in it is refused. */
function countRead(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > maxDepth) return Number.NaN;
  if (Array.isArray(value)) return sumRead(value, depth + 1);
  if (Object.hasOwn(value, '__proto__')) return Number.NaN;
  const members = Object.values(value);
  return members.length + sumRead(members, depth + 1);
}

function sumRead(values: readonly unknown[], depth: number): number {
  let members = 0;
  for (const value of values) members += countRead(value, depth);
  return members;
}
