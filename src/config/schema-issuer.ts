import {
  choice,
  duration,
  field,
  file,
  flag,
  integer,
  list,
  type OutputOf,
  required,
  section,
  size,
  text,
} from './fields.ts';
import { claims } from './schema-match.ts';

const unlimited = Number.MAX_SAFE_INTEGER;

const audience = field<readonly string[] | null, string | readonly string[] | null>({
  type: ['string', 'array', 'null'],
  minLength: 1,
  items: text(required, 'An audience.'),
  minItems: 1,
  uniqueItems: true,
  description:
    "String or list: one of them must be in the token's `aud`. null: not checked, so that a token meant for any other service passes here.",
  'x-wrap': true,
  'x-expects': 'a string, a list of strings, or null for "not checked"',
});

const jwks = field<
  Readonly<Record<string, unknown>> | null,
  Readonly<Record<string, unknown>> | null | undefined
>({
  type: ['object', 'null'],
  default: null,
  description: 'The keys themselves: `{ keys: [...] }` of RFC 7517, public ones alone.',
  'x-expects': 'a key set such as { keys: [...] }, or null',
  'x-secret': true,
});

const keys = section(
  {
    refresh: duration(
      '10m',
      'How often the keys are fetched, jittered by 10 %. At least 1s. A shorter `Cache-Control: max-age` wins, but none under 1m is believed.',
      { least: 1000 },
    ),
    cooldown: duration(
      '30s',
      'Fetches asked for by unknown key ids: 5 at once, then one in this time, whether they succeed or fail.',
    ),
    timeout: duration(
      '5s',
      'How long a whole fetch may take. Not above `refresh`, which lowers the default.',
      {
        atMost: 'refresh',
      },
    ),
    maxStale: duration(
      '24h',
      'How long the last good keys serve while the issuer cannot be reached. Then its tokens get 503.',
      { most: unlimited },
    ),
    maxSize: size('256KiB', 'Largest answer that is read.'),
    maxKeys: integer(100, 'Most keys in a set.', { minimum: 1, maximum: 10_000 }),
    cacheFile: text(
      null,
      'File that keeps the last good keys over a restart. It is read only while the issuer cannot be reached at the start, and not used if it is older than `maxStale`, a symbolic link, not a regular file, of another user than this process and root, or writable by its group or others. One for each issuer, in a folder where nobody else may write.',
    ),
    caFile: file(null, 'PEM file of the authorities to trust for the fetch. null: those of the system.'),
    bearerTokenFile: file(
      null,
      "File whose content is sent as a bearer token with the fetch, as the Kubernetes API server's key set wants. It is sent only to the issuer's own origin or to `jwksUri`, never to another host that the metadata name. Re-read at every fetch.",
    ),
    allowInsecureHttp: flag(
      false,
      'Whether keys may be fetched over http. Whoever can change the answer can then forge tokens. Loopback needs no permission.',
    ),
  },
  'How the keys are fetched and kept.',
);

const algorithm = choice(
  ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  required,
  'A signature algorithm.',
);
type Algorithm = OutputOf<typeof algorithm>;

export const issuer = section(
  {
    issuer: text(required, "Compared exactly with the token's `iss`; for discovery a URL."),
    audience,
    discovery: field<boolean, boolean | undefined>({
      ...flag(
        true,
        'Whether the keys are found through OpenID Connect discovery, then RFC 8414. Exactly one of `discovery` (the default), `jwksUri`, `jwksFile`, `jwks`.',
      ),
      'x-unless': ['jwksUri', 'jwksFile', 'jwks'],
    }),
    jwksUri: text(null, 'URL of the key set.', {
      format: 'fetch-url',
      expects: 'an http or https URL',
    }),
    jwksFile: file(
      null,
      'File with the keys: a JWK Set, or public keys or certificates in PEM. It is watched, and read again when it changes.',
    ),
    jwks,
    algorithms: list(
      field<Algorithm, Algorithm>({ ...algorithm, format: 'algorithm' }),
      ['RS256'],
      'Signature algorithms that are accepted. `EdDSA` and `Ed25519` (RFC 9864) are the same one. `none` and `HS*` cannot be configured.',
      { minItems: 1 },
    ),
    minRsaBits: integer(2048, 'Smallest RSA key that is used, in bits.', { minimum: 2048, maximum: 16_384 }),
    tokenType: choice(
      ['any', 'at+jwt'],
      'any',
      "The token's `typ`. `any` still refuses `logout+jwt`, `dpop+jwt` and `secevent+jwt`; `at+jwt` asks for RFC 9068 with its required claims.",
    ),
    clockTolerance: duration('5s', "How far the issuer's clock may be off for `exp` and `nbf`.", {
      least: 0,
    }),
    maxLifetime: duration(null, 'Longest `exp` − `iat` that is accepted; needs `iat`. null: any.', {
      most: unlimited,
    }),
    requiredClaims: list(
      text(required, 'The path of a claim.', { format: 'claim-path' }),
      [],
      'Claims that a token must carry, besides `exp`, which it always must.',
    ),
    claims: claims('Matchers that every token of this issuer must satisfy, as in rules.'),
    keys,
  },
  'Somebody whose tokens are accepted.',
);

export const issuers = list(issuer, required, 'Whose tokens are accepted. At least one.', { minItems: 1 });

export type IssuerConfig = OutputOf<typeof issuer>;
export type KeysConfig = OutputOf<typeof keys>;
