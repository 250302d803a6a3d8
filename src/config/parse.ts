import { isAlias, isMap, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml';
import type { SchemaNode } from './fields.ts';
import type { Finding, Position } from './finding.ts';
import { findMisplaced } from './indent.ts';
import type { Path } from './path.ts';
import { keyText, toPlain } from './plain.ts';
import { configSchema } from './schema.ts';
import { explainYaml } from './yaml-error.ts';

export interface Parsed {
  /** Undefined where the text cannot be read at all. */
  readonly value: unknown;
  /** Why the text cannot be read. */
  readonly errors: readonly (Finding & { readonly position: Position })[];
  /** What is left out of the value, because it says nothing or too much. */
  readonly findings: readonly Finding[];
  /** Places whose value is left out. */
  readonly broken: readonly Path[];
  /** What can be read, but perhaps not as it was meant. */
  readonly warnings: readonly Finding[];
  /** Advice. */
  readonly notes: readonly Finding[];
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
  // Doubled keys are found in the document, where both places are known.
  const document = parseDocument(text, { lineCounter, uniqueKeys: false, prettyErrors: false });
  const errors = explainErrors(text, [...document.errors, ...document.warnings], at);
  if (errors.length > 0) return unreadable(errors);
  return {
    ...toPlain(document, at),
    errors: [],
    locate(path, atKey = false) {
      const offset = offsetOf(document.contents, path, atKey);
      return offset === undefined ? undefined : at(offset);
    },
  };
}

/** In a text that is no YAML at all there is one in every line. */
const mostErrors = 50;

function explainErrors(
  text: string,
  errors: readonly YAMLError[],
  at: (offset: number) => Position,
): Parsed['errors'] {
  // What follows in the same line is the first one's consequence.
  const lines = new Map(errors.map((error) => [at(error.pos[0]).line, error] as const).toReversed());
  const firsts = [...lines.values()].toReversed().slice(0, mostErrors);
  const explained = firsts.map((error) => {
    const { offset, ...rest } = explainYaml(text, error);
    return { path: [], ...rest, position: at(offset) };
  });
  const found = explained.filter(
    ({ position }, index) => explained.findIndex((each) => each.position.line === position.line) === index,
  );
  const [first] = found;
  const misplaced = first === undefined || first.hint !== undefined ? null : findMisplaced(text, isKnownKey);
  // The parser notices in the same line, in the one before, or in the one after.
  if (first === undefined || misplaced === null) return found;
  const { line } = misplaced.position;
  if (Math.abs(line - first.position.line) > 1) return found;
  // The lines below are out of place only because this one is.
  return [{ path: [], ...misplaced }];
}

/** Whether a key is that of some setting. */
function isKnownKey(key: string, node: SchemaNode = configSchema): boolean {
  const { properties = {}, items, additionalProperties, oneOf = [] } = node;
  if (Object.hasOwn(properties, key)) return true;
  const entries = typeof additionalProperties === 'object' ? [additionalProperties] : [];
  const within = [
    ...Object.values(properties),
    ...(items === undefined ? [] : [items]),
    ...entries,
    ...oneOf,
  ];
  return within.some((each) => isKnownKey(key, each));
}

function unreadable(errors: Parsed['errors']): Parsed {
  return {
    value: undefined,
    errors,
    findings: [],
    broken: [],
    warnings: [],
    notes: [],
    locate: () => undefined,
  };
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
