import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import type { Path } from './path.ts';
import type { Finding } from './validate.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Parsed {
  readonly value: unknown;
  readonly findings: readonly (Finding & { readonly position?: Position })[];
  /** Where a place is in the text; of what is not there, where the nearest thing around it is. */
  locate(path: Path, atKey?: boolean): Position | undefined;
}

/** Reads YAML 1.2, of which JSON is a part. Duplicate keys, several documents and alias bombs are faults. */
export function parseText(text: string): Parsed {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter,
    uniqueKeys: true,
    prettyErrors: false,
  }) as Document.Parsed[];
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  const [document] = documents;
  const errors = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  const findings: (Finding & { position?: Position })[] = errors.map(({ message, pos }) => ({
    path: [],
    message: message.split('\n')[0] ?? 'is not YAML',
    position: at(pos[0]),
  }));
  if (documents.length > 1) {
    findings.push({
      path: [],
      message: 'holds several documents; one is expected',
      position: at(documents[1]?.range[0] ?? 0),
    });
  }
  const none = () => undefined;
  if (document === undefined || findings.length > 0) return { value: undefined, findings, locate: none };
  const value = toValue(document);
  if (value instanceof Error)
    return { value: undefined, findings: [{ path: [], message: value.message }], locate: none };
  return {
    value,
    findings: [],
    locate(path, atKey = false) {
      const offset = offsetOf(document.contents, path, atKey);
      return offset === undefined ? undefined : at(offset);
    },
  };
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return error instanceof Error ? error : new Error('is not readable');
  }
}

function offsetOf(root: Node | null, path: Path, atKey: boolean): number | undefined {
  let node: Node | null = root;
  let offset = root?.range?.[0];
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === part);
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
  }
  return offset;
}
