import type { SchemaNode } from './fields.ts';
import { childOf, takes } from './node.ts';
import type { Path } from './path.ts';

/** A copy of a config that may be changed. */
export interface Draft {
  /** Takes the value at a place away. List entries keep their positions: of a list nothing is taken. */
  leaveOut(path: Path): void;
  /**
   * Puts something valid in a place, so that what is right beside it can still be checked: with `guess` the value as it
   * was probably meant (`RS256` as `[RS256]`), else the default, else a placeholder.
   */
  mend(path: Path, trust: Trust): void;
  readonly value: object;
}

/** How much of what stands at a place is still believed. */
export type Trust = 'guess' | 'none';

type Container = Record<string | number, unknown>;

/** Copies a value for its parts to be replaced, one after the other, without a copy of the whole for each. */
export function createDraft(value: object, schema: SchemaNode): Draft {
  const root = copy(value, new Map()) as Container;

  function find(path: Path): { container: Container; node: SchemaNode | null } | null {
    let container: unknown = root;
    let node: SchemaNode | null = schema;
    for (const part of path.slice(0, -1)) {
      container = own(container, part);
      node = node && childOf(node, part);
    }
    return typeof container === 'object' && container !== null
      ? { container: container as Container, node }
      : null;
  }

  return {
    value: root,
    leaveOut(path) {
      const container = find(path)?.container;
      if (container !== undefined && !Array.isArray(container)) delete container[path.at(-1) as string];
    },
    mend(path, trust) {
      const found = find(path);
      const part = path.at(-1);
      if (found === null || part === undefined) return;
      const { container } = found;
      const isEntry = Array.isArray(container);
      if (isEntry !== (typeof part === 'number') || (isEntry && Number(part) >= container.length)) return;
      const node = found.node && childOf(found.node, part);
      const next = node === null ? undefined : replace(own(container, part), node, trust);
      if (next !== undefined) define(container, part, next);
      else if (!isEntry) delete container[part];
    },
  };
}

function copy(value: unknown, known: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const earlier = known.get(value);
  if (earlier !== undefined) return earlier;
  const target: Container | unknown[] = Array.isArray(value) ? [] : {};
  known.set(value, target);
  for (const [key, child] of Object.entries(value)) define(target as Container, key, copy(child, known));
  return target;
}

/** Also where the key is `__proto__`. */
function define(target: Container, key: string | number, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function own(value: unknown, part: string | number): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, part)
    ? (value as Container)[part]
    : undefined;
}

/** Undefined: leave it out, the default takes over. */
function replace(value: unknown, node: SchemaNode, trust: Trust): unknown {
  const scalar = ['string', 'number', 'boolean'].includes(typeof value);
  if (trust === 'guess' && scalar && node.items !== undefined) return [value];
  // Something was meant to be in the list: an empty one would say that nothing was.
  const list = Array.isArray(node.default) && node.default.length === 0 && node.items !== undefined;
  if (list && value !== null) return [placeholder(node.items as SchemaNode)];
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
