import t from 'tap';
import { createResponseRewrite } from '../../src/proxy/response-rewrite.ts';

const ownOrigin = 'https://api.test';
const plain = { origin: 'http://127.0.0.1:3000', basePath: '', preserveHost: true };
const based = { ...plain, basePath: '/base' };

t.test('null where client and upstream see the same paths', async (t) => {
  t.equal(createResponseRewrite({ ownOrigin, upstream: plain, stripPrefix: null }), null);
  t.equal(createResponseRewrite({ ownOrigin, upstream: plain, stripPrefix: '/' }), null);
});

t.test('a client without a Host gets the path alone, which names no other host', async (t) => {
  const upstream = { ...plain, preserveHost: false };
  for (const own of ['http://', 'https://']) {
    const rewrite = createResponseRewrite({ ownOrigin: own, upstream, stripPrefix: null });
    t.equal(rewrite?.('location', 'http://127.0.0.1:3000/evil.example/x'), '/evil.example/x');
    t.equal(rewrite?.('location', 'http://127.0.0.1:3000//evil.example/x'), '/evil.example/x');
  }
});

const cases = [
  { stripPrefix: '/billing', upstream: plain, name: 'location', from: '/x?y#z', to: '/billing/x?y#z' },
  { stripPrefix: '/billing/', upstream: plain, name: 'location', from: '/', to: '/billing/' },
  { stripPrefix: '/billing', upstream: plain, name: 'content-location', from: '/x', to: '/billing/x' },
  { stripPrefix: '/billing', upstream: plain, name: 'location', from: '/billing/x', to: '/billing/x' },
  { stripPrefix: '/billing', upstream: plain, name: 'location', from: '/billings', to: '/billing/billings' },
  { stripPrefix: '/billing', upstream: plain, name: 'location', from: 'x/y', to: 'x/y' },
  { stripPrefix: '/billing', upstream: plain, name: 'location', from: '//other/x', to: '//other/x' },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'location',
    from: 'https://API.test:443/x',
    to: 'https://API.test:443/billing/x',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'location',
    from: 'http://api.test/x',
    to: 'http://api.test/billing/x',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'location',
    from: 'http://127.0.0.1:3000/x',
    to: 'https://api.test/billing/x',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'location',
    from: 'http://127.0.0.1:3000?q',
    to: 'https://api.test/billing?q',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'location',
    from: 'https://api.test.evil/x',
    to: 'https://api.test.evil/x',
  },
  { stripPrefix: '/billing', upstream: plain, name: 'location', from: 'mailto:a@b', to: 'mailto:a@b' },
  { stripPrefix: '/billing', upstream: plain, name: 'x-location', from: '/x', to: '/x' },
  { stripPrefix: null, upstream: based, name: 'location', from: '/base/x', to: '/x' },
  { stripPrefix: null, upstream: based, name: 'location', from: '/base?x', to: '/?x' },
  {
    stripPrefix: null,
    upstream: based,
    name: 'location',
    from: '/base//evil.example/x',
    to: '/evil.example/x',
  },
  { stripPrefix: null, upstream: based, name: 'location', from: '/base///evil.example', to: '/evil.example' },
  {
    stripPrefix: null,
    upstream: based,
    name: 'location',
    from: '/base/\\evil.example/x',
    to: '/evil.example/x',
  },
  {
    stripPrefix: null,
    upstream: based,
    name: 'location',
    from: '/base/\t/evil.example/x',
    to: '/evil.example/x',
  },
  {
    stripPrefix: null,
    upstream: based,
    name: 'location',
    from: '/base/..//evil.example',
    to: '/evil.example',
  },
  {
    stripPrefix: null,
    upstream: based,
    name: 'location',
    from: '/base/%2e//evil.example',
    to: '/evil.example',
  },
  { stripPrefix: null, upstream: based, name: 'location', from: '/base/x//y', to: '/x//y' },
  {
    stripPrefix: null,
    upstream: based,
    name: 'location',
    from: 'http://127.0.0.1:3000/base//evil.example',
    to: 'https://api.test/evil.example',
  },
  { stripPrefix: null, upstream: based, name: 'set-cookie', from: 'a=b; Path=/base//x', to: 'a=b; Path=/x' },
  { stripPrefix: null, upstream: based, name: 'location', from: '/base', to: '/' },
  { stripPrefix: null, upstream: based, name: 'location', from: '/other', to: '/other' },
  { stripPrefix: '/billing', upstream: based, name: 'location', from: '/base/x', to: '/billing/x' },
  {
    stripPrefix: null,
    upstream: { ...plain, preserveHost: false },
    name: 'location',
    from: 'http://127.0.0.1:3000/x',
    to: 'https://api.test/x',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'set-cookie',
    from: 'a=/x; Path=/; Secure',
    to: 'a=/x; Path=/billing; Secure',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'set-cookie',
    from: 'a=1;PATH = /x;HttpOnly',
    to: 'a=1;PATH = /billing/x;HttpOnly',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'set-cookie',
    from: 'a=1; HttpOnly',
    to: 'a=1; HttpOnly',
  },
  {
    stripPrefix: '/billing',
    upstream: plain,
    name: 'set-cookie',
    from: '__Host-a=1; Path=/',
    to: '__Host-a=1; Path=/',
  },
  { stripPrefix: null, upstream: based, name: 'set-cookie', from: 'a=1; Path=/', to: 'a=1; Path=/' },
  { stripPrefix: null, upstream: based, name: 'set-cookie', from: 'a=1; Path=/base/x', to: 'a=1; Path=/x' },
];
for (const { stripPrefix, upstream, name, from, to } of cases) {
  const title = `${name}: ${from} with prefix ${stripPrefix} and base "${upstream.basePath}"`;
  t.test(title, async (t) =>
    t.equal(createResponseRewrite({ ownOrigin, upstream, stripPrefix })?.(name, from), to),
  );
}
