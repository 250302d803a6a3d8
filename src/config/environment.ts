import { coerce } from './coerce.ts';
import type { SchemaNode } from './fields.ts';
import type { Finding } from './finding.ts';
import { childOf, takes } from './node.ts';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';
import { suggest } from './suggest.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'SIDECAR_';
/** What Kubernetes sets for a Service called sidecar. */
const kubernetes = /^SIDECAR_(PORT(_.*)?|SERVICE_(HOST|PORT)(_.*)?)$/;
const shorthands: Readonly<Record<string, Path>> = {
  SIDECAR_UPSTREAM: ['upstream', 'url'],
  SIDECAR_ISSUER: ['issuers', 0, 'issuer'],
  SIDECAR_AUDIENCE: ['issuers', 0, 'audience'],
};

export interface Overlaid {
  readonly value: unknown;
  readonly warnings: readonly Finding[];
  /** The variable that set a place, by the place's text. */
  readonly variables: readonly { readonly path: Path; readonly name: string; readonly value: string }[];
}

/**
 * Lays `SIDECAR_` variables over a config: the path in upper snake case, levels joined by `__`, list positions as
 * numbers (`SIDECAR_LISTEN__PORT`, `SIDECAR_ISSUERS__0__AUDIENCE`). Unknown names are warnings.
 */
export function overlayEnvironment(value: unknown, env: Environment): Overlaid {
  const warnings: Finding[] = [];
  const variables: { path: Path; name: string; value: string }[] = [];
  let overlaid = value;
  for (const [name, text] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (text === undefined || !name.startsWith(prefix) || name === 'SIDECAR_CONFIG') continue;
    if (kubernetes.test(name)) continue;
    const found = locate(name);
    if (found === null) {
      warnings.push(unknownName(name));
      continue;
    }
    overlaid = set(overlaid, found.path, coerce(text, found.node), configSchema);
    variables.push({ path: found.path, name, value: text });
  }
  return { value: overlaid, warnings, variables };
}

/** The place that a variable's name means, where it is that of a scalar. */
function locate(name: string): { path: Path; node: SchemaNode } | null {
  const shorthand = shorthands[name];
  const words = name.slice(prefix.length).split('__');
  const path: (string | number)[] = [];
  let node: SchemaNode | null = configSchema;
  for (const word of shorthand ?? words) {
    if (node === null) return null;
    const part: string | number | null = shorthand ? word : partOf(node, String(word));
    if (part === null) return null;
    path.push(part);
    node = childOf(node, part);
  }
  return node !== null && isScalar(node) ? { path, node } : null;
}

function partOf(node: SchemaNode, word: string): string | number | null {
  if (takes(node, 'array')) return /^\d{1,3}$/.test(word) ? Number(word) : null;
  const keys = [node, ...(node.oneOf ?? [])].flatMap(({ properties }) => Object.keys(properties ?? {}));
  const key = keys.find((each) => upperSnake(each) === word);
  if (key !== undefined) return key;
  // Keys that the user chooses, such as names of upstreams, are found in lower case.
  return typeof node.additionalProperties === 'object' && node.additionalProperties.properties
    ? word.toLowerCase()
    : null;
}

function isScalar(node: SchemaNode): boolean {
  if (node['x-wrap'] === true || node.const !== undefined) return true;
  return ['string', 'number', 'integer', 'boolean'].some((type) => takes(node, type));
}

/** `maxHeaderSize` → `MAX_HEADER_SIZE`. */
export function upperSnake(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

function unknownName(name: string): Finding {
  const known = [...Object.keys(shorthands), 'SIDECAR_CONFIG', ...scalarNames(configSchema, 'SIDECAR')];
  // What all of them begin with says nothing of how near one is.
  const near = suggest(
    name.slice(prefix.length),
    known.map((each) => each.slice(prefix.length)),
  );
  return {
    path: [],
    message: `the variable ${name} sets nothing`,
    ...(near !== null && { hint: `did you mean ${prefix}${near}?` }),
  };
}

function scalarNames(node: SchemaNode, name: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const own = `${name}${name === 'SIDECAR' ? '_' : '__'}${upperSnake(key)}`;
    const below = child.items === undefined ? scalarNames(child, own) : scalarNames(child.items, `${own}__0`);
    return isScalar(child) ? [own, ...below] : below;
  });
}

/** A copy with one place set; what is missing on the way is made, short forms are written out. */
function set(value: unknown, path: Path, leaf: unknown, node: SchemaNode | null): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return leaf;
  const child = node && childOf(node, part);
  if (typeof part === 'number') {
    const copy = Array.isArray(value) ? [...value] : [];
    copy[part] = set(copy[part], rest, leaf, child);
    return copy;
  }
  const short = node?.['x-short'];
  const long = typeof value === 'string' && short !== undefined ? { [short]: value } : value;
  const base = typeof long === 'object' && long !== null && !Array.isArray(long) ? long : {};
  const old = Object.hasOwn(base, part) ? (base as Record<string, unknown>)[part] : undefined;
  return { ...base, [part]: set(old, rest, leaf, child) };
}
