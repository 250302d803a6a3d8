import t from 'tap';
import { compileIdentity } from '../../src/identity/map.ts';

t.test('claims as headers', async (t) => {
  const headers = {
    'X-Verified-Subject': 'sub',
    'X-Verified-Client-Id': 'client_id',
    'X-Verified-Scope': 'scope',
    'X-Roles': 'realm_access.roles',
    'X-Team': '["https://example.com/team"]',
  };
  const identity = compileIdentity({ headers, payloadHeader: 'X-Payload' });
  const cases: { name: string; claims: Record<string, unknown>; set: Record<string, string> }[] = [
    { name: 'nothing', claims: {}, set: {} },
    { name: 'a subject', claims: { sub: 'alice' }, set: { 'X-Verified-Subject': 'alice' } },
    {
      name: 'azp where client_id is missing',
      claims: { azp: 'app' },
      set: { 'X-Verified-Client-Id': 'app' },
    },
    {
      name: 'client_id before azp',
      claims: { azp: 'app', client_id: 'web' },
      set: { 'X-Verified-Client-Id': 'web' },
    },
    { name: 'scope', claims: { scope: 'a b' }, set: { 'X-Verified-Scope': 'a b' } },
    { name: 'scp as a list', claims: { scp: ['a', 'b'] }, set: { 'X-Verified-Scope': 'a b' } },
    {
      name: 'a nested list',
      claims: { realm_access: { roles: ['a', 'b,c'] } },
      set: { 'X-Roles': 'a,b%2Cc' },
    },
    { name: 'a name with dots', claims: { 'https://example.com/team': 'red' }, set: { 'X-Team': 'red' } },
    { name: 'null is missing', claims: { sub: null, client_id: '' }, set: {} },
    { name: 'nothing inherited', claims: Object.create({ sub: 'root' }), set: {} },
  ];
  for (const { name, claims, set } of cases) {
    const flat = identity.headers(claims, 'cGF5bG9hZA');
    const pairs = Object.fromEntries(
      Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]),
    );
    t.strictSame(pairs, { ...set, 'X-Payload': 'cGF5bG9hZA' }, name);
  }
  t.equal(compileIdentity({ headers: {}, payloadHeader: null }).headers({ sub: 'a' }, 'x').length, 0);
});
