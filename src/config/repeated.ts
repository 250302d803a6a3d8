import type { SchemaNode } from './fields.ts';
import type { Finding } from './finding.ts';
import { formatPath, type Path } from './path.ts';
import { walk } from './walk.ts';

/**
 * Entries that stand twice in a list that must not repeat itself. This takes the place of ajv's `uniqueItems`, which
 * compares every entry with every other, and calls the `toString` of an entry that has a key of that name.
 */
export function findRepeated(value: unknown, schema: SchemaNode): Finding[] {
  const found: Finding[] = [];
  walk(value, schema, (each, node, path) => {
    if (Array.isArray(each) && node?.uniqueItems) found.push(...repetitions(each, [...path]));
    return node !== null;
  });
  return found;
}

function repetitions(list: readonly unknown[], path: Path): Finding[] {
  const first = new Map<string, number>();
  return list.flatMap((item, index) => {
    const text = canonical(item);
    const earlier = first.get(text);
    if (earlier === undefined) {
      first.set(text, index);
      return [];
    }
    return [
      {
        path: [...path, index],
        message: `stands here twice: it is the same entry as ${formatPath([...path, earlier])}`,
      },
    ];
  });
}

/** The same text for values that differ in the order of their keys alone. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}
