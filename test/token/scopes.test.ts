import t from 'tap';
import { readScopes } from '../../src/token/scopes.ts';

const cases: { name: string; claims: Record<string, unknown>; scopes: string[] }[] = [
  { name: 'a string', claims: { scope: 'read write' }, scopes: ['read', 'write'] },
  { name: 'a string with spaces to spare', claims: { scope: ' read  write ' }, scopes: ['read', 'write'] },
  { name: 'a list', claims: { scope: ['read', 'write'] }, scopes: ['read', 'write'] },
  { name: 'scp as a list', claims: { scp: ['read'] }, scopes: ['read'] },
  { name: 'scp as a string', claims: { scp: 'read write' }, scopes: ['read', 'write'] },
  { name: 'scope before scp', claims: { scope: 'read', scp: 'write' }, scopes: ['read'] },
  { name: 'scp where scope is null', claims: { scope: null, scp: 'write' }, scopes: ['write'] },
  { name: 'scp where scope is empty', claims: { scope: '', scp: 'write' }, scopes: ['write'] },
  { name: 'no scp where scope is an empty list', claims: { scope: [], scp: 'write' }, scopes: [] },
  {
    name: 'no scp where scope is of a wrong type',
    claims: { scope: { read: true }, scp: 'write' },
    scopes: [],
  },
  { name: 'nothing', claims: {}, scopes: [] },
  { name: 'a number', claims: { scope: 1 }, scopes: [] },
  { name: 'an object', claims: { scope: { read: true } }, scopes: [] },
  { name: 'a list that is not of strings alone', claims: { scope: ['read', 1] }, scopes: [] },
  { name: 'a list of lists', claims: { scope: [['read']] }, scopes: [] },
  {
    name: 'a member with a space, which is one scope',
    claims: { scope: ['read write'] },
    scopes: ['read write'],
  },
  { name: 'a tab, which separates nothing', claims: { scope: 'read\twrite' }, scopes: ['read\twrite'] },
];

for (const { name, claims, scopes } of cases) {
  t.test(name, async (t) => {
    t.strictSame([...readScopes(claims)], scopes);
  });
}
