import type { SchemaNode } from './fields.ts';
import { childOf } from './node.ts';
import { parseDuration, parseSize } from './units.ts';

type Entries = Readonly<Record<string, unknown>>;

/**
 * A valid value, complete: short forms written out, defaults filled in, durations in milliseconds, sizes in bytes,
 * everything frozen. The argument is left as it is.
 */
export function fill(value: unknown, node: SchemaNode): unknown {
  if (node['x-unit'] !== undefined && isAmount(value)) {
    return node['x-unit'] === 'duration' ? parseDuration(value) : parseSize(value);
  }
  if (typeof value === 'string') {
    if (node['x-short'] !== undefined) return fill({ [node['x-short']]: value }, node);
    return node['x-wrap'] ? Object.freeze([value]) : value;
  }
  if (Array.isArray(value)) {
    return Object.freeze(value.map((item) => (node.items === undefined ? item : fill(item, node.items))));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.freeze(fillEntries(value as Entries, node));
}

function fillEntries(entries: Entries, node: SchemaNode): Entries {
  const filled: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const given = Object.hasOwn(entries, key) ? entries[key] : undefined;
    const value = given ?? (given === null ? null : defaultOf(child, entries));
    if (value !== undefined) filled[key] = fill(value, child);
  }
  for (const [key, value] of Object.entries(entries)) {
    if (Object.hasOwn(filled, key)) continue;
    const child = childOf(node, key);
    Object.defineProperty(filled, key, {
      value: child === null ? value : fill(value, child),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return filled;
}

function defaultOf(node: SchemaNode, neighbors: Entries): unknown {
  const bound = node['x-at-most'] === undefined ? undefined : neighbors[node['x-at-most']];
  if (isAmount(bound) && isAmount(node.default) && amountOf(bound) < amountOf(node.default)) return bound;
  const given = node['x-unless']?.some((key) => neighbors[key] !== undefined && neighbors[key] !== null);
  return given ? false : node.default;
}

function isAmount(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function amountOf(value: string | number): number {
  return parseDuration(value) ?? Number.POSITIVE_INFINITY;
}
