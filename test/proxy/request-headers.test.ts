import fc from 'fast-check';
import t from 'tap';
import {
  compileRequestHeaders,
  type RequestHeadersInput,
  type TokenPlace,
} from '../../src/proxy/request-headers.ts';

const stripped = new Set(['x_verified_subject', 'authorization_fixed', 'x_http_method_override']);
const normalize = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '_');
const strip = (name: string) => stripped.has(normalize(name)) || normalize(name).startsWith('x_verified_');
const untrusted = { peer: '192.0.2.9', trusted: false, secure: false, port: 8080 };
const trusted = { ...untrusted, trusted: true };
const ours = [
  'X-Forwarded-For',
  '192.0.2.9',
  'X-Forwarded-Proto',
  'http',
  'X-Forwarded-Host',
  'api.test',
  'X-Forwarded-Port',
  '8080',
];

const requestHeaders = compileRequestHeaders({ strip, tokenHeaders: [] });

function run(lines: readonly string[], changes: Partial<RequestHeadersInput> = {}): string[] {
  return requestHeaders({
    rawHeaders: lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
    upstream: { preserveHost: false, setHeaders: [] },
    tokens: [],
    identity: [],
    requestId: 'id',
    hop: untrusted,
    stripPrefix: null,
    ...changes,
  });
}

/** What is left of the client's own headers, which come after ours. */
function passed(lines: readonly string[], changes: Partial<RequestHeadersInput> = {}): string[] {
  const list = run(['Host:api.test', ...lines], changes);
  const rest = list.slice(list.indexOf('X-Request-Id') + 2);
  return rest.flatMap((name, i) => (i % 2 === 0 ? [`${name}:${rest[i + 1]}`] : []));
}

t.test('the client’s headers keep order, spelling, duplicates and bytes', async (t) => {
  const lines = [
    'aCCept:text/html',
    'X-A:1',
    'Accept:*/*',
    'x-a:\xe9',
    'Content-Length:3',
    'traceparent:00-x',
    'tracestate:y',
  ];
  t.same(passed(lines), lines);
});

const gone: Readonly<Record<string, readonly string[]>> = {
  'hop-by-hop headers': [
    'Connection:keep-alive',
    'Keep-Alive:timeout=5',
    'Proxy-Connection:keep-alive',
    'TE:trailers',
    'Trailer:X-T',
    'Transfer-Encoding:chunked',
    'Upgrade:h2c',
    'HTTP2-Settings:x',
    'Proxy-Authorization:Basic x',
    'Proxy-Authenticate:Basic',
    'Expect:100-continue',
  ],
  'what Connection names, in any case, on several lines': [
    'Connection:close, X-One',
    'cOnnection:  x-TWO ,,X-Three',
    'X-One:1',
    'x-two:2',
    'X-THREE:3',
  ],
  'what no client may set': ['X-Verified-Subject:root', 'x_verified.subject:root', 'X-Verified-Unmapped:1'],
  'a request id': ['X-Request-Id:a', 'x_request_id:b', 'X.Request.ID:c'],
  'forwarding headers of a stranger': [
    'X-Forwarded-For:1.1.1.1',
    'x-forwarded-proto:https',
    'X-Forwarded-Host:evil',
    'X-Forwarded-Port:1',
    'X-Forwarded-Prefix:/x',
    'X-Forwarded-Uri:/admin',
    'X-Forwarded-Anything:1',
    'X_Forwarded_For:1.1.1.1',
    'X-Forwarded_For:1.1.1.1',
    'X.Forwarded.Proto:https',
    'X-Forwarded:for=1.1.1.1',
    'Forwarded:for=1.1.1.1',
    'X-Real-IP:1.1.1.1',
    'x_real_ip:1.1.1.1',
  ],
};
for (const [what, lines] of Object.entries(gone)) {
  t.test(`${what} are gone`, async (t) => t.same(passed(lines), []));
}

t.test('Connection cannot take away framing, Host or what is ours', async (t) => {
  const identity = ['X-Verified-Subject', 'alice'];
  const list = run(
    [
      'Connection:X-Verified-Subject, Content-Length, Host, X-Request-Id, X-Forwarded-For, X-Set',
      'Host:api.test',
      'Content-Length:3',
    ],
    { identity, upstream: { preserveHost: true, setHeaders: ['X-Set', '1'] } },
  );
  t.same(list, [
    'Host',
    'api.test',
    ...ours,
    'X-Request-Id',
    'id',
    ...identity,
    'X-Set',
    '1',
    'Content-Length',
    '3',
  ]);
});

t.test('Host is the client’s only where it is preserved', async (t) => {
  t.same(run(['Host:api.test']), [...ours, 'X-Request-Id', 'id']);
  const preserving = { upstream: { preserveHost: true, setHeaders: [] } };
  t.same(run(['Host:api.test'], preserving), ['Host', 'api.test', ...ours, 'X-Request-Id', 'id']);
  t.same(
    run(['Host:api.test', 'host:evil'], preserving).filter((each) => each === 'evil'),
    [],
  );
  t.notOk(run([], preserving).includes('Host'), 'HTTP/1.0 may have none');
});

const places: readonly { what: string; tokens: readonly TokenPlace[]; lines: string[]; left: string[] }[] = [
  {
    what: 'none',
    tokens: [],
    lines: ['Authorization:Bearer t', 'Cookie:t=1'],
    left: ['Authorization:Bearer t', 'Cookie:t=1'],
  },
  {
    what: 'a bearer token',
    tokens: [{ type: 'bearer' }],
    lines: ['authorization:Bearer t', 'Cookie:t=1'],
    left: ['Cookie:t=1'],
  },
  {
    what: 'a header',
    tokens: [{ type: 'header', name: 'x-jwt' }],
    lines: ['X-JWT:t', 'X_Jwt:t', 'X-Jwt2:u'],
    left: ['X-Jwt2:u'],
  },
  {
    what: 'Authorization as a header',
    tokens: [{ type: 'header', name: 'Authorization' }],
    lines: ['Authorization:t'],
    left: [],
  },
  { what: 'the only cookie', tokens: [{ type: 'cookie', name: 't' }], lines: ['Cookie:t=1'], left: [] },
  {
    what: 'the first cookie',
    tokens: [{ type: 'cookie', name: 't' }],
    lines: ['Cookie:t=1; b=2;c="x y"'],
    left: ['Cookie:b=2;c="x y"'],
  },
  {
    what: 'the last cookie',
    tokens: [{ type: 'cookie', name: 't' }],
    lines: ['Cookie:a=t;  t=1'],
    left: ['Cookie:a=t'],
  },
  {
    what: 'a cookie between',
    tokens: [{ type: 'cookie', name: 't' }],
    lines: ['Cookie:a=1; t=x=y; T=2; tt=3'],
    left: ['Cookie:a=1; T=2; tt=3'],
  },
  {
    what: 'a cookie spelled with space',
    tokens: [{ type: 'cookie', name: 't' }],
    lines: ['Cookie:a=1; t =1; t'],
    left: ['Cookie:a=1'],
  },
  {
    what: 'a cookie on two lines',
    tokens: [{ type: 'cookie', name: 't' }],
    lines: ['Cookie:t=1', 'cookie:t=2; b=1'],
    left: ['cookie:b=1'],
  },
  {
    what: 'a cookie, not Authorization',
    tokens: [{ type: 'cookie', name: 't' }],
    lines: ['Authorization:Basic x'],
    left: ['Authorization:Basic x'],
  },
  {
    what: 'one of every place',
    tokens: [
      { type: 'header', name: 'x-jwt' },
      { type: 'cookie', name: 't' },
      { type: 'bearer' },
      { type: 'cookie', name: 'u' },
      { type: 'header', name: 'x-other' },
    ],
    lines: ['Authorization:Bearer t', 'Cookie:t=1; b=2; u=3', 'X-JWT:t', 'x_other:t', 'X-Mine:1'],
    left: ['Cookie:b=2', 'X-Mine:1'],
  },
];
for (const { what, tokens, lines, left } of places) {
  t.test(`token taken out: ${what}`, async (t) => t.same(passed(lines, { tokens }), left));
}

t.test('a trusted proxy is appended to and completed', async (t) => {
  const list = run(
    [
      'X-Forwarded-For:1.1.1.1, 2.2.2.2',
      'X-Forwarded-Proto:https',
      'x-forwarded-for:3.3.3.3',
      'Forwarded:for=1',
      'X-Real-IP:1.1.1.1',
      'X-Forwarded-Client-Cert:c',
      'X_Forwarded_For:9.9.9.9',
      'x_real_ip:9',
      'Host:api.test',
    ],
    { hop: trusted },
  );
  t.same(list, [
    'X-Forwarded-For',
    '1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.9',
    'X-Forwarded-Host',
    'api.test',
    'X-Forwarded-Port',
    '8080',
    'X-Request-Id',
    'id',
    'X-Forwarded-Proto',
    'https',
    'Forwarded',
    'for=1',
    'X-Real-IP',
    '1.1.1.1',
    'X-Forwarded-Client-Cert',
    'c',
  ]);
  t.same(run(['Host:api.test'], { hop: trusted }), [...ours, 'X-Request-Id', 'id']);
});

t.test('a client behind a trusted proxy cannot drop its address through Connection', async (t) => {
  const list = run(['Connection:X-Forwarded-For', 'X-Forwarded-For:1.1.1.1'], { hop: trusted });
  t.equal(list[list.indexOf('X-Forwarded-For') + 1], '1.1.1.1, 192.0.2.9');
});

t.test('TLS is said', async (t) => {
  const list = run([], { hop: { ...untrusted, secure: true } });
  t.equal(list[list.indexOf('X-Forwarded-Proto') + 1], 'https');
  t.notOk(list.includes('X-Forwarded-Host'), 'no Host, no X-Forwarded-Host');
});

t.test('a stripped prefix is ours to say, even through a trusted proxy', async (t) => {
  const list = run(['X-Forwarded-Prefix:/evil'], { hop: trusted, stripPrefix: '/billing' });
  t.same(
    list.filter((_, i) => list[i - 1] === 'X-Forwarded-Prefix'),
    ['/billing'],
  );
  t.ok(run(['X-Forwarded-Prefix:/outer'], { hop: trusted }).includes('/outer'));
});

t.test('property: whatever the client spells, ours is the only one', async () => {
  const letters = fc.constantFrom(
    'X-Verified-Subject',
    'X-Request-Id',
    'X-Forwarded-For',
    'X-Real-IP',
    'Forwarded',
  );
  const spelled = fc
    .tuple(
      letters,
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      fc.constantFrom(..."-_.!#$%&'*+^`|~"),
    )
    .map(([name, upper, separator]) =>
      [...name]
        .map((c, i) => (c === '-' ? separator : upper[i] ? c.toUpperCase() : c.toLowerCase()))
        .join(''),
    );
  fc.assert(
    fc.property(fc.array(spelled, { maxLength: 8 }), fc.boolean(), (names, nominate) => {
      const lines = names.map((name) => `${name}:evil`);
      if (nominate) lines.push(`Connection:${names.join(',')}`);
      const list = run(lines, { identity: ['X-Verified-Subject', 'alice'] });
      return !list.includes('evil') && list[list.indexOf('X-Verified-Subject') + 1] === 'alice';
    }),
  );
});

t.test('made-up names beyond those remembered are read all the same', async (t) => {
  const read = compileRequestHeaders({ strip, tokenHeaders: [] });
  const input = {
    upstream: { preserveHost: false, setHeaders: [] },
    tokens: [],
    identity: [],
    requestId: 'id',
    hop: untrusted,
    stripPrefix: null,
  };
  for (let i = 0; i < 3000; i++) read({ ...input, rawHeaders: [`X-Made-Up-${i}`, 'v'] });
  t.notOk(read({ ...input, rawHeaders: ['x_VERIFIED.subject', 'evil'] }).includes('evil'));
});
