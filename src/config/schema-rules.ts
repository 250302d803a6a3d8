import { choice, list, type OutputOf, required, section, text } from './fields.ts';
import { claims } from './schema-match.ts';

/** What a token must be besides good: for a rule, and for each of its alternatives. */
const demands = {
  issuers: list(text(required, 'An issuer.'), null, 'Issuers whose tokens are accepted. null: all.', {
    minItems: 1,
  }),
  scopes: list(
    text(required, 'A scope.', { format: 'scope' }),
    [],
    'Scopes that the token must grant, all of them.',
  ),
  anyScope: list(
    text(required, 'A scope.', { format: 'scope' }),
    [],
    'Scopes of which the token must grant at least one.',
  ),
  claims: claims('Matchers by claim path.'),
};

const alternative = section(demands, 'An alternative. All that it asks for must hold.');

const rule = section(
  {
    name: text(null, 'Its name in logs and metrics. null: its place in the list.'),
    path: text(
      required,
      'Exact, or with `:name` for one segment and a last `*` for the rest: `/public/*` also matches `/public`.',
    ),
    methods: list(
      text(required, 'A method.', { format: 'method', expects: 'a method in upper case such as GET' }),
      null,
      'Methods that it decides; GET includes HEAD. null: all.',
      { minItems: 1 },
    ),
    auth: choice(
      ['none', 'optional', 'required'],
      'required',
      'Whether a token is needed. `none`: none is looked at; `optional`: one that is there must be good.',
    ),
    ...demands,
    anyOf: list(
      alternative,
      [],
      'Alternatives: `{ issuers, scopes, anyScope, claims }` each. One of them must hold, besides what stands beside `anyOf`.',
    ),
    upstream: text(null, 'Name of one of `upstreams`. null: `upstream`.'),
    stripPrefix: text(
      null,
      'Start of the path that the upstream does not see. `X-Forwarded-Prefix` says it; `Location` and cookie paths are mapped back.',
    ),
    mode: choice(['enforce', 'report'], null, 'As the global `mode`, for this rule. null: the global one.'),
  },
  'What a request needs. The first rule that matches wins.',
);

export const rules = list(rule, [], 'Who may do what. The first that matches wins; see `unmatched`.');

export const paths = section(
  {
    duplicateSlashes: choice(
      ['merge', 'reject', 'keep'],
      'merge',
      'What becomes of `//`. `merge`: it becomes `/`; `reject`: it is refused; `keep`: rules match as if it were merged, and it is forwarded as it came.',
    ),
    encodedSlashes: choice(
      ['reject', 'allow'],
      'reject',
      'What becomes of `%2F`. `allow`: it stays as it is, inside one segment.',
    ),
    parameters: choice(
      ['reject', 'ignore'],
      'reject',
      'What becomes of `;x=1`. `ignore`: it plays no part in matching and is forwarded.',
    ),
    trailingSlash: choice(
      ['ignore', 'strict'],
      'ignore',
      'Whether a rule for `/a` also decides `/a/` (`ignore`) or not (`strict`).',
    ),
    case: choice(
      ['guarded', 'sensitive', 'insensitive'],
      'guarded',
      'Whether letters of another case match. `guarded`: rules match exactly, and a path that would meet another rule if case, compatibility characters, or dots and blanks at the ends of segments played no part is refused; `sensitive`: rules match exactly, for an upstream that compares exactly; `insensitive`: rules match in any case, and the path is forwarded as it came.',
    ),
  },
  'How paths are read before any rule is looked at.',
  {
    caseSensitive:
      'write `case: insensitive` for `caseSensitive: false`; for `true`, leave it out or write `case: sensitive`',
  },
);

export type RuleConfig = OutputOf<typeof rule>;
export type AlternativeConfig = OutputOf<typeof alternative>;
export type PathsConfig = OutputOf<typeof paths>;
