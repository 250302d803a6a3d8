import {
  choice,
  duration,
  flag,
  type InputOf,
  type OutputOf,
  type SchemaNode,
  section,
  size,
} from './fields.ts';
import { issuers } from './schema-issuer.ts';
import { admin, drain, listen, log } from './schema-listen.ts';
import { paths, rules } from './schema-rules.ts';
import { failureLimit, identity, token } from './schema-token.ts';
import { upstream, upstreams } from './schema-upstream.ts';

const websockets = section(
  {
    enabled: flag(
      true,
      'Whether WebSockets are forwarded. If not, a request for one is an ordinary request.',
    ),
    closeAtExpiry: flag(
      true,
      'Whether a WebSocket is closed, with code 4401, when the token that opened it expires.',
    ),
    maxMessageSize: size(
      '16MiB',
      'Largest message in either direction, all its fragments together, as it is sent: compressed if the two ends compress. null: unlimited; messages stream, they are never held.',
    ),
    idleTimeout: duration('5m', 'How long neither end may send a byte. Pings count.'),
  },
  'WebSockets, RFC 6455.',
);

const root = section(
  {
    listen,
    admin,
    readiness: choice(
      ['any', 'all'],
      'any',
      'When `/readyz` is first green. `any`: one issuer has keys and every other has been tried; `all`: every issuer has keys.',
    ),
    mode: choice(
      ['enforce', 'report'],
      'enforce',
      '`report`: token and rule refusals are logged and counted but forwarded, without identity. Path, framing, stripping and size are enforced all the same.',
    ),
    upstream,
    upstreams,
    issuers,
    token,
    identity,
    rules,
    unmatched: choice(
      ['required', 'deny'],
      null,
      'What a request that no rule matches needs: a good token (`required`), or it gets 404 (`deny`). null: `required`, as long as no rule asks for more than a good token. Where one asks for scopes, claims or issuers, this must be said.',
    ),
    paths,
    failureLimit,
    websockets,
    log,
    drain,
  },
  'The config file of jwks-sidecar.',
);

/**
 * Everything that can be configured, as JSON Schema. The one source of the types, of what is accepted, of the
 * defaults, of `config/schema.json`, `config/full.yaml` and `docs/configuration.md`.
 */
export const configSchema: SchemaNode = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'jwks-sidecar',
  ...root,
};

/** A complete config: validated, defaults filled in, durations in milliseconds, sizes in bytes, frozen. */
export type Config = OutputOf<typeof root>;
/** What a config file, or a caller of the library, may say. */
export type ConfigInput = InputOf<typeof root>;
export type WebsocketsConfig = OutputOf<typeof websockets>;

export type { IssuerConfig, KeysConfig } from './schema-issuer.ts';
export type { AdminConfig, DrainConfig, ListenConfig, ListenTlsConfig, LogConfig } from './schema-listen.ts';
export type { MatcherConfig } from './schema-match.ts';
export type { AlternativeConfig, PathsConfig, RuleConfig } from './schema-rules.ts';
export type { FailureLimitConfig, IdentityConfig, TokenConfig, TokenSource } from './schema-token.ts';
export type { UpstreamConfig } from './schema-upstream.ts';
