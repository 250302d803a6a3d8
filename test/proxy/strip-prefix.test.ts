import t from 'tap';
import { stripPrefix } from '../../src/proxy/strip-prefix.ts';

const cases: readonly { path: string; prefix: string; left: string | null }[] = [
  { path: '/billing/x', prefix: '/billing', left: '/x' },
  { path: '/billing', prefix: '/billing', left: '/' },
  { path: '/billing/', prefix: '/billing', left: '/' },
  { path: '/billing?a=/b', prefix: '/billing', left: '/?a=/b' },
  { path: '/billing/x/y?q', prefix: '/billing/', left: '/x/y?q' },
  { path: '/a/b/c', prefix: '/a/b', left: '/c' },
  { path: '/x', prefix: '/', left: '/x' },
  { path: '/billing2/x', prefix: '/billing', left: null },
  { path: '/bill/x', prefix: '/billing', left: null },
  { path: '/x/billing', prefix: '/billing', left: null },
  { path: '/a?/b/c', prefix: '/a/b', left: null },
  { path: '/Billing/X', prefix: '/billing', left: '/X' },
  { path: '/billing;v=1/x', prefix: '/billing', left: '/x' },
  { path: '/billing;v=1', prefix: '/billing', left: '/' },
  { path: '/a;p/b;q/c;r', prefix: '/a/b', left: '/c;r' },
  { path: '/a;p?x', prefix: '/a', left: '/?x' },
];
for (const { path, prefix, left } of cases) {
  t.test(`${path} without ${prefix}`, async (t) => t.equal(stripPrefix(path, prefix), left));
}
