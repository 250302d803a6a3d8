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
  { path: '/billing//x', prefix: '/billing', left: '/x' },
  { path: '/billing///', prefix: '/billing', left: '/' },
  { path: '/a//b///c//d', prefix: '/a/b', left: '/c//d' },
  { path: '/a//b?//x', prefix: '/a/b', left: '/?//x' },
  { path: '/a;p//b;q//c', prefix: '/a/b', left: '/c' },
  { path: '/a//c', prefix: '/a/b', left: null },
  { path: '/a%2Bb/c%2Bd', prefix: '/a+b', left: '/c%2Bd' },
  { path: '/a+b/c', prefix: '/a%2Bb', left: '/c' },
  { path: '/a%2Bb', prefix: '/a+b/', left: '/' },
  { path: '/a%2Fb/c', prefix: '/a/b', left: null },
  { path: '/caf%C3%A9/x', prefix: '/café', left: '/x' },
  { path: '/B%C4%B0LL%C4%B1NG/x', prefix: '/billing', left: '/x' },
  { path: '/MA%E1%BA%9E/x', prefix: '/ma%C3%9F', left: '/x' },
  { path: '/a;p?x', prefix: '/a', left: '/?x' },
];
for (const { path, prefix, left } of cases) {
  t.test(`${path} without ${prefix}`, async (t) => t.equal(stripPrefix(path, prefix), left));
}
