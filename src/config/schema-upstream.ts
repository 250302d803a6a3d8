import {
  duration,
  type Field,
  field,
  file,
  flag,
  type InputOf,
  integer,
  map,
  type OutputOf,
  required,
  section,
  text,
} from './fields.ts';

const full = section(
  {
    url: text(required, 'Where allowed requests go. A path in it is put before theirs.', {
      format: 'upstream-url',
      expects: 'an http or https URL',
    }),
    connections: integer(256, 'Most connections to it at a time.', { minimum: 1, maximum: 100_000 }),
    connectionsPerClient: integer(
      null,
      'Most connections to it for one client at a time: an address, or a network by the prefixes of `failureLimit`. null: no fixed share; while all are in use, the client that has the fewest is served first.',
      { minimum: 1, maximum: 100_000 },
    ),
    connectTimeout: duration('2s', 'How long a connection may take to open, TLS included.'),
    headersTimeout: duration('30s', 'How long the head of an answer may take.'),
    bodyTimeout: duration('5m', 'How long an answer may pause between two chunks.'),
    keepAliveTimeout: duration(
      '4s',
      "How long an idle connection is kept. Shorter than the upstream's own, so that none is used as it closes.",
    ),
    preserveHost: flag(true, "Whether the upstream gets the client's `Host` or the one of its own URL."),
    setHeaders: map(
      text(required, 'The value of the header.', {
        format: 'header-value',
        expects: 'a header value',
        secret: true,
      }),
      {},
      'Headers that every request to it carries, such as a fixed `Authorization` that a legacy service expects. Never taken from a client.',
      { format: 'set-header-name', expects: 'a header name' },
    ),
    tls: section(
      {
        caFile: file(null, 'PEM file of the authorities to trust. null: those of the system.'),
        certFile: file(null, 'PEM file of the client certificate to show; needs `keyFile`.'),
        keyFile: file(null, 'PEM file of its private key; needs `certFile`.'),
        serverName: text(null, 'Name to ask for and verify. null: the host of the URL.'),
      },
      'For https, which is always verified.',
    ),
  },
  'A service that allowed requests go to. A URL is short for `{ url }`.',
);

export const upstream = field<OutputOf<typeof full>, InputOf<typeof full> | string>({
  ...full,
  type: ['object', 'string'],
  minLength: 1,
  format: 'upstream-url',
  'x-short': 'url',
  'x-expects': 'an http or https URL, or a map of settings',
});

export const upstreams = map(
  upstream,
  {},
  'Further upstreams by name, for rules to refer to. Each takes the settings of `upstream`.',
  { format: 'upstream-name', expects: 'a name of letters, digits, `-`, `_` and `.`' },
);

export type UpstreamConfig = typeof upstream extends Field<infer Out, unknown> ? Out : never;
