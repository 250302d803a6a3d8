import { type ErrorCode, isAlias, isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Path } from './path.ts';
import { keyText, toPlain } from './plain.ts';
import type { Finding } from './validate.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Parsed {
  /** Undefined where the text cannot be read at all. */
  readonly value: unknown;
  /** Why the text cannot be read. */
  readonly errors: readonly (Finding & { readonly position: Position })[];
  /** What is left out of the value, because it says nothing or too much. */
  readonly findings: readonly Finding[];
  /** Where a place is in the text; of what is not there, where the nearest thing around it is. */
  locate(path: Path, atKey?: boolean): Position | undefined;
}

/** Reads YAML 1.2, of which JSON is a part. Duplicate keys, several documents and alias bombs are faults. */
export function parseText(text: string): Parsed {
  const lineCounter = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  const deep = findDepth(text);
  if (deep !== undefined) {
    return unreadable([
      { path: [], message: `more than ${mostOpen} brackets are open here`, position: deep },
    ]);
  }
  const document = parseDocument(text, { lineCounter, uniqueKeys: true, prettyErrors: false });
  const errors = [...document.errors, ...document.warnings]
    .map(({ code, message, pos }) => ({
      path: [],
      message: sayError(code, message),
      ...hintAt(text, pos[0]),
      position: at(pos[0]),
    }))
    // What follows in the same line is the first one's consequence.
    .filter(
      ({ position }, index, all) => all.findIndex((each) => each.position.line === position.line) === index,
    );
  if (errors.length > 0) return unreadable(errors);
  return {
    ...toPlain(document),
    errors: [],
    locate(path, atKey = false) {
      const offset = offsetOf(document.contents, path, atKey);
      return offset === undefined ? undefined : at(offset);
    },
  };
}

function unreadable(errors: Parsed['errors']): Parsed {
  return { value: undefined, errors, findings: [], locate: () => undefined };
}

/** No config needs as many, and over thousands of them the parser takes minutes, in which no request is answered. */
const mostOpen = 200;

/** Where more brackets are open than may be, those in texts and comments included. */
function findDepth(text: string): Position | undefined {
  let open = 0;
  for (const { 0: bracket, index } of text.matchAll(/[[{\]}]/g)) {
    open = bracket === '[' || bracket === '{' ? open + 1 : Math.max(0, open - 1);
    if (open > mostOpen) {
      const lines = text.slice(0, index + 1).split('\n');
      return { line: lines.length, column: lines.at(-1)?.length ?? 1 };
    }
  }
  return undefined;
}

/** The parser's own words where they are safe; others of its messages repeat what stands there, secrets too. */
const words: Partial<Readonly<Record<ErrorCode, string>>> = {
  BAD_SCALAR_START: 'a plain text cannot begin with this character; put it in quotes',
  BAD_DQ_ESCAPE: 'this escape is unknown; in single quotes a backslash is itself',
  BLOCK_AS_IMPLICIT_KEY: 'there are two ": " in one line; put the text in quotes',
  BAD_ALIAS: 'this alias cannot stand here',
  DUPLICATE_KEY: 'the same key stands here twice',
  MULTIPLE_DOCS: 'there are several documents; one is expected',
  TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'this tag is unknown',
};
const safe: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_INDENT',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
]);

function sayError(code: ErrorCode, message: string): string {
  return words[code] ?? (safe.has(code) ? message : 'this is not YAML');
}

function hintAt(text: string, offset: number): { hint?: string } {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? '';
  const inFlow = /[{[,:]\s*\$\{|[{[].*\$\{/.test(line);
  return inFlow ? { hint: 'inside { } and [ ], put quotes around a text with $' + '{…}' } : {};
}

function offsetOf(root: Node | null, path: Path, atKey: boolean): number | undefined {
  let node: Node | null = root;
  let offset = root?.range?.[0];
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === part);
      if (pair === undefined) return offset;
      const key = pair.key as Node;
      node = (pair.value ?? null) as Node | null;
      const last = depth === path.length - 1;
      offset = (atKey && last ? key.range?.[0] : (node?.range?.[0] ?? key.range?.[0])) ?? offset;
    } else if (isSeq(node) && typeof part === 'number') {
      node = (node.items[part] ?? null) as Node | null;
      offset = node?.range?.[0] ?? offset;
    } else {
      return offset;
    }
    if (isAlias(node)) return offset;
  }
  return offset;
}
