declare const output: unique symbol;
declare const input: unique symbol;

/** The schema as the steps that walk it read it. `x-` keywords are ours; editors skip them. */
export interface SchemaNode {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  /** As the file would say it: `10s`, not 10000. */
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaNode;
  readonly propertyNames?: SchemaNode;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly discriminator?: { readonly propertyName: string };
  /** What a value of this field is converted to: milliseconds or bytes. */
  readonly 'x-unit'?: 'duration' | 'size';
  /** In that unit. */
  readonly 'x-range'?: { readonly least: number; readonly most: number };
  /** The key that a bare string in the place of this section stands for. */
  readonly 'x-short'?: string;
  /** The default holds only while none of these neighbors is given. */
  readonly 'x-unless'?: readonly string[];
  /** A neighbor that the default is never above. */
  readonly 'x-at-most'?: string;
  /** A file that must be readable. */
  readonly 'x-file'?: boolean;
  /** A bare string is a list of one. */
  readonly 'x-wrap'?: boolean;
  /** Keys that were known once, each with what to write instead. */
  readonly 'x-former'?: Readonly<Record<string, string>>;
  /** A value that no message may show. */
  readonly 'x-secret'?: boolean;
  /** What a value must be, in words: "a duration such as 30s". */
  readonly 'x-expects'?: string;
}

/**
 * One setting: a JSON Schema of what the file may say, which carries two types. `Out` is what the gateway reads,
 * with defaults filled in and units converted; `In` is what the file may say, undefined where there is a default.
 */
export interface Field<Out, In> extends SchemaNode {
  readonly [output]: Out;
  readonly [input]: In;
}

type AnyField = Field<unknown, unknown>;
type Shape = Readonly<Record<string, AnyField>>;

/** What the gateway reads of a field. */
export type OutputOf<F> = F extends { readonly [output]: infer Out } ? Out : never;

/** What the file may say for a field. */
export type InputOf<F> = F extends { readonly [input]: infer In } ? In : never;

type HasDefault<S extends Shape> = { [K in keyof S]: undefined extends InputOf<S[K]> ? K : never }[keyof S];
type SectionOut<S extends Shape> = { readonly [K in keyof S]: OutputOf<S[K]> };
type SectionIn<S extends Shape> = { readonly [K in Exclude<keyof S, HasDefault<S>>]: InputOf<S[K]> } & {
  readonly [K in HasDefault<S>]?: InputOf<S[K]>;
};
/** What a default adds to the input type. */
type Absent<D> = D extends undefined ? never : undefined;
type Null<D> = Extract<D, null>;

/** In the place of a default: there is none, the file must say it. */
export const required = undefined;

const maxTimer = 2_147_483_647;

export interface TextOptions {
  readonly format?: string;
  readonly expects?: string;
  readonly secret?: boolean;
}

/** A string that is not empty. */
export function text<const D extends string | null | undefined>(
  fallback: D,
  description: string,
  options: TextOptions = {},
): Field<string | Null<D>, string | Null<D> | Absent<D>> {
  return field({
    ...nullable('string', fallback),
    minLength: 1,
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.secret ? { 'x-secret': true } : {}),
    ...annotations(fallback, description, options.expects ?? 'a string'),
  });
}

/** The path of a file that must be readable when the config is loaded; relative to the working directory. */
export function file<const D extends null | undefined>(
  fallback: D,
  description: string,
): Field<string | Null<D>, string | Null<D> | Absent<D>> {
  return field({ ...text(fallback, description, { expects: 'the path of a file' }), 'x-file': true });
}

/**
 * A length of time: `250ms`, `30s`, `5m`, `24h`, or a number of seconds; milliseconds once completed. At least 1 ms,
 * since servers read 0 as "no limit", and at most what a timer of Node can hold, unless said otherwise.
 */
export function duration<const D extends string | null>(
  fallback: D,
  description: string,
  options: { least?: number; most?: number; atMost?: string } = {},
): Field<number | Null<D>, number | string | Null<D> | undefined> {
  return field({
    ...nullable(['number', 'string'], fallback),
    minimum: 0,
    pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$',
    'x-unit': 'duration',
    'x-range': { least: options.least ?? 1, most: options.most ?? maxTimer },
    ...(options.atMost === undefined ? {} : { 'x-at-most': options.atMost }),
    ...annotations(fallback, description, 'a duration such as 30s, or a number of seconds'),
  });
}

/** A size: `16KiB`, `4MiB`, or a number of bytes; bytes once completed. */
export function size<const D extends string | null>(
  fallback: D,
  description: string,
): Field<number | Null<D>, number | string | Null<D> | undefined> {
  return field({
    ...nullable(['integer', 'string'], fallback),
    minimum: 1,
    pattern: '^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB)$',
    'x-unit': 'size',
    'x-range': { least: 1, most: Number.MAX_SAFE_INTEGER },
    ...annotations(fallback, description, 'a size such as 16KiB, or a number of bytes'),
  });
}

/** A whole number. */
export function integer<const D extends number | null>(
  fallback: D,
  description: string,
  range: { minimum: number; maximum: number },
): Field<number | Null<D>, number | Null<D> | undefined> {
  const expects = `a whole number from ${range.minimum} to ${range.maximum}`;
  return field({
    ...nullable('integer', fallback),
    ...range,
    ...annotations(fallback, description, expects),
  });
}

/** true or false. */
export function flag(fallback: boolean, description: string): Field<boolean, boolean | undefined> {
  return field({ type: 'boolean', ...annotations(fallback, description, 'true or false') });
}

/** One of a few words. */
export function choice<const V extends string, const D extends NoInfer<V> | null | undefined>(
  values: readonly V[],
  fallback: D,
  description: string,
): Field<V | Null<D>, V | Null<D> | Absent<D>> {
  return field({
    ...nullable('string', fallback),
    enum: fallback === null ? [...values, null] : values,
    ...annotations(fallback, description, `one of ${values.join(', ')}`),
  });
}

/** A list without repetitions. One in the file replaces the default. */
export function list<F extends AnyField, const D extends readonly unknown[] | null | undefined>(
  item: F,
  fallback: D,
  description: string,
  options: { minItems?: number } = {},
): Field<readonly OutputOf<F>[] | Null<D>, readonly InputOf<F>[] | Null<D> | Absent<D>> {
  return field({
    ...nullable('array', fallback),
    items: item,
    uniqueItems: true,
    ...(options.minItems === undefined ? {} : { minItems: options.minItems }),
    ...annotations(fallback, description, 'a list'),
  });
}

/** Entries whose keys the user chooses. One in the file replaces the default. */
export function map<F extends AnyField>(
  value: F,
  fallback: Readonly<Record<string, unknown>>,
  description: string,
  key: { format: string; expects: string },
): Field<Readonly<Record<string, OutputOf<F>>>, Readonly<Record<string, InputOf<F>>> | undefined> {
  return field({
    type: 'object',
    propertyNames: { type: 'string', format: key.format, 'x-expects': key.expects },
    additionalProperties: value,
    ...annotations(fallback, description, 'a map'),
  });
}

/** A group of settings. It may be left out when each of them has a default. `former`: keys that it had once, each with a hint. */
export function section<S extends Shape>(
  shape: S,
  description: string,
  former?: Readonly<Record<string, string>>,
): Field<SectionOut<S>, SectionIn<S> | (Exclude<keyof S, HasDefault<S>> extends never ? undefined : never)> {
  return field({
    type: 'object',
    properties: shape,
    required: Object.keys(shape).filter((key) => shape[key]?.default === undefined),
    additionalProperties: false,
    ...(former === undefined ? {} : { 'x-former': former }),
    ...annotations(optional(shape) ? {} : undefined, description, 'a map of settings'),
  });
}

/** A section that null switches off. */
export function switched<S extends Shape, const D extends null | Readonly<Record<string, never>>>(
  shape: S,
  fallback: D,
  description: string,
): Field<SectionOut<S> | null, SectionIn<S> | null | undefined> {
  return field({
    ...section(shape, description),
    type: ['object', 'null'],
    default: fallback,
    'x-expects': 'a map of settings, or null',
  });
}

/** Any schema, with the two types that it stands for. */
export function field<Out, In>(schema: SchemaNode): Field<Out, In> {
  return schema as Field<Out, In>;
}

function nullable(type: string | readonly string[], fallback: unknown): { type: string | readonly string[] } {
  return { type: fallback === null ? [type, 'null'].flat() : type };
}

function annotations(fallback: unknown, description: string, expects: string): SchemaNode {
  return {
    description,
    ...(fallback === undefined ? {} : { default: fallback }),
    'x-expects': fallback === null ? `${expects}, or null` : expects,
  };
}

function optional(shape: Shape): boolean {
  return Object.values(shape).every((value) => value.default !== undefined);
}
