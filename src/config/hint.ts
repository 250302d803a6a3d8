import type { SchemaNode } from './fields.ts';
import { hintText } from './hint-text.ts';
import { takes } from './node.ts';
import { suggest } from './suggest.ts';
import { formatDuration, formatSize } from './units.ts';

/** Of what is longer nothing is guessed. */
const longest = 200;

/** How a value that does not fit should have been written, as far as what was meant can be told; null where it cannot. */
export function hintValue(value: unknown, node: SchemaNode): string | null {
  if (typeof value === 'string' && value.length > longest) return null;
  if (node['x-unit'] === 'duration') return hintDuration(value);
  if (node['x-unit'] === 'size') return hintSize(value);
  if (isOff(value) && takes(node, 'null') && node.properties) return 'write null to switch it off';
  if (value === null) return hintNull(node);
  if (node.items !== undefined && !takes(node, 'string')) return hintList(value, node.items);
  if (takes(node, 'boolean')) return hintFlag(value);
  if (node.enum !== undefined) return hintChoice(value, node.enum);
  if (takes(node, 'integer')) return hintInteger(value);
  if (node.oneOf !== undefined) return hintVariant(value, node.oneOf);
  if (node.properties && Object.hasOwn(node.properties, 'equals')) return hintMatcher(value);
  if (node.properties || typeof node.additionalProperties === 'object') return hintMap(value, node);
  if (takes(node, 'string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return 'put the value in quotes';
  }
  return typeof value === 'string' ? hintText(value, node) : null;
}

const unitWords: readonly { readonly words: RegExp; readonly milliseconds: number }[] = [
  { words: /^(ms|msecs?|millis?|milliseconds?)$/i, milliseconds: 1 },
  { words: /^(s|secs?|seconds?)$/i, milliseconds: 1000 },
  { words: /^(m|mins?|minutes?)$/i, milliseconds: 60_000 },
  { words: /^(h|hrs?|hours?)$/i, milliseconds: 3_600_000 },
  { words: /^(d|days?)$/i, milliseconds: 86_400_000 },
  { words: /^(w|weeks?)$/i, milliseconds: 604_800_000 },
];

function hintDuration(value: unknown): string {
  const units = 'the units are 250ms, 30s, 5m and 24h';
  if (String(value).startsWith('-')) return `it cannot be negative; ${units}`;
  if (typeof value === 'number') return units;
  // "10 sec", "1d", "1h30m", and "PT5M" of ISO 8601 are sums of amounts with a unit each.
  const text = String(value).replace(/^P(?=\d|T)|T(?=\d)/g, '');
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)\s*/gi)];
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text) return units;
  const amounts = parts.map(([, amount, unit = '']) => {
    const found = unit === '' ? { milliseconds: 1000 } : unitWords.find(({ words }) => words.test(unit));
    return Number(amount) * (found?.milliseconds ?? Number.NaN);
  });
  const sum = Math.round(amounts.reduce((one, other) => one + other, 0));
  return Number.isSafeInteger(sum) ? `write ${formatDuration(sum)}; ${units}` : units;
}

const sizeFactors: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

function hintSize(value: unknown): string {
  const units = 'the units are 512B, 16KiB, 4MiB and 1GiB';
  if (String(value).startsWith('-')) return `it cannot be negative; ${units}`;
  const [, amount, prefix = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?(?:b|bytes?)?$/i.exec(String(value)) ?? [];
  const size = Math.round(Number(amount) * (sizeFactors[prefix.toLowerCase()] ?? Number.NaN));
  return typeof value === 'string' && Number.isSafeInteger(size) && size > 0
    ? `write ${formatSize(size)}; ${units}`
    : units;
}

function isOff(value: unknown): boolean {
  return value === false || value === 0 || /^(off|no|none|false|disabled?)$/i.test(String(value));
}

function hintNull(node: SchemaNode): string {
  if (node.items !== undefined)
    return node.default === undefined ? 'write a list' : 'leave the key out, or write []';
  if (node.default === undefined) return 'it has no default: write a value';
  const empty = typeof node.default === 'object' && node.default !== null;
  return empty ? 'leave the key out' : `leave the key out for its default, ${String(node.default)}`;
}

function hintList(value: unknown, item: SchemaNode): string {
  if (typeof value === 'object') return 'each entry of a list begins with "- "';
  const text = String(value);
  const words = item.properties ? [text] : text.split(/[\s,;]+/).filter((word) => word !== '');
  // A list of sections, or a text that is long or could hold a password.
  if (item.properties || item.oneOf || text.length > 80 || /[@?]/.test(text)) {
    return 'each entry of a list begins with "- "';
  }
  return `write [${words.map((word) => quoteForYaml(word)).join(', ')}]`;
}

/** As it may stand between brackets. */
export function quoteForYaml(text: string): string {
  return /^[\w/][\w./:+-]*$/.test(text) && !/:$/.test(text) ? text : JSON.stringify(text);
}

function hintFlag(value: unknown): string | null {
  const text = String(value).toLowerCase();
  if (/^(yes|y|on|true|1|enabled?)$/.test(text)) return 'write true';
  return /^(no|n|off|false|0|disabled?)$/.test(text) ? 'write false' : null;
}

function hintChoice(value: unknown, words: readonly unknown[]): string | null {
  if (typeof value !== 'string') return null;
  const near = suggest(
    value.trim(),
    words.filter((word) => typeof word === 'string'),
  );
  return near === null ? null : `did you mean "${near}"?`;
}

function hintInteger(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const digits = /^\D{0,2}(\d[\d_, ']*)(?:\/(?:tcp|udp))?$/i.exec(value.trim())?.[1]?.replace(/\D/g, '');
  if (digits === undefined || value.trim().startsWith('-')) return null;
  return value.trim() === digits ? `write ${digits}, without quotes` : `write ${digits}`;
}

/** A bare word in the place of `{ type: word }`. */
function hintVariant(value: unknown, variants: readonly SchemaNode[]): string | null {
  const fits = variants.some(({ properties }) => properties?.type?.const === value);
  return fits ? `write { type: ${value} }` : null;
}

function hintMatcher(value: unknown): string {
  if (Array.isArray(value))
    return 'write { containsAny: [ … ] }, or { oneOf: [ … ] } for a claim that is no list';
  return 'write { equals: … }, or { contains: … } for a claim that is a list';
}

function hintMap(value: unknown, node: SchemaNode): string | null {
  if (Array.isArray(value)) {
    return node.properties
      ? 'write its keys without "- "'
      : 'write a name and a colon before each entry, not "- "';
  }
  const needed = node['x-short'] === undefined ? (node.required ?? []) : [];
  if (typeof value !== 'object' && needed.length > 0) {
    return `write { ${needed.map((key) => `${key}: …`).join(', ')} }`;
  }
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const properties = Object.entries(node.properties ?? {});
  const glued = properties.find(([key]) => String(value).startsWith(`${key}:`));
  if (glued !== undefined) return `put a blank after "${glued[0]}:"`;
  const word = properties.find(([, child]) => child.enum?.includes(value));
  if (word !== undefined) return `write { ${word[0]}: ${value} }`;
  const number = properties.find(([key, child]) => key === 'port' && takes(child, 'integer'));
  if (number !== undefined && typeof value === 'number') return `write { ${number[0]}: ${value} }`;
  return typeof value === 'string' ? hintText(value, node) : null;
}
