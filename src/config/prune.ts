import type { Path } from './path.ts';

/**
 * A copy without the value at a place, so that its default takes over. List entries keep their positions, or what is
 * said of the others would name the wrong one: the copy is then as it was.
 */
export function prune(value: unknown, path: Path): unknown {
  const [part, ...rest] = path;
  if (part === undefined || typeof value !== 'object' || value === null) return value;
  if (typeof part === 'number') {
    if (!Array.isArray(value) || rest.length === 0) return value;
    return value.map((item, index) => (index === part ? prune(item, rest) : item));
  }
  const { [part]: child, ...others } = value as Record<string, unknown>;
  return rest.length === 0 ? others : { ...others, [part]: prune(child, rest) };
}
