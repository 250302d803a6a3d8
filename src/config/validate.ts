import { Ajv, type ErrorObject } from 'ajv';
import type { SchemaNode } from './fields.ts';
import { type Finding, firstOfEach } from './finding.ts';
import { formats } from './formats.ts';
import { hintValue } from './hint.ts';
import { hasCredentials, hintText } from './hint-text.ts';
import { describeMethod, describeMethodList } from './methods.ts';
import { schemaAt } from './node.ts';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';
import { suggest } from './suggest.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';
import { walk } from './walk.ts';

export type { Checked, Finding } from './finding.ts';

/** Compiles the schema into a check that finds every fault at once, except for entries that stand twice in a list. */
export function compileValidate(): (value: unknown) => Finding[] {
  const ajv = new Ajv({ allErrors: true, strict: false, discriminator: true, verbose: true, formats });
  ajv.removeKeyword('uniqueItems');
  const validate = ajv.compile(configSchema);
  return (value) => {
    if (validate(value)) return findOutOfRange(value);
    // What a format says is more exact than what the list of allowed words says of the same place.
    const errors = (validate.errors ?? []).toSorted(
      (a, b) => Number(b.keyword === 'format') - Number(a.keyword === 'format'),
    );
    const findings = errors.map((error) => toFinding(error, value)).filter((finding) => finding !== null);
    return firstOfEach([...findings, ...findOutOfRange(value)]);
  };
}

function toFinding(error: ErrorObject, root: unknown): Finding | null {
  const path = parsePointer(error.instancePath, root);
  const schema = (error.parentSchema ?? {}) as SchemaNode;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(path, String(params.additionalProperty), error.data);
    case 'required':
      return { path: [...path, String(params.missingProperty)], message: 'is missing' };
    case 'propertyNames':
      return null;
    case 'minItems':
      return { path, message: 'must not be empty', ...hintOfList(schema, error.data) };
    case 'discriminator':
      return { path: [...path, 'type'], message: 'must be one of bearer, cookie, header', spoils: path };
    case 'format':
      if (params.format === 'algorithm') return algorithm(path, error.data);
      if (params.format === 'method') return { path, ...describeMethod(error.data) };
      break;
  }
  if (error.propertyName !== undefined) {
    const hint = hintText(error.propertyName, schema);
    return {
      path: [...path, error.propertyName],
      message: `the key must be ${schema['x-expects']}`,
      atKey: true,
      ...(hint !== null && { hint }),
    };
  }
  const node = schemaAt(configSchema, path) ?? schema;
  const got = quote(error.data, node);
  const hint = holdsSecret(node) ? null : hintValue(error.data, node);
  return {
    path,
    message: `must be ${expectation(error, schema, node)}`,
    ...(got !== null && { got }),
    ...(hint !== null && { hint }),
    ...hintOfList(schema, error.data),
  };
}

/** What to write instead, where a list of methods is something else. */
function hintOfList({ items }: SchemaNode, value: unknown): Pick<Finding, 'hint'> {
  return items?.format === 'method' ? describeMethodList(value) : {};
}

function expectation(error: ErrorObject, schema: SchemaNode, node: SchemaNode): string {
  const format = error.keyword === 'format' ? String((error.params as { format?: unknown }).format) : '';
  if (format === 'scope') return 'one scope';
  if (format === 'claim-path') return 'the path of a claim';
  const expects = schema['x-expects'] ?? node['x-expects'] ?? 'something else';
  const credentials = /url|origin/.test(format) && hasCredentials(String(error.data));
  return credentials ? 'an http or https URL without a user and a password' : expects;
}

function algorithm(path: Path, value: unknown): Finding {
  const why =
    typeof value === 'string' && value.toLowerCase() === 'none'
      ? '"none" cannot be configured: such a token is signed by nobody'
      : 'HS256 and its like cannot be configured: whoever verifies with a shared secret can also sign with it';
  return { path, message: why };
}

/** A short value is repeated; a long one, or one that could be a secret, never. */
function quote(value: unknown, node: SchemaNode): string | null {
  if (node === configSchema || holdsSecret(node) || value === undefined) return null;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = JSON.stringify(value);
  // A URL may hold a password before its @, or in its query.
  return text.length <= 40 && !/[@?]/.test(text) ? text : null;
}

/** Whether the value, or what it should hold, is a secret: a password without its header's name is one too. */
function holdsSecret(node: SchemaNode): boolean {
  const { additionalProperties: entry } = node;
  return node['x-secret'] === true || (typeof entry === 'object' && entry['x-secret'] === true);
}

function unknownKey(path: Path, key: string, value: unknown): Finding {
  const parent = schemaAt(configSchema, path);
  const former = parent?.['x-former'];
  const hint =
    former !== undefined && Object.hasOwn(former, key)
      ? (former[key] as string)
      : hintKey(key, Object.keys(parent?.properties ?? {}), value);
  return {
    path: [...path, key],
    message: 'unknown key',
    atKey: true,
    ...(hint !== null && { hint }),
  };
}

function hintKey(key: string, known: readonly string[], entries: unknown): string | null {
  if (key === '<<') return 'merge keys are not supported: write the settings out';
  const bare = key.replace(/^[\s\u200b-\u200f\u2060\ufeff]+|[\s\u200b-\u200f\u2060\ufeff]+$/g, '');
  if (bare !== key) return 'its name begins or ends with a blank that is not a space';
  const dashed = /^-(\w+)$/.exec(key)?.[1];
  if (dashed !== undefined) return 'put a blank after the "-" that begins an entry of a list';
  const given = Object.keys(entries as object);
  // A key that is there already is not the one that was meant.
  const free = known.filter((each) => !given.includes(each));
  const near = suggest(key, free) ?? elsewhere(key) ?? suggest(key, known);
  return near === null ? null : `did you mean "${near}"?`;
}

/** A key that is known in another section: `listen.port`, `issuers[].audience`. */
function elsewhere(key: string, node: SchemaNode = configSchema, prefix = ''): string | null {
  const sections = Object.entries(node.properties ?? {}).map(([name, child]) => ({
    place: child.items?.properties ? `${prefix}${name}[]` : `${prefix}${name}`,
    section: child.items?.properties ? child.items : child,
  }));
  for (const { place, section } of sections) {
    if (section.properties && Object.hasOwn(section.properties, key)) return `${place}.${key}`;
  }
  for (const { place, section } of sections) {
    const found = elsewhere(key, section, `${place}.`);
    if (found !== null) return found;
  }
  return null;
}

/** Durations and sizes out of their range, which a pattern cannot tell. */
function findOutOfRange(root: unknown): Finding[] {
  const found: Finding[] = [];
  walk(root, configSchema, (value, node, path) => {
    const range = node?.['x-range'];
    if (range === undefined || (typeof value !== 'number' && typeof value !== 'string')) return node !== null;
    const inTime = node?.['x-unit'] === 'duration';
    const amount = inTime ? parseDuration(value) : parseSize(value);
    if (amount === undefined || (amount >= range.least && amount <= range.most)) return true;
    const say = inTime ? formatDuration : formatSize;
    const bound = amount < range.least ? `at least ${say(range.least)}` : `at most ${say(range.most)}`;
    found.push({ path: [...path], message: `must be ${bound}`, got: JSON.stringify(value) });
    return true;
  });
  return found;
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
