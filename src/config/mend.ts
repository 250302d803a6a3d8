import type { SchemaNode } from './fields.ts';
import { childOf, takes } from './node.ts';
import type { Path } from './path.ts';

/** How much of what stands at a place is still believed. */
export type Trust = 'guess' | 'none';

/**
 * A copy in which something valid stands at a place, so that what is right beside it can still be checked: with
 * `guess` the value as it was probably meant (`RS256` as `[RS256]`), else the default, else a placeholder. What the
 * schema does not know is left out. List entries keep their positions.
 */
export function mend(value: unknown, node: SchemaNode | null, path: Path, trust: Trust): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return node === null ? value : replace(value, node, trust);
  const child = node && childOf(node, part);
  if (typeof part === 'number') {
    if (!Array.isArray(value)) return value;
    return value.map((item, index) => (index === part ? mend(item, child, rest, trust) : item));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { [part]: found, ...others } = value as Readonly<Record<string, unknown>>;
  const old = Object.hasOwn(value, part) ? found : undefined;
  if (rest.length > 0) return { ...others, [part]: mend(old, child, rest, trust) };
  const next = child === null ? undefined : replace(old, child, trust);
  return next === undefined ? others : { ...others, [part]: next };
}

/** A copy without the value at a place. */
export function leaveOut(value: unknown, path: Path): unknown {
  return mend(value, null, path, 'none');
}

/** Undefined: leave it out, the default takes over. */
function replace(value: unknown, node: SchemaNode, trust: Trust): unknown {
  const scalar = ['string', 'number', 'boolean'].includes(typeof value);
  if (trust === 'guess' && scalar && node.items !== undefined) return [value];
  // Something was meant to be in the list: an empty one would say that nothing was.
  if (
    Array.isArray(node.default) &&
    node.default.length === 0 &&
    node.items !== undefined &&
    value !== null
  ) {
    return [placeholder(node.items)];
  }
  return node.default !== undefined ? undefined : placeholder(node);
}

/** What stands for a text whose form is free. */
export const placeholderText = 'placeholder';

const texts: Readonly<Record<string, string>> = {
  cidr: '192.0.2.1',
  'fetch-url': 'https://placeholder.invalid/keys',
  method: 'GET',
  origin: 'https://placeholder.invalid',
  'upstream-url': 'http://placeholder.invalid',
};

/** Valid in itself; what is said of it is never told. */
function placeholder(node: SchemaNode): unknown {
  if (node.const !== undefined) return node.const;
  if (node.enum !== undefined) return node.enum[0];
  if (node.oneOf?.[0] !== undefined) return placeholder(node.oneOf[0]);
  if (takes(node, 'string')) return texts[node.format ?? ''] ?? placeholderText;
  if (node.items !== undefined) return [placeholder(node.items)];
  if (takes(node, 'integer') || takes(node, 'number')) return node.minimum ?? 1;
  if (takes(node, 'boolean')) return true;
  const keys = node.minProperties ? ['exists'] : (node.required ?? []);
  return Object.fromEntries(
    keys.map((key) => [key, placeholder(childOf(node, key) ?? { type: 'string' })] as const),
  );
}
