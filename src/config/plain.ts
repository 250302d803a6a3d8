import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Finding, Position } from './finding.ts';
import { schemaAt, takes } from './node.ts';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';
import { explainSign } from './yaml-error.ts';

const maxNodes = 100_000;
const maxDepth = 64;

export interface Plain {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Places whose value is left out. */
  readonly broken: readonly Path[];
  readonly warnings: readonly Finding[];
  readonly notes: readonly Finding[];
}

/**
 * The value of a YAML document, its aliases written out. What says nothing (`audience:` with nothing after it, which
 * YAML reads as null, and null often switches a check off) is a finding and left out, as is what no config needs.
 */
export function toPlain(document: Document.Parsed, at: (offset: number) => Position): Plain {
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  const notes: Finding[] = [];
  const broken: Path[] = [];
  /** What each anchor means so far; the parser's own search goes through the whole document for every alias. */
  const anchors = new Map<string, Node>();
  /** Whether what is read stands elsewhere in the text, where it is looked at too. */
  let aliased = false;
  let nodes = 0;

  function leaveOut(path: Path, message: string, more: Partial<Finding> = {}): undefined {
    findings.push({ path, message, ...more });
    if (path.length > 0) broken.push(path);
    return undefined;
  }

  function read(node: unknown, path: Path): unknown {
    nodes++;
    if (nodes === maxNodes) leaveOut([], `there are more than ${maxNodes} values, aliases written out`);
    if (nodes >= maxNodes) return undefined;
    if (path.length > maxDepth) return leaveOut(path.slice(0, 1), 'is nested too deeply');
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      const unknown =
        'a "*" begins a YAML alias, and nothing of this name was defined: put the text in quotes';
      if (target === undefined) return leaveOut(path, unknown);
      const outer = aliased;
      aliased = true;
      const value = read(target, path);
      aliased = outer;
      return value;
    }
    if (isMap(node) || isSeq(node) || isScalar(node)) noteAnchor(node, path);
    if (isMap(node)) return readMap(node.items, path);
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index]));
    if (isScalar(node) && !(node.value === null && node.source === '')) return readScalar(node, path);
    return leaveOut(path, ...sayEmpty(node, path));
  }

  function readMap(items: readonly { key: unknown; value: unknown }[], path: Path): unknown {
    const entries = new Map<string, unknown>();
    const places = new Map<string, Position>();
    for (const { key, value } of items) {
      const text = readKey(key, path);
      if (text === null) continue;
      const position = at((key as Node).range?.[0] ?? 0);
      const earlier = places.get(text);
      if (earlier === undefined) {
        places.set(text, position);
        entries.set(text, read(value, [...path, text]));
      } else {
        const message = `the same key stands here twice, first in line ${earlier.line}`;
        findings.push({ path: [...path, text], message, position });
      }
    }
    return Object.fromEntries([...entries].filter(([, value]) => value !== undefined));
  }

  function readKey(key: unknown, path: Path): string | null {
    const text = keyText(key);
    if (isScalar(key)) noteAnchor(key, path);
    if (text === null) findings.push({ path, message: 'has a key that is a list or a map' });
    if (text === '__proto__') leaveOut([...path, text], 'cannot be a key', { atKey: true });
    if (text === null || text === '__proto__') return null;
    // In JSON a comment and the key after it are one text to YAML.
    const glued = /^(?:\/\/|\/\*).*"([^"]*)"$/s.exec(text);
    if (glued === null) return text;
    const position = at((key as Node).range?.[0] ?? 0);
    findings.push({ path, message: 'this is no comment: comments begin with "#"', position });
    return glued[1] ?? null;
  }

  function readScalar(node: Scalar, path: Path): unknown {
    const { value, source = '', comment } = node;
    if (aliased) return value;
    if (typeof value === 'number' && /^[-+]?0[0-9xo]/.test(source)) {
      warnings.push({
        path,
        message: `is a number with a "0" before it, and is read as ${value}`,
        hint: `write ${value}, or put it in quotes if it is a text`,
      });
    }
    if (typeof value === 'string' && node.type === 'PLAIN' && /^\S/.test(comment ?? '')) {
      notes.push({
        path,
        message: 'what follows the "#" is a comment',
        hint: 'put the value in quotes if it belongs to it',
      });
    }
    return value;
  }

  function noteAnchor(node: Scalar | YAMLMap | YAMLSeq, path: Path): void {
    if (node.anchor === undefined || aliased) return;
    const earlier = anchors.get(node.anchor);
    anchors.set(node.anchor, node);
    if (earlier === undefined) return;
    const { line } = at(earlier.range?.[0] ?? 0);
    const message = `this anchor is defined in line ${line} too: an alias means the nearest one before it`;
    warnings.push({ path, message });
  }

  // An empty document configures nothing, which is for the schema to say.
  const value = document.contents === null || isEmpty(document.contents) ? {} : read(document.contents, []);
  return { value, findings, broken, warnings, notes };
}

/** What to write in the place of nothing; null only where that means something. */
function sayEmpty(node: unknown, path: Path): [message: string, more: Partial<Finding>] {
  const scalar = isScalar(node) ? node : null;
  if (scalar?.anchor !== undefined) return [explainSign('&') as string, {}];
  if (typeof scalar?.comment === 'string' && /^\S/.test(scalar.comment)) {
    return ['has no value: what follows the "#" is a comment', { hint: 'put the text in quotes' }];
  }
  const schema = schemaAt(configSchema, path);
  if (schema === null) return ['has no value', {}];
  const empty = schema.items === undefined ? (schema.type === 'object' ? '{}' : null) : '[]';
  const choices = [
    ...(schema.default === undefined ? ['write a value'] : ['leave the key out for its default']),
    ...(takes(schema, 'null')
      ? ['write null']
      : schema.default !== undefined && empty !== null
        ? [`write ${empty}`]
        : []),
  ];
  return ['has no value', { hint: choices.join(', or ') }];
}

/** A key as text; null where it is a list or a map. */
export function keyText(key: unknown): string | null {
  return isScalar(key) ? String(key.value) : null;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null;
}
