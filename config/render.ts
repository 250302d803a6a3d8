import type { SchemaNode } from '../src/config/fields.ts';
import { configSchema } from '../src/config/schema.ts';

/** What each generated file must hold, by its path from the root of the project. */
export function renderAll(head: string): Readonly<Record<string, string>> {
  return {
    'config/schema.json': `${JSON.stringify(configSchema, null, 2)}\n`,
    'config/full.yaml': renderFull(),
    'docs/configuration.md': `${head.trimEnd()}\n\n${renderTables()}`,
  };
}

/** What the required settings are in the full example. */
const samples: Readonly<Record<string, unknown>> = {
  'upstream.url': 'http://127.0.0.1:3000',
  'issuers.issuer': 'https://idp.example.com',
  'issuers.audience': 'api://orders',
};
const lineWidth = 110;

function renderFull(): string {
  const head =
    '# yaml-language-server: $schema=schema.json\n' +
    '# Everything that can be configured, with its default. Durations: 250ms 30s 5m 24h or seconds; sizes: 16KiB 4MiB or bytes.\n';
  return `${head}${renderSection(configSchema, '', 0)}`;
}

function renderSection(node: SchemaNode, path: string, depth: number): string {
  return Object.entries(node.properties ?? {})
    .map(
      ([key, child]) =>
        (depth === 0 ? '\n' : '') + renderSetting(key, child, path === '' ? key : `${path}.${key}`, depth),
    )
    .join('');
}

function renderSetting(key: string, node: SchemaNode, path: string, depth: number): string {
  const indent = '  '.repeat(depth);
  const comment = wrap(node.description ?? '', lineWidth - indent.length - 2)
    .map((line) => `${indent}# ${line}\n`)
    .join('');
  if (
    node.items?.properties !== undefined &&
    samples[`${path}.${Object.keys(node.items.properties)[0]}`] !== undefined
  ) {
    const item = renderSection(node.items, path, depth + 2).replace(
      /^((?: *#.*\n)*)( *)(?=\S)/,
      (_all, comments: string, space: string) => `${comments}${space.slice(0, -2)}- `,
    );
    return `${comment}${indent}${key}:\n${item}`;
  }
  const off = node.default === null && node.properties !== undefined;
  if (node.properties !== undefined && !off) {
    return `${comment}${indent}${key}:\n${renderSection(node, path, depth + 1)}`;
  }
  return `${comment}${indent}${key}: ${renderValue(samples[path] ?? node.default)}\n`;
}

/** Flow style, as short as YAML allows it. */
function renderValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(renderValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => `${key}: ${renderValue(item)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return String(value);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function renderTables(): string {
  const tables: string[] = [];
  collectTables(configSchema, '', tables);
  return `${tables.join('\n')}`;
}

/** A table a section, outermost first; what a section holds in sections of its own comes after it. */
function collectTables(node: SchemaNode, path: string, tables: string[]): void {
  const rows: string[] = [];
  const nested: { node: SchemaNode; path: string }[] = [];
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const own = path === '' ? key : `${path}.${key}`;
    rows.push(`| \`${key}\` | ${typeOf(child)} | ${defaultOf(child)} | ${cell(child.description ?? '')} |`);
    const below = child.properties ? child : child.items?.properties ? child.items : entryOf(child);
    if (below?.properties)
      nested.push({
        node: below,
        path: own + (child.items?.properties ? '[]' : child.properties ? '' : '.NAME'),
      });
  }
  const title = path === '' ? 'The file' : `\`${path}\``;
  tables.push(`## ${title}\n\n| key | type | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`);
  // What each of `upstreams` holds is what `upstream` holds.
  for (const each of nested)
    if (!each.path.startsWith('upstreams.')) collectTables(each.node, each.path, tables);
}

function entryOf(node: SchemaNode): SchemaNode | null {
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : null;
}

function typeOf(node: SchemaNode): string {
  if (node['x-unit'] !== undefined) return node['x-unit'];
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(' ');
  const text = (node['x-expects'] ?? [node.type].flat().join(' or ')).replace(/, or null$/, '');
  return cell(text);
}

function defaultOf(node: SchemaNode): string {
  if (node.default === undefined) return '**required**';
  if (typeof node.default === 'object' && node.default !== null && node.properties) return '';
  return `\`${renderValue(node.default)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
