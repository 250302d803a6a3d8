import t from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { bearer, sight, startScene } from './scene.ts';
import { ask } from './wire.ts';

/** What a client claims to be, wherever it can say so. */
const lie = 'spoofed';

const config = {
  identity: {
    headers: {
      'X-Verified-Subject': 'sub',
      'X-Verified-Client-Id': 'client_id',
      'X-User.Name': 'name',
      Tenant: 'tenant',
    },
    payloadHeader: 'X-Claims',
    stripPrefixes: ['X-Verified-', 'Auth_'],
    stripHeaders: ['X-Original-URL', 'X-Debug-User'],
  },
  rules: [
    { path: '/none', auth: 'none' },
    { path: '/optional', auth: 'optional' },
    { path: '/reported', mode: 'report', scopes: ['none:such'] },
    { path: '/required' },
    { path: '/denied', scopes: ['none:such'] },
  ],
} satisfies Partial<ConfigInput>;

const places: Readonly<Record<string, (name: string) => readonly string[]>> = {
  once: (name) => [`${name}: ${lie}`],
  twice: (name) => [`${name}: ${lie}`, `${name.toLowerCase()}: ${lie} too`],
  'nominated in Connection': (name) => [`${name}: ${lie}`, `Connection: ${name}, X-Verified-Subject`],
  'nominated over several lines, in any case': (name) => [
    'Connection: keep-alive',
    `${name}: ${lie}`,
    `connection: x-foo,, ${name.toUpperCase()} ,x-verified-client-id`,
    'CONNECTION: X-Api-Key,X-Claims,tenant,X-User.Name',
  ],
};

t.test('what the config says to the upstream, no client says or takes away', async (t) => {
  const { echo } = await startScene(t);
  const setHeaders = { 'X-Api-Key': 'ours', Authorization: 'Basic ours' };
  const { gateway } = await startScene(t, { ...config, upstream: { url: echo.url, setHeaders } });
  const raw = await gateway.raw();
  for (const [place, fieldsOf] of Object.entries(places)) {
    for (const spelling of ['X-Api-Key', 'x_api_key', 'X.API.Key']) {
      await raw.send(ask('GET /none', ...fieldsOf(spelling), 'Authorization: Basic mine'));
      t.equal((await raw.response()).status, 200);
      const seen = sight(echo.seen.at(-1));
      t.notOk(
        seen.rawHeaders.some((text) => text.includes(lie)),
        `${spelling} ${place}`,
      );
      t.strictSame(seen.all('x-api-key'), ['ours'], `${spelling} ${place}`);
      t.strictSame(seen.all('authorization'), ['Basic ours'], `${spelling} ${place}`);
    }
  }
});

t.test('headers that only resemble ours are the client’s', async (t) => {
  const scene = await startScene(t, config);
  const names = [
    'X-Verified',
    'Verified-Subject',
    'XX-Verified-Subject',
    'X-Verifiedsubject',
    'Tenants',
    'X-User',
  ];
  const seen = await scene.allows(t, 'all', {
    path: '/none',
    headers: Object.fromEntries(names.map((name) => [name, 'mine'])),
  });
  for (const name of names) t.equal(seen.header(name.toLowerCase()), 'mine', name);
});

t.test('claims reach the upstream so that no two look alike', async (t) => {
  const scene = await startScene(t, {
    identity: {
      headers: {
        'X-Value': 'value',
        'X-Nested': 'realm.role',
        'X-Dotted': '["a.b"]',
        'X-Verified-Scope': 'scope',
      },
    },
  });
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const cases: Readonly<Record<string, { value: unknown; header: string | undefined }>> = {
    text: { value: 'plain text', header: 'plain text' },
    'outside ASCII': { value: 'Zoë 名', header: 'Zo%C3%AB %E5%90%8D' },
    'a surrogate pair': { value: '😀', header: '%F0%9F%98%80' },
    'percent signs': { value: '100%25', header: '100%2525' },
    'line ends': { value: 'a\r\nX-Admin: 1', header: 'a%0D%0AX-Admin: 1' },
    'NUL and DEL': { value: 'a\u0000b\u007f', header: 'a%00b%7F' },
    'a tab': { value: 'a\tb', header: 'a%09b' },
    'spaces around': { value: '  a  b ', header: '%20%20a  b%20' },
    'nothing but a space': { value: ' ', header: '%20' },
    'a comma': { value: 'a,b', header: 'a,b' },
    'a list': { value: ['a', 'b'], header: 'a,b' },
    'a list with commas and spaces': { value: ['a,b', ' c '], header: 'a%2Cb,%20c%20' },
    'a list of all sorts': { value: [1, true, null, { a: 1 }], header: `1,true,,${base64({ a: 1 })}` },
    'an object': { value: { a: 'ü' }, header: base64({ a: 'ü' }) },
    'a number': { value: 1.5, header: '1.5' },
    zero: { value: 0, header: '0' },
    'the last exact integer': { value: Number.MAX_SAFE_INTEGER, header: '9007199254740991' },
    false: { value: false, header: 'false' },
    null: { value: null, header: undefined },
    'empty text': { value: '', header: undefined },
    'an empty list': { value: [], header: undefined },
    missing: { value: undefined, header: undefined },
  };
  for (const [name, { value, header }] of Object.entries(cases)) {
    const headers = bearer(scene.issuer.mint({ claims: { value } }));
    const seen = await scene.allows(t, name, { headers: { ...headers, 'x-value': lie } });
    t.equal(seen.header('x-value'), header, name);
    t.notOk(seen.names.includes('x-admin'), name);
  }
  const nested = await scene.allows(t, 'nested', {
    headers: bearer(
      scene.issuer.mint({ claims: { realm: { role: 'chef' }, 'a.b': 'dotted', scope: ['a b', 'c'] } }),
    ),
  });
  t.match([nested.header('x-nested'), nested.header('x-dotted')], ['chef', 'dotted']);
  t.equal(nested.header('x-verified-scope'), 'a%20b c', 'two scopes, not three');
});

t.test('a mapped integer that is not exact refuses the token', async (t) => {
  const scene = await startScene(t, { identity: { headers: { 'X-Value': 'value' } } });
  for (const value of [2 ** 53, -(2 ** 53), 1e300]) {
    const headers = bearer(scene.issuer.mint({ claims: { value } }));
    await scene.refuses(t, String(value), { headers }, 'token_malformed');
    await scene.allows(t, `${value}, not mapped`, {
      headers: bearer(scene.issuer.mint({ claims: { other: value } })),
    });
  }
});
