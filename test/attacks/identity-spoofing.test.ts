import t from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { ask, elsewhere, ordinaryIdentity, type Recorded, startTarget, valuesOf } from './harness.ts';

// A client that says who it is: under every mapped name and prefix, in every spelling that some server takes for it
// (CVE-2025-64484), twice, as a trailer, or so that ours would be taken away (CVE-2022-31813), on every kind of rule.

/** What a client claims to be, wherever it can say so. */
const lie = 'spoofed';

const config: Partial<ConfigInput> = {
  identity: {
    headers: {
      'X-Verified-Subject': 'sub',
      'X-Verified-Issuer': 'iss',
      'X-Verified-Client-Id': 'client_id',
      'X-Verified-Scope': 'scope',
      'X-User.Name': 'name',
      Tenant: 'tenant',
    },
    payloadHeader: 'X-Claims',
    stripPrefixes: ['X-Verified-', 'Auth_'],
    stripHeaders: ['X-Debug-User'],
  },
  rules: [
    { path: '/public/*', auth: 'none' },
    { path: '/optional/*', auth: 'optional' },
    { path: '/required/*' },
    { path: '/forbidden/*', scopes: ['nobody:has'] },
    { path: '/reported/*', mode: 'report', scopes: ['nobody:has'] },
  ],
};
const { rules, ...others } = config;
const target = await startTarget(t, elsewhere ? {} : { rules, config: others });

/** Those of the policy, which any gateway is told. */
const verified = [
  ...[
    'X-Verified-Subject',
    'x-verified-subject',
    'X-VERIFIED-SUBJECT',
    'X_Verified_Subject',
    'x_verified-subject',
  ],
  ...[
    'X.Verified.Subject',
    'X-Verified.Subject',
    "X!Verified'Subject",
    'x~verified|subject',
    'X-Verified_Subject',
  ],
  ...[
    'X-Verified-Client-Id',
    'X-Verified-Client_ID',
    'X_VERIFIED_ISSUER',
    'X-Verified_Scope',
    'X+Verified*Scope',
  ],
];
/** And those of this config. */
const more = [
  ...[
    'X-Verified-Anything-Else',
    'X_VERIFIED_',
    'X.verified.',
    'X-User.Name',
    'x-user-name',
    'X_USER_NAME',
    'tenant',
    'TENANT',
  ],
  ...['X-Claims', 'x_claims', 'X.Claims', 'Auth_User', 'auth-user', 'AUTH.', 'X-Debug-User', 'x_debug_user'],
];
const spellings = elsewhere ? verified : [...verified, ...more];

const places: Readonly<Record<string, (name: string) => readonly string[]>> = {
  once: (name) => [`${name}: ${lie}`],
  twice: (name) => [`${name}: ${lie}`, `${name.toLowerCase()}: ${lie} too`],
  empty: (name) => [`${name}:`, `${name}: ${lie}`],
  'nominated in Connection': (name) => [`${name}: ${lie}`, `Connection: ${name}, X-Verified-Subject`],
  'nominated over several lines, in any case': (name) => [
    'Connection: keep-alive',
    `${name}: ${lie}`,
    `connection: x-foo,, ${name.toUpperCase()} ,x-verified-client-id`,
    'CONNECTION: X-Verified-Issuer,X-Verified-Scope,X-Claims,tenant,X-User.Name',
  ],
};

/** No client_id, no scope, no name, no tenant: nothing of ours stands in the place of the lie. */
const token = target.mint({ claims: { client_id: undefined, scope: undefined } });
const { 'X-Verified-Subject': subject, 'X-Verified-Issuer': issuer } = ordinaryIdentity(target.issuer.issuer);

interface Caller {
  readonly path: string;
  readonly carries: string | null;
  /** Whether the upstream is told who it is. */
  readonly identity: boolean;
}

const callers: readonly Caller[] = [
  { path: '/public/x', carries: null, identity: false },
  { path: '/public/x', carries: token, identity: false },
  { path: '/optional/x', carries: null, identity: false },
  { path: '/optional/x', carries: token, identity: true },
  { path: '/required/x', carries: token, identity: true },
  { path: '/unmatched', carries: token, identity: true },
];
const reported: readonly Caller[] = [
  { path: '/reported/x', carries: null, identity: false },
  { path: '/reported/x', carries: token, identity: false },
  { path: '/reported/x', carries: `${token}x`, identity: false },
];

/** What the upstream was told of who it is, and whether a lie came through. */
function toldOf(seen: readonly Recorded[]): object {
  const names = ['x-verified-subject', 'x-verified-issuer', 'x-verified-client-id', 'x-verified-scope'];
  const own = elsewhere ? [] : ['x-user.name', 'tenant', 'x-claims'];
  return {
    forwarded: seen.length,
    lie: seen.some(({ text }) => text.includes(lie)),
    told: seen.map((each) => [...names, ...own].map((name) => valuesOf(each, name))),
  };
}

/** Only what the token says, each header once. */
function ours(identity: boolean): object {
  const said = [identity ? [subject] : [], identity ? [issuer] : [], [], []];
  const own = elsewhere ? [] : [[], [], identity ? [token.split('.')[1]] : []];
  return { forwarded: 1, lie: false, told: [[...said, ...own]] };
}

t.test('no client says who it is, in whatever spelling and place, on whatever rule', async (t) => {
  const raw = await target.connect();
  for (const { path, carries, identity } of elsewhere ? callers : [...callers, ...reported]) {
    for (const [place, fieldsOf] of Object.entries(places)) {
      for (const spelling of spellings) {
        const authorization = carries === null ? [] : [`Authorization: Bearer ${carries}`];
        const before = target.upstream.seen.length;
        await raw.send(ask(`GET ${path}`, ...fieldsOf(spelling), ...authorization));
        const name = `${path} ${carries === null ? 'without' : 'with'} a token, ${spelling} ${place}`;
        await raw.response();
        t.strictSame(toldOf(target.upstream.seen.slice(before)), ours(identity), name);
      }
    }
  }
});

t.test('nor does it say so in a handshake', async (t) => {
  const handshake = [
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  for (const { path, carries, identity } of callers) {
    for (const spelling of spellings) {
      const authorization = carries === null ? [] : [`Authorization: Bearer ${carries}`];
      const fields = [
        `Connection: Upgrade, ${spelling}, X-Verified-Subject`,
        ...handshake,
        `${spelling}: ${lie}`,
      ];
      const before = target.upstream.seen.length;
      await target.send(ask(`GET ${path}`, ...fields, ...authorization));
      const name = `${path}, ${spelling}`;
      t.strictSame(toldOf(target.upstream.seen.slice(before)), ours(identity), name);
    }
  }
});

t.test('a request that is refused takes no lie anywhere', async (t) => {
  const lies = spellings.map((name) => `${name}: ${lie}`);
  const bearer = `Authorization: Bearer ${token}`;
  const cases = [
    await target.refuses(t, 'required', ask('GET /required/x', ...lies), 'token_missing'),
    await target.refuses(t, 'unmatched', ask('GET /x', ...lies), 'token_missing'),
    await target.refuses(t, 'forbidden', ask('GET /forbidden/x', ...lies, bearer), 'scope_insufficient'),
    await target.refuses(t, 'optional', ask('GET /optional/x', ...lies, `${bearer}x`), 'token_malformed'),
  ];
  for (const answer of cases) {
    t.notMatch(answer.text, lie);
    const line = await target.gateway?.line(answer.header('x-request-id'));
    t.notMatch(JSON.stringify(line ?? null), lie);
  }
});

t.test('trailers go no further', async (t) => {
  const raw = await target.connect();
  for (const spelling of [...spellings, 'Authorization', 'X-Forwarded-For', 'Host']) {
    const head = ask('POST /public/x', 'Transfer-Encoding: chunked', `Trailer: ${spelling}`);
    await raw.send(`${head}3\r\nabc\r\n0\r\n${spelling}: ${lie}\r\n\r\n`);
    t.equal((await raw.response()).status, 200, spelling);
    t.notMatch(target.upstream.seen.at(-1)?.text ?? lie, lie, spelling);
  }
});

t.test('names that no header has are refused', async (t) => {
  const names = [
    'X-Verified-Subject ',
    'X-Verified-Subject\t',
    'X-Verified-Sub\0ject',
    'X-Verified-Subject\v',
    ' X-Verified-Subject',
  ];
  for (const name of [
    ...names,
    'X-Verified\xadSubject',
    'X-Verified Subject',
    'X-Verified\rSubject',
    'X-Verified\nSubject',
  ]) {
    const before = target.upstream.bytes;
    const answer = await target.send(ask('GET /public/x', `${name}: ${lie}`));
    t.equal(answer.status, 400, JSON.stringify(name));
    t.equal(target.upstream.bytes, before, JSON.stringify(name));
  }
});

t.test('values with a line break in them make no header', async (t) => {
  const subjects = {
    'CR LF and a header': `x\r\nX-Verified-Scope: ${lie}`,
    'LF and a header': `x\nTenant: ${lie}`,
    'a request': `x\r\n\r\nGET /${lie} HTTP/1.1\r\n\r\n`,
    'letters whose low bytes are CR and LF': `\u560d\u560aX-A: ${lie}`,
    NUL: 'a\0b',
    'a line separator': 'a\u2028b',
  };
  for (const [name, sub] of Object.entries(subjects)) {
    const signed = target.mint({ claims: { sub } });
    const before = target.upstream.seen.length;
    const answer = await target.send(ask('GET /required/x', `Authorization: Bearer ${signed}`));
    const seen = target.upstream.seen.slice(before);
    t.equal(seen.length, answer.status === 200 ? 1 : 0, name);
    for (const each of seen) {
      t.notOk(
        each.fields.some((field) => !/^[\x21-\x7e]+: [\x20-\x7e]*$/.test(field)),
        `${name}: every line is a header`,
      );
      t.equal(valuesOf(each, 'x-verified-subject').length, 1, `${name}: one subject`);
      t.strictSame(valuesOf(each, 'x-verified-scope'), ['orders:read'], `${name}: the scope of the token`);
    }
  }
});
