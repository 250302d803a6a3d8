import { Ajv, type ErrorObject } from 'ajv';
import type { SchemaNode } from './fields.ts';
import { formats } from './formats.ts';
import { describeMethod, describeMethodList } from './methods.ts';
import { childOf, schemaAt } from './node.ts';
import { formatPath, type Path } from './path.ts';
import { configSchema } from './schema.ts';
import { suggest } from './suggest.ts';
import { parseDuration, parseSize } from './units.ts';

/** What is wrong at a place; where that is in the file is added by whoever read it. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
  /** Whether the place of the key, not of its value, is meant. */
  readonly atKey?: boolean;
}

/** What a check of a complete config has to say. */
export interface Checked {
  readonly faults: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Compiles the schema into a check that finds every fault at once. */
export function compileValidate(): (value: unknown) => Finding[] {
  const ajv = new Ajv({ allErrors: true, strict: false, discriminator: true, verbose: true, formats });
  // Ajv's own compares every entry with every other, and calls the `toString` of an entry that has a key of that name.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: isUnique });
  const validate = ajv.compile(configSchema);
  return (value) => {
    if (validate(value)) return rangeFindings(value, configSchema, []);
    // What a format says is more exact than what the list of allowed words says of the same place.
    const errors = (validate.errors ?? []).toSorted(
      (a, b) => Number(b.keyword === 'format') - Number(a.keyword === 'format'),
    );
    const findings = errors.map((error) => toFinding(error, value)).filter((finding) => finding !== null);
    return [...firstOfEach(findings), ...rangeFindings(value, configSchema, [])];
  };
}

/** Whether no two entries of a list are the same JSON value. */
function isUnique(_unique: boolean, list: readonly unknown[]): boolean {
  return new Set(list.map(canonical)).size === list.length;
}

/** The same text for values that differ in the order of their keys alone. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}

/** One word a place: that a value has the wrong type and the wrong form too is no news. */
function firstOfEach(findings: readonly Finding[]): Finding[] {
  const places = new Map<string, Finding>();
  for (const finding of findings) {
    const place = formatPath(finding.path);
    if (!places.has(place)) places.set(place, finding);
  }
  return [...places.values()];
}

function toFinding(error: ErrorObject, root: unknown): Finding | null {
  const path = parsePointer(error.instancePath, root);
  const schema = (error.parentSchema ?? {}) as SchemaNode;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(path, String(params.additionalProperty));
    case 'required':
      return { path: [...path, String(params.missingProperty)], message: 'is missing' };
    case 'propertyNames':
      return null;
    case 'uniqueItems':
      return { path, message: 'holds the same entry twice' };
    case 'minItems':
      return { path, message: 'must not be empty', ...hintOfList(schema, error.data) };
    case 'discriminator':
      return { path: [...path, 'type'], message: 'must be one of bearer, cookie, header' };
    case 'format':
      if (params.format === 'algorithm') return algorithm(path, error.data);
      if (params.format === 'method') return { path, ...describeMethod(error.data) };
      break;
  }
  if (error.propertyName !== undefined) {
    return {
      path: [...path, error.propertyName],
      message: `the key must be ${schema['x-expects']}`,
      atKey: true,
    };
  }
  const node = schemaAt(configSchema, path) ?? schema;
  return {
    path,
    message: `must be ${schema['x-expects'] ?? node['x-expects'] ?? 'something else'}${got(error.data, node)}`,
    ...hintOfList(schema, error.data),
  };
}

/** What to write instead, where a list of methods is something else. */
function hintOfList({ items }: SchemaNode, value: unknown): Pick<Finding, 'hint'> {
  return items?.format === 'method' ? describeMethodList(value) : {};
}

function algorithm(path: Path, value: unknown): Finding {
  const why =
    typeof value === 'string' && value.toLowerCase() === 'none'
      ? '"none" cannot be configured: such a token is signed by nobody'
      : 'HS256 and its like cannot be configured: whoever verifies with a shared secret can also sign with it';
  return { path, message: why };
}

/** A short value is repeated; a long one, or one that could be a secret, never. */
function got(value: unknown, node: SchemaNode): string {
  if (node === configSchema || node['x-secret'] || value === undefined) return '';
  if (Array.isArray(value)) return ', got a list';
  if (typeof value === 'object' && value !== null) return ', got a map';
  const text = JSON.stringify(value);
  // A URL may hold a password before its @.
  return text.length <= 40 && !text.includes('@') ? `, got ${text}` : '';
}

function unknownKey(path: Path, key: string): Finding {
  const parent = schemaAt(configSchema, path);
  const known = Object.keys(parent?.properties ?? {});
  const near = suggest(key, known) ?? elsewhere(key);
  return {
    path: [...path, key],
    message: 'unknown key',
    atKey: true,
    ...(near !== null && { hint: `did you mean "${near}"?` }),
  };
}

/** A key that is known in one of the sections. */
function elsewhere(key: string): string | null {
  for (const [name, section] of Object.entries(configSchema.properties ?? {})) {
    if (section.properties && Object.hasOwn(section.properties, key)) return `${name}.${key}`;
  }
  return null;
}

/** Durations and sizes out of their range, which a pattern cannot tell. */
function rangeFindings(value: unknown, node: SchemaNode, path: Path): Finding[] {
  if (typeof value === 'object' && value !== null) {
    const entries: [string | number, unknown][] = Array.isArray(value)
      ? [...value.entries()]
      : Object.entries(value);
    return entries.flatMap(([part, child]) => {
      const schema = childOf(node, part);
      return schema === null ? [] : rangeFindings(child, schema, [...path, part]);
    });
  }
  const range = node['x-range'];
  if (range === undefined || (typeof value !== 'number' && typeof value !== 'string')) return [];
  const amount = node['x-unit'] === 'duration' ? parseDuration(value) : parseSize(value);
  if (amount === undefined || (amount >= range.least && amount <= range.most)) return [];
  const unit = node['x-unit'] === 'duration' ? 'ms' : ' bytes';
  const bound = amount < range.least ? `at least ${range.least}${unit}` : `at most ${range.most}${unit}`;
  return [{ path, message: `must be ${bound}` }];
}

/** RFC 6901, with numbers where the value has a list. */
function parsePointer(pointer: string, root: unknown): Path {
  let value = root;
  return pointer
    .split('/')
    .slice(1)
    .map((text) => {
      const key = text.replaceAll('~1', '/').replaceAll('~0', '~');
      const part = Array.isArray(value) ? Number(key) : key;
      value = (value as Record<string | number, unknown> | undefined)?.[part];
      return part;
    });
}
