import t, { type Test } from 'tap';
import { compileIdentity } from '../../src/identity/map.ts';

const defaults = {
  headers: {
    'X-Verified-Subject': 'sub',
    'X-Verified-Issuer': 'iss',
    'X-Verified-Client-Id': 'client_id',
    'X-Verified-Scope': 'scope',
  },
  payloadHeader: null,
};

t.test('the default headers', async (t) => {
  const identity = compileIdentity(defaults);
  const claims = { iss: 'https://idp.example.com', sub: 'alice', client_id: 'shop', scope: 'a b', other: 1 };
  t.strictSame(identity.headers(claims, 'e30'), [
    ...['X-Verified-Subject', 'alice'],
    ...['X-Verified-Issuer', 'https://idp.example.com'],
    ...['X-Verified-Client-Id', 'shop'],
    ...['X-Verified-Scope', 'a b'],
  ]);
  t.strictSame(identity.headers({}, 'e30'), [], 'missing claims set none');
  t.strictSame(
    identity.headers({ sub: null, iss: '', scope: [] }, 'e30'),
    [],
    'nor do null, "" and no scope',
  );
});

t.test('names keep the spelling of the config, values are encoded, nesting is read', async (t) => {
  const identity = compileIdentity({
    headers: {
      'x-ROLES': 'realm_access.roles',
      'X-Name': 'name',
      'X-App': '["https://a.b/c"].d',
      'X-Admin': 'admin',
    },
    payloadHeader: 'X-Payload',
  });
  const claims = {
    realm_access: { roles: ['a,b', 'c'] },
    name: 'é\r\n',
    'https://a.b/c': { d: { e: 1 } },
    admin: false,
  };
  t.strictSame(identity.headers(claims, 'eyJzdWIiOiJhIn0'), [
    ...['x-ROLES', 'a%2Cb,c'],
    ...['X-Name', '%C3%A9%0D%0A'],
    ...['X-App', Buffer.from('{"e":1}').toString('base64url')],
    ...['X-Admin', 'false'],
    ...['X-Payload', 'eyJzdWIiOiJhIn0'],
  ]);
  t.strictSame(identity.headers({}, 'e30'), ['X-Payload', 'e30'], 'the payload is there without any claim');
  t.strictSame(
    compileIdentity({ headers: {}, payloadHeader: null }).headers(claims, 'e30'),
    [],
    'nothing configured, nothing said',
  );
});

t.test('a claim of a prototype is no claim', async (t) => {
  const identity = compileIdentity({
    headers: { 'X-A': 'toString', 'X-B': '__proto__', 'X-C': 'constructor.name' },
    payloadHeader: null,
  });
  t.strictSame(identity.headers({}, 'e30'), []);
  const inherited = Object.create({ sub: 'root', scope: 'admin' });
  t.strictSame(compileIdentity(defaults).headers(inherited, 'e30'), []);
});

t.test('an unreadable claim path is said at once', async (t) => {
  t.throws(() => compileIdentity({ headers: { 'X-A': 'a..b' }, payloadHeader: null }), SyntaxError);
});

async function header(
  t: Test,
  path: string,
  cases: Record<string, [claims: object, value: string | undefined]>,
) {
  const identity = compileIdentity({ headers: { 'X-Claim': path }, payloadHeader: null });
  for (const [name, [claims, value]] of Object.entries(cases)) {
    t.strictSame(
      identity.headers(claims as Record<string, unknown>, 'e30'),
      value === undefined ? [] : ['X-Claim', value],
      name,
    );
  }
}

t.test('client_id', (t) =>
  header(t, 'client_id', {
    'wins over azp': [{ client_id: 'a', azp: 'b' }, 'a'],
    'azp where it is missing': [{ azp: 'b' }, 'b'],
    'azp where it is null': [{ client_id: null, azp: 'b' }, 'b'],
    'azp where it is empty': [{ client_id: '', azp: 'b' }, 'b'],
    neither: [{}, undefined],
  }),
);

t.test('other claims have no reading of their own', async (t) => {
  await header(t, 'azp', { azp: [{ client_id: 'a' }, undefined] });
  await header(t, 'scp', { scp: [{ scope: 'a' }, undefined], 'a list': [{ scp: ['a', 'b'] }, 'a,b'] });
  await header(t, 'roles', { 'a list of nothing is not missing': [{ roles: [''] }, ''] });
  await header(t, 'app.scope', { 'nested is no scope': [{ app: { scope: ['a', 'b'] }, scp: 'c' }, 'a,b'] });
});

t.test('scope', (t) =>
  header(t, 'scope', {
    'a string': [{ scope: 'a b' }, 'a b'],
    'a list': [{ scope: ['a', 'b'] }, 'a b'],
    'wins over scp': [{ scope: 'a', scp: 'b' }, 'a'],
    'scp where it is missing': [{ scp: 'a b' }, 'a b'],
    'scp as a list': [{ scp: ['a', 'b'] }, 'a b'],
    'scp where it is empty': [{ scope: '', scp: 'b' }, 'b'],
    'an empty list is not missing': [{ scope: [], scp: ['b'] }, undefined],
    'spaces are separators': [{ scope: '  a  b ' }, 'a b'],
    'spaces alone': [{ scope: '  ' }, undefined],
    'empty elements are none': [{ scope: ['', 'a', ''] }, 'a'],
    'a space in an element makes no two scopes': [{ scope: ['a admin', 'b'] }, 'a%20admin b'],
    'only spaces separate': [{ scope: 'a\tadmin é' }, 'a%09admin %C3%A9'],
    'a comma is part of a scope': [{ scope: ['a,b'] }, 'a,b'],
    'a list of other things grants nothing': [{ scope: ['a', 1] }, undefined],
    'null in a list': [{ scope: ['a', null] }, undefined],
    'a number grants nothing': [{ scope: 7 }, undefined],
    'an object grants nothing': [{ scope: { a: true } }, undefined],
  }),
);

t.test('every claim that a header may carry is named', async (t) => {
  const { claimPaths } = compileIdentity(defaults);
  t.strictSame(
    claimPaths.map((path) => path.text),
    ['sub', 'iss', 'client_id', 'azp', 'scope', 'scp'],
  );
  t.equal(claimPaths[3]?.read({ azp: 'b' }), 'b');
});
