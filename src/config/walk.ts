import type { SchemaNode } from './fields.ts';
import { childOf } from './node.ts';
import type { Path } from './path.ts';

/**
 * Called for a value and the schema of its place, null where nothing is known of it. The path is good for the moment of
 * the call alone: who keeps it copies it. False: what is within is not visited.
 */
export type Visit = (value: unknown, node: SchemaNode | null, path: Path) => boolean;

/** Visits a value and all that is within it, outermost first. */
export function walk(root: unknown, schema: SchemaNode, visit: Visit): void {
  const path: (string | number)[] = [];
  const enter = (value: unknown, node: SchemaNode | null): void => {
    if (visit(value, node, path) === false || typeof value !== 'object' || value === null) return;
    const step = (part: string | number, child: unknown) => {
      path.push(part);
      enter(child, node && childOf(node, part));
      path.pop();
    };
    if (Array.isArray(value)) for (const [index, child] of value.entries()) step(index, child);
    else for (const key of Object.keys(value)) step(key, (value as Readonly<Record<string, unknown>>)[key]);
  };
  enter(root, schema);
}
