import type { SchemaNode } from './fields.ts';
import { takes } from './node.ts';

/** Text from the environment as the type that the schema wants there; as it is where it fits none, for the check to name. */
export function coerce(text: string, node: SchemaNode | null): unknown {
  if (node === null) return text;
  if (text === 'null' && takes(node, 'null')) return null;
  if (takes(node, 'boolean') && (text === 'true' || text === 'false')) return text === 'true';
  const numeric = takes(node, 'number') || takes(node, 'integer');
  if (numeric && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}
