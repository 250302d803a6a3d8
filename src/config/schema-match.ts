import { type Field, field, map, type SchemaNode } from './fields.ts';

type Scalar = string | number | boolean;

/** What a claim must be. All that are given must hold. `{name}` in a string is the path's parameter. */
export interface MatcherConfig {
  readonly equals?: unknown;
  readonly oneOf?: readonly unknown[];
  readonly contains?: Scalar;
  readonly containsAny?: readonly Scalar[];
  readonly prefix?: string;
  readonly matches?: string;
  readonly exists?: boolean;
}

const scalar: SchemaNode = {
  type: ['string', 'number', 'boolean'],
  'x-expects': 'a string, a number, true or false',
};

const matcher = field<MatcherConfig, MatcherConfig>({
  type: 'object',
  minProperties: 1,
  additionalProperties: false,
  description:
    'What a claim must be; all that are given must hold. `{name}` in a string is the parameter of the path, percent-decoded.',
  'x-expects': 'a matcher such as { equals: value }',
  properties: {
    equals: { description: 'Equal as JSON, types included.' },
    oneOf: { type: 'array', minItems: 1, description: 'Equal to one of them.', 'x-expects': 'a list' },
    contains: { ...scalar, description: 'In the list, or a whole word of the string.' },
    containsAny: {
      type: 'array',
      minItems: 1,
      items: scalar,
      description: 'One of them is in the list, or a whole word of the string.',
      'x-expects': 'a list',
    },
    prefix: {
      type: 'string',
      minLength: 1,
      description: 'A string that begins so.',
      'x-expects': 'a string',
    },
    matches: {
      type: 'string',
      minLength: 1,
      description: 'A regular expression (RE2, linear time) for the whole string.',
      'x-expects': 'a regular expression',
    },
    exists: {
      type: 'boolean',
      description: 'true: present. false: missing, null or empty.',
      'x-expects': 'true or false',
    },
  },
});

/** Matchers by claim path. */
export function claims(
  description: string,
): Field<Readonly<Record<string, MatcherConfig>>, Readonly<Record<string, MatcherConfig>> | undefined> {
  return map(matcher, {}, description, { format: 'claim-path', expects: 'the path of a claim' });
}
