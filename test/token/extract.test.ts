import fc from 'fast-check';
import t from 'tap';
import { isRefusal } from '../../src/errors.ts';
import { compileExtract, type SourceOptions } from '../../src/token/extract.ts';

const bearer: SourceOptions = { type: 'bearer' };
const cookie: SourceOptions = { type: 'cookie', name: 'access_token' };
const header: SourceOptions = { type: 'header', name: 'X-Goog-IAP-JWT-Assertion' };
const all = [bearer, cookie, header];

/** `token` is what comes out, or `refused` why nothing does. */
interface Case {
  readonly name: string;
  readonly sources?: readonly SourceOptions[];
  readonly raw: readonly string[];
  readonly token?: string;
  readonly refused?: string;
}

const authorization: readonly Case[] = [
  { name: 'Bearer', raw: ['Authorization', 'Bearer a.b.c'], token: 'a.b.c' },
  { name: 'bearer', raw: ['authorization', 'bearer a.b.c'], token: 'a.b.c' },
  { name: 'BEARER', raw: ['AUTHORIZATION', 'BEARER a.b.c'], token: 'a.b.c' },
  { name: 'several spaces', raw: ['Authorization', 'Bearer    a.b.c'], token: 'a.b.c' },
  {
    name: 'headers before and after',
    raw: ['Accept', '*/*', 'Authorization', 'Bearer a.b.c', 'Cache-Control', 'x'],
    token: 'a.b.c',
  },
  { name: 'no header', raw: [], refused: 'token_missing' },
  {
    name: 'other headers',
    raw: ['X-Authorization', 'Bearer a.b.c', 'Authorizatio', 'Bearer a', 'cache-control', 'x'],
    refused: 'token_missing',
  },
  { name: 'an empty header', raw: ['Authorization', ''], refused: 'token_missing' },
  { name: 'blanks alone', raw: ['Authorization', ' \t'], refused: 'token_missing' },
  { name: 'Basic', raw: ['Authorization', 'Basic a.b.c'], refused: 'token_missing' },
  { name: 'a scheme that begins so', raw: ['Authorization', 'Bearerx a.b.c'], refused: 'token_missing' },
  { name: 'a scheme with a hyphen', raw: ['Authorization', 'Bearer-x a.b.c'], refused: 'token_missing' },
  { name: 'a bare token', raw: ['Authorization', 'a.b.c'], refused: 'token_missing' },
  {
    name: 'two headers',
    raw: ['Authorization', 'Bearer a', 'Authorization', 'Bearer b'],
    refused: 'token_ambiguous',
  },
  {
    name: 'two equal headers',
    raw: ['Authorization', 'Bearer a', 'authorization', 'Bearer a'],
    refused: 'token_ambiguous',
  },
  {
    name: 'Basic, then Bearer',
    raw: ['Authorization', 'Basic a', 'AuthorizatioN', 'Bearer a'],
    refused: 'token_ambiguous',
  },
  {
    name: 'Bearer, then Basic',
    raw: ['Authorization', 'Bearer a', 'Authorization', 'Basic a'],
    refused: 'token_ambiguous',
  },
  {
    name: 'Bearer, then an empty header',
    raw: ['Authorization', 'Bearer a', 'Authorization', ''],
    refused: 'token_ambiguous',
  },
  {
    name: 'an empty header twice',
    raw: ['Authorization', '', 'Authorization', ''],
    refused: 'token_ambiguous',
  },
  {
    name: 'two Basic headers',
    raw: ['Authorization', 'Basic a', 'Authorization', 'Basic b'],
    refused: 'token_ambiguous',
  },
  // What follows the scheme in no form of RFC 6750 comes out such that no token can be made of it.
  { name: 'Bearer alone', raw: ['Authorization', 'Bearer'], token: '' },
  { name: 'Bearer and a space', raw: ['Authorization', 'Bearer '], token: '' },
  { name: 'a tab', raw: ['Authorization', 'Bearer\ta.b.c'], token: '\ta.b.c' },
  { name: 'a space and a tab', raw: ['Authorization', 'Bearer \ta.b.c'], token: '\ta.b.c' },
  { name: 'two tokens', raw: ['Authorization', 'Bearer a.b.c d.e.f'], token: 'a.b.c d.e.f' },
  { name: 'two credentials', raw: ['Authorization', 'Bearer a.b.c, Bearer d'], token: 'a.b.c, Bearer d' },
  { name: 'a comma before', raw: ['Authorization', 'Bearer, a.b.c'], token: ', a.b.c' },
  { name: 'an equals sign', raw: ['Authorization', 'Bearer=a.b.c'], token: '=a.b.c' },
  { name: 'quotes', raw: ['Authorization', 'Bearer "a.b.c"'], token: '"a.b.c"' },
  { name: 'a no-break space', raw: ['Authorization', 'Bearer\xa0a.b.c'], token: '\xa0a.b.c' },
];

const cookies: readonly Case[] = [
  { name: 'a cookie', raw: ['Cookie', 'access_token=a.b.c'], token: 'a.b.c' },
  { name: 'among others', raw: ['cookie', 'a=1; access_token=a.b.c; b=2'], token: 'a.b.c' },
  { name: 'without spaces', raw: ['Cookie', 'a=1;access_token=a.b.c;b=2'], token: 'a.b.c' },
  { name: 'in quotes', raw: ['Cookie', 'access_token="a.b.c"'], token: 'a.b.c' },
  { name: 'in the second line', raw: ['Cookie', 'a=1', 'Cookie', 'access_token=a.b.c'], token: 'a.b.c' },
  {
    name: 'blanks around name and value',
    raw: ['Cookie', '\t access_token \t=  a.b.c\t ;x=1'],
    token: 'a.b.c',
  },
  { name: 'a value with an equals sign', raw: ['Cookie', 'access_token=a=b'], token: 'a=b' },
  { name: 'a quote on one side', raw: ['Cookie', 'access_token="a.b.c'], token: '"a.b.c' },
  { name: 'one quote', raw: ['Cookie', 'access_token="'], token: '"' },
  { name: 'nothing decoded', raw: ['Cookie', 'access_token=a%2eb'], token: 'a%2eb' },
  { name: 'Bearer within', raw: ['Cookie', 'access_token=Bearer a.b.c'], token: 'Bearer a.b.c' },
  { name: 'no cookie', raw: ['Cookie', ''], refused: 'token_missing' },
  { name: 'an empty one', raw: ['Cookie', 'access_token='], refused: 'token_missing' },
  { name: 'an empty one in quotes', raw: ['Cookie', 'access_token=""; a=1'], refused: 'token_missing' },
  { name: 'blanks alone', raw: ['Cookie', 'access_token=  ; a=1'], refused: 'token_missing' },
  { name: 'a name without a value', raw: ['Cookie', 'access_token; a=1'], refused: 'token_missing' },
  { name: 'another case', raw: ['Cookie', 'Access_Token=a.b.c'], refused: 'token_missing' },
  { name: 'a name that ends so', raw: ['Cookie', 'x_access_token=a.b.c'], refused: 'token_missing' },
  { name: 'a name that begins so', raw: ['Cookie', 'access_token2=a.b.c'], refused: 'token_missing' },
  { name: 'the name as a value', raw: ['Cookie', 'a=access_token=a.b.c'], refused: 'token_missing' },
  {
    name: 'another header',
    raw: ['Set-Cookie', 'access_token=a', 'Cookie2', 'access_token=a'],
    refused: 'token_missing',
  },
  { name: 'twice', raw: ['Cookie', 'access_token=a; access_token=b'], refused: 'token_ambiguous' },
  {
    name: 'twice and equal',
    raw: ['Cookie', 'access_token=a; x=1; access_token=a'],
    refused: 'token_ambiguous',
  },
  {
    name: 'twice in two lines',
    raw: ['Cookie', 'access_token=a', 'cookie', 'access_token=a'],
    refused: 'token_ambiguous',
  },
  { name: 'once empty', raw: ['Cookie', 'access_token=; access_token=a'], refused: 'token_ambiguous' },
  { name: 'separators alone', raw: ['Cookie', ';;= ; =;;'], refused: 'token_missing' },
  { name: 'the name before a separator', raw: ['Cookie', 'access_token;=a'], refused: 'token_missing' },
  { name: 'blanks up to a separator', raw: ['Cookie', 'access_token=a ; \t ;'], token: 'a' },
  { name: 'twice empty', raw: ['Cookie', 'access_token=; access_token='], refused: 'token_ambiguous' },
  {
    name: 'within the quotes of another',
    raw: ['Cookie', 'a="; access_token=a; b="; access_token=b'],
    refused: 'token_ambiguous',
  },
];

const name = 'x-goog-iap-jwt-assertion';
const headers: readonly Case[] = [
  { name: 'a header', raw: ['X-Goog-IAP-JWT-Assertion', 'a.b.c'], token: 'a.b.c' },
  { name: 'in another case', raw: ['x-GOOG-iap-jwt-assertion', 'a.b.c'], token: 'a.b.c' },
  { name: 'blanks around', raw: [name, ' \ta.b.c\t '], token: 'a.b.c' },
  { name: 'Bearer before', raw: [name, 'Bearer a.b.c'], token: 'Bearer a.b.c' },
  {
    name: 'an underscore for a hyphen',
    raw: ['x_goog_iap_jwt_assertion', 'a.b.c'],
    refused: 'token_missing',
  },
  { name: 'empty', raw: [name, ''], refused: 'token_missing' },
  { name: 'blanks alone', raw: [name, ' \t '], refused: 'token_missing' },
  { name: 'twice', raw: [name, 'a', name, 'a'], refused: 'token_ambiguous' },
  { name: 'once empty', raw: [name, 'a', name, ''], refused: 'token_ambiguous' },
  { name: 'twice empty', raw: [name, '', name, ''], refused: 'token_ambiguous' },
];

const several: readonly Case[] = [
  {
    name: 'a bearer token and a cookie',
    raw: ['Cookie', 'access_token=b', 'Authorization', 'Bearer a'],
    token: 'a',
  },
  { name: 'a cookie and a header', raw: [name, 'b', 'Cookie', 'access_token=a'], token: 'a' },
  {
    name: 'a header and a cookie, in another order of the config',
    sources: [header, bearer, cookie],
    raw: [name, 'b', 'Cookie', 'access_token=a'],
    token: 'b',
  },
  {
    name: 'all three',
    raw: [name, 'c', 'Cookie', 'access_token=b', 'Authorization', 'Bearer a'],
    token: 'a',
  },
  {
    name: 'an empty bearer token and a cookie',
    raw: ['Authorization', 'Bearer', 'Cookie', 'access_token=a'],
    token: '',
  },
  { name: 'Basic and a cookie', raw: ['Authorization', 'Basic a', 'Cookie', 'access_token=a'], token: 'a' },
  {
    name: 'Bearer and an empty cookie',
    raw: ['Authorization', 'Bearer a', 'Cookie', 'access_token='],
    token: 'a',
  },
  {
    name: 'one token, and what is twice but no source',
    raw: ['Authorization', 'Bearer a', 'Cookie', 'x=1; x=1', 'X', '1', 'X', '1'],
    token: 'a',
  },
  {
    name: 'a token, and another source twice',
    raw: ['Authorization', 'Bearer a', name, '', name, ''],
    refused: 'token_ambiguous',
  },
  {
    name: 'a token, and the cookie of a later source twice',
    raw: ['Authorization', 'Bearer a', 'Cookie', 'access_token=b; access_token=b'],
    refused: 'token_ambiguous',
  },
  {
    name: 'the first source twice, and another once',
    raw: ['Authorization', 'Bearer a', 'Authorization', 'Bearer a', 'Cookie', 'access_token=b'],
    refused: 'token_ambiguous',
  },
];

const notASource: readonly Case[] = [
  { name: 'a bearer token', sources: [cookie], raw: ['Authorization', 'Bearer a'], refused: 'token_missing' },
  {
    name: 'two Authorization headers',
    sources: [cookie],
    raw: ['Authorization', 'Bearer a', 'Authorization', 'Bearer b', 'Cookie', 'access_token=c'],
    token: 'c',
  },
  {
    name: 'a cookie',
    sources: [bearer],
    raw: ['Cookie', 'access_token=a; access_token=b'],
    refused: 'token_missing',
  },
  { name: 'everything', sources: [], raw: ['Authorization', 'Bearer a'], refused: 'token_missing' },
];

const tables = {
  Authorization: authorization,
  Cookie: cookies,
  header: headers,
  'several sources': several,
  'no source': notASource,
};

for (const [table, cases] of Object.entries(tables)) {
  for (const { name, sources = all, raw, token, refused } of cases) {
    t.test(`${table}, ${name}: ${refused ?? token}`, async (t) => {
      const outcome = compileExtract({ sources, forwardToken: false })(raw);
      if (refused !== undefined) t.strictSame(outcome, { refused });
      else t.equal(isRefusal(outcome) ? outcome.refused : outcome.token, token);
    });
  }
}

t.test('says where the token was', async (t) => {
  const extract = compileExtract({ sources: all, forwardToken: false });
  t.match(extract(['Authorization', 'Bearer a']), { source: bearer });
  t.match(extract(['Cookie', 'access_token=a']), { source: cookie });
  t.match(extract([name, 'a']), { source: header });
});

t.test('tells two cookie sources apart', async (t) => {
  const sources = [cookie, { type: 'cookie', name: 'session' }] as const;
  const extract = compileExtract({ sources, forwardToken: false });
  t.match(extract(['Cookie', 'session=b']), { token: 'b', source: { name: 'session' } });
  t.match(extract(['Cookie', 'session=b; access_token=a']), { token: 'a', source: { name: 'access_token' } });
});

t.test('every place that holds a token is named, and what would decide without the first', async (t) => {
  const extract = compileExtract({ sources: all, forwardToken: false });
  const raw = [name, 'c', 'Cookie', 'access_token=b', 'Authorization', 'Bearer a'];
  t.strictSame(extract(raw), {
    token: 'a',
    source: bearer,
    places: [bearer, cookie, header],
    next: {
      token: 'b',
      source: cookie,
      places: [cookie, header],
      next: { token: 'c', source: header, places: [header], next: null },
    },
  });
  t.match(extract(['Authorization', 'Basic a', 'Cookie', 'access_token=b']), {
    places: [cookie],
    next: null,
  });
});

t.test('tokens in two sources are ambiguous where the upstream gets them too', async (t) => {
  const extract = compileExtract({ sources: all, forwardToken: true });
  t.strictSame(extract(['Authorization', 'Bearer a', 'Cookie', 'access_token=a']), {
    refused: 'token_ambiguous',
  });
  t.strictSame(extract(['Cookie', 'access_token=a', name, 'a']), { refused: 'token_ambiguous' });
  t.match(extract(['Authorization', 'Basic a', 'Cookie', 'access_token=a']), { token: 'a' });
});

t.test('the first listed source decides wherever it stands, and nothing that came twice', async () => {
  const lines = {
    bearer: [
      ['Authorization', 'Bearer t-bearer'],
      ['authorization', 'bearer  t-bearer'],
    ],
    cookie: [
      ['Cookie', 'access_token=t-cookie'],
      ['cookie', 'x=1; access_token="t-cookie"'],
    ],
    header: [[name, 't-header']],
  } as const;
  const line = fc
    .constantFrom('bearer', 'cookie', 'header')
    .chain((type) => fc.constantFrom(...lines[type]).map((pair) => ({ type, pair })));
  const other = fc
    .constantFrom(['Accept', '*/*'], ['X-Cookie', 'access_token=t'], ['Cookie', 'x=access_token'])
    .map((pair) => ({ type: null, pair }));
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 3 }),
      fc.array(other),
      fc.shuffledSubarray([bearer, cookie, header], { minLength: 3 }),
      fc.boolean(),
      fc.infiniteStream(fc.nat()),
      (tokens, others, sources, forwardToken, order) => {
        const raw = [...tokens, ...others].map((each) => ({ ...each, at: order.next().value as number }));
        const rawHeaders = raw.sort((a, b) => a.at - b.at).flatMap(({ pair }) => pair);
        const outcome = compileExtract({ sources, forwardToken })(rawHeaders);
        const types = new Set(tokens.map(({ type }) => type));
        const isTwice = types.size < tokens.length || (forwardToken && types.size > 1);
        const first = sources.find(({ type }) => types.has(type));
        const expected = isTwice ? 'token_ambiguous' : first ? `t-${first.type}` : 'token_missing';
        return (isRefusal(outcome) ? outcome.refused : outcome.token) === expected;
      },
    ),
  );
});
