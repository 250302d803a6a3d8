import {
  duration,
  field,
  flag,
  integer,
  list,
  map,
  type OutputOf,
  required,
  section,
  size,
  switched,
  text,
} from './fields.ts';

/** Where a token is looked for. */
export type TokenSource =
  | { readonly type: 'bearer' }
  | { readonly type: 'cookie'; readonly name: string }
  | { readonly type: 'header'; readonly name: string };

const source = field<TokenSource, TokenSource>({
  type: 'object',
  required: ['type'],
  discriminator: { propertyName: 'type' },
  description: 'A place where a token is looked for.',
  'x-expects': 'a source such as { type: bearer }',
  oneOf: [
    section({ type: literal('bearer') }, '`Authorization: Bearer`, RFC 6750.'),
    section(
      {
        type: literal('cookie'),
        name: text(required, 'Name of the cookie.', { format: 'cookie-name', expects: 'a cookie name' }),
      },
      'A cookie.',
    ),
    section(
      {
        type: literal('header'),
        name: text(required, 'Name of the header.', {
          format: 'token-header-name',
          expects: 'a header name',
        }),
      },
      'A header that holds the bare token.',
    ),
  ],
});

export const token = section(
  {
    sources: list(
      source,
      [{ type: 'bearer' }],
      'Where tokens are looked for: `{ type: bearer }`, `{ type: cookie, name }`, `{ type: header, name }`. The first listed that holds a token decides, and the upstream gets none of them. A request with a token twice in one of them, or in two while `forwardToken` is on, gets 400.',
      { minItems: 1 },
    ),
    maxSize: size('16KiB', 'Longest token that is read. Entra ID puts up to 200 group ids into one.'),
    cache: section(
      {
        maxEntries: integer(10_000, 'Most verified tokens that are remembered. 0 switches the cache off.', {
          minimum: 0,
          maximum: 10_000_000,
        }),
        maxBytes: size('32MiB', 'Most memory that they may take, as estimated.'),
        maxAge: duration('5m', 'How long a verdict is remembered, `exp` permitting.'),
      },
      'Verdicts of tokens that were verified before.',
    ),
    allowedOrigins: list(
      text(required, 'An origin.', {
        format: 'origin',
        expects: 'an origin such as https://app.example.com',
      }),
      [],
      'Origins besides the own one from which requests with a cookie token may change things.',
    ),
  },
  'Where tokens are found and how verdicts are remembered.',
);

const ownHeader = { format: 'set-header-name', expects: 'a header name' };

export const identity = section(
  {
    headers: map(
      text(required, 'The path of a claim.', { format: 'claim-path', expects: 'the path of a claim' }),
      {
        'X-Verified-Subject': 'sub',
        'X-Verified-Issuer': 'iss',
        'X-Verified-Client-Id': 'client_id',
        'X-Verified-Scope': 'scope',
      },
      'Header: claim. Nested with dots; a key that has dots as `["a.b"]`. `client_id` reads `azp` where it is missing, `scope` reads `scp`.',
      ownHeader,
    ),
    payloadHeader: text(null, 'Header that carries the whole payload as base64url. null: none.', ownHeader),
    stripPrefixes: list(
      text(required, 'Start of a header name.', {
        format: 'strip-prefix',
        expects: 'the start of a header name',
      }),
      ['X-Verified-'],
      'Headers that begin so are never taken from a client, mapped or not.',
    ),
    stripHeaders: list(
      text(required, 'A header name.', { format: 'strip-header-name', expects: 'a header name' }),
      [],
      'Further headers that are never taken from a client, in any spelling. These never are, whatever is listed: `X-Original-URL`, `X-Original-URI`, `X-Rewrite-URL`, `X-HTTP-Method`, `X-HTTP-Method-Override`, `X-Method-Override`, `Proxy`, `Remote-User`, `X-Remote-User`.',
    ),
    forwardToken: flag(false, 'Whether the upstream gets the token too, where the client put it.'),
  },
  'What the upstream learns about the token.',
);

export const failureLimit = switched(
  {
    max: integer(20, 'Forged tokens that one client may send within `window`.', {
      minimum: 1,
      maximum: 1_000_000,
    }),
    window: duration('60s', 'The time in which they are counted; one distinct token counts once.'),
    blockFor: duration(
      '60s',
      'How long unverified tokens of that client then get 429. Tokens that were verified once, however long ago, and requests without one still pass.',
    ),
    ipv4Prefix: integer(32, 'Bits of an IPv4 address that make a client.', { minimum: 0, maximum: 32 }),
    ipv6Prefix: integer(64, 'Bits of an IPv6 address that make a client.', { minimum: 0, maximum: 128 }),
    maxClients: integer(100_000, 'Most clients that are remembered; the oldest are forgotten.', {
      minimum: 1,
      maximum: 10_000_000,
    }),
  },
  {},
  'What a client that sends forged tokens meets; a token whose signature holds never counts. null: nothing.',
);

export type TokenConfig = OutputOf<typeof token>;
export type IdentityConfig = OutputOf<typeof identity>;
export type FailureLimitConfig = NonNullable<OutputOf<typeof failureLimit>>;

function literal<const V extends string>(value: V) {
  return field<V, V>({ const: value, description: `\`${value}\`.`, 'x-expects': value });
}
