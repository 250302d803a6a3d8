import type { SchemaNode } from './fields.ts';
import type { Path } from './path.ts';

/** The schema of what stands at a place, or null where nothing may stand. */
export function schemaAt(root: SchemaNode, path: Path): SchemaNode | null {
  let node: SchemaNode | null = root;
  for (const part of path) node = node === null ? null : childOf(node, part);
  return node;
}

/** The schema of a key or list position within what a schema describes. */
export function childOf(node: SchemaNode, part: string | number): SchemaNode | null {
  if (typeof part === 'number') return node.items ?? null;
  const property =
    node.properties && Object.hasOwn(node.properties, part) ? node.properties[part] : undefined;
  if (property !== undefined) return property;
  for (const variant of node.oneOf ?? []) {
    const found = childOf(variant, part);
    if (found !== null) return found;
  }
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : null;
}

/** Whether a schema takes a JSON type. */
export function takes(node: SchemaNode, type: string): boolean {
  return [node.type].flat().includes(type);
}
