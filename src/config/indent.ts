import type { Position } from './finding.ts';

/** Keys, or entries of a list, that stand in line with each other. */
interface Level {
  readonly kind: 'keys' | 'entries';
  /** How many blanks stand before them. */
  readonly column: number;
  /** The latest of them. */
  readonly name: string;
  /** Whether the value of the latest key stands in the same line. */
  readonly filled: boolean;
}

export interface Misplaced {
  readonly message: string;
  readonly position: Position;
}

/**
 * The first line of a YAML text whose indentation fits nothing above it, in words. Only for texts that YAML refuses:
 * it knows keys and entries in lines of their own, not texts or brackets that go over several lines.
 *
 * @param isKnown - whether a key may be named: any other could be a part of a text, and so of a secret
 */
export function findMisplaced(text: string, isKnown: (key: string) => boolean): Misplaced | null {
  const levels: Level[] = [];
  let blockAt: number | null = null;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trimEnd();
    const indent = /^ */.exec(line)?.[0].length ?? 0;
    if (line === '' || line[indent] === '#') continue;
    if (blockAt !== null && indent > blockAt) continue;
    blockAt = /(:|-)\s+[|>][+-]?\d?$/.test(line) ? indent : null;
    const parts = readLine(line, indent);
    if (parts.length === 0) return null;
    for (const part of parts) {
      const neighbor = place(levels, part);
      if (neighbor === null) continue;
      const [own, above] = [part, neighbor].map(({ kind, name }) =>
        kind === 'entries' ? 'the "-"' : isKnown(name) ? name : 'a key',
      );
      return {
        message: `${own} is indented by ${part.column}, ${above} above by ${neighbor.column}`,
        position: { line: index + 1, column: part.column + 1 },
      };
    }
  }
  return null;
}

/** The entries and the key that a line begins; empty where it begins something else. */
function readLine(line: string, indent: number): Level[] {
  const parts: Level[] = [];
  let at = indent;
  for (;;) {
    const dash = /^-(\s+|$)/.exec(line.slice(at));
    if (dash === null) break;
    parts.push({ kind: 'entries', column: at, name: '-', filled: false });
    at += dash[0].length;
  }
  const found = /^("[^"]*"|'[^']*'|[^\s#:'"[\]{},-][^:#]*?):(?:\s+(.*))?$/.exec(line.slice(at));
  if (found === null) return parts;
  const [, name = '', value = ''] = found;
  // After a comment, an anchor or a tag alone the value is still to come.
  const filled = value !== '' && !/^(#|[&!]\S*\s*(#|$))/.test(value);
  return [...parts, { kind: 'keys', column: at, name, filled }];
}

/** Puts a part in line with those above it. Returns the one that it should be in line with, where it fits nowhere. */
function place(levels: Level[], part: Level): Level | null {
  const left: Level[] = [];
  while (levels.length > 0 && (levels.at(-1) as Level).column > part.column) left.push(levels.pop() as Level);
  const top = levels.at(-1);
  const nearest = left.findLast(({ kind }) => kind === part.kind);
  if (top?.column === part.column) {
    const around = levels.at(-2);
    // A list may stand in line with the key that it belongs to.
    const after = top.kind === 'entries' && part.kind === 'keys';
    if (after && around?.column !== part.column) return nearest ?? null;
    if (after) levels.pop();
    if (top.kind === part.kind || after) levels.pop();
    levels.push(part);
    return null;
  }
  if (left.length > 0) return part.kind === 'entries' && top?.kind === 'entries' ? top : (nearest ?? null);
  if (top?.kind === 'keys' && top.filled) return top;
  levels.push(part);
  return null;
}
