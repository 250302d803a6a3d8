import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Path } from './path.ts';
import type { Finding } from './validate.ts';

const maxNodes = 100_000;
const maxDepth = 64;

/**
 * The value of a YAML document, its aliases written out. What says nothing (`audience:` with nothing after it, which
 * YAML reads as null, and null often switches a check off) is a finding and left out, as is what no config needs.
 */
export function toPlain(document: Document.Parsed): { value: unknown; findings: readonly Finding[] } {
  const findings: Finding[] = [];
  let nodes = 0;

  function leaveOut(path: Path, message: string, more: Partial<Finding> = {}): undefined {
    findings.push({ path, message, ...more });
    return undefined;
  }

  function read(node: unknown, path: Path): unknown {
    nodes++;
    if (nodes === maxNodes) leaveOut([], `there are more than ${maxNodes} values, aliases written out`);
    if (nodes >= maxNodes) return undefined;
    if (path.length > maxDepth) return leaveOut(path.slice(0, 1), 'is nested too deeply');
    if (isAlias(node)) return read(node.resolve(document), path);
    if (isMap(node)) return readMap(node.items, path);
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index]));
    if (isScalar(node) && !(node.value === null && node.source === '')) return node.value;
    return leaveOut(path, 'has no value', { hint: 'leave the key out for its default, or write null' });
  }

  function readMap(items: readonly { key: unknown; value: unknown }[], path: Path): unknown {
    const entries: [string, unknown][] = [];
    for (const { key, value } of items) {
      const text = keyText(key);
      if (text === null) leaveOut(path, 'has a key that is a list or a map');
      else if (text === '__proto__') leaveOut([...path, text], 'cannot be a key', { atKey: true });
      else entries.push([text, read(value, [...path, text])]);
    }
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }

  // An empty document configures nothing, which is for the schema to say.
  const value = document.contents === null || isEmpty(document.contents) ? {} : read(document.contents, []);
  return { value, findings };
}

/** A key as text; null where it is a list or a map. */
export function keyText(key: unknown): string | null {
  return isScalar(key) ? String(key.value) : null;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null;
}
