import t from 'tap';
import { isOwnForm, readBlocksForm, readForm } from '../../src/page/form.ts';

t.test('where a form came from', async (t) => {
  const host = 'localhost:9090';
  const cases = [
    { name: 'our own page', evidence: { secFetchSite: 'same-origin' }, own: true },
    {
      name: 'our own page, whose referrer policy hides its origin',
      evidence: { secFetchSite: 'same-origin', origin: 'null' },
      own: true,
    },
    { name: 'another site', evidence: { secFetchSite: 'cross-site' }, own: false },
    { name: 'another port of localhost', evidence: { secFetchSite: 'same-site' }, own: false },
    { name: 'the address bar', evidence: { secFetchSite: 'none' }, own: false },
    {
      name: 'another site with our origin',
      evidence: { secFetchSite: 'cross-site', origin: `http://${host}` },
      own: false,
    },
    { name: 'two of them', evidence: { secFetchSite: 'same-origin, same-origin' }, own: false },
    { name: 'an empty one', evidence: { secFetchSite: '' }, own: false },
    { name: 'an older browser', evidence: { origin: `http://${host}` }, own: true },
    { name: 'behind TLS', evidence: { origin: `https://${host}` }, own: true },
    { name: 'in other letters', evidence: { origin: 'http://LOCALHOST:9090' }, own: true },
    { name: 'an older browser, another site', evidence: { origin: 'https://evil.example' }, own: false },
    { name: 'another port', evidence: { origin: 'http://localhost:3000' }, own: false },
    { name: 'no port', evidence: { origin: 'http://localhost' }, own: false },
    { name: 'a name that begins alike', evidence: { origin: `http://${host}.evil.example` }, own: false },
    { name: 'an origin that is hidden', evidence: { origin: 'null' }, own: false },
    { name: 'nothing said', evidence: {}, own: false },
    { name: 'no host to compare with', evidence: { origin: 'http://', host: '' }, own: false },
  ];
  for (const { name, evidence, own } of cases) {
    t.equal(isOwnForm({ secFetchSite: undefined, origin: undefined, host, ...evidence }), own, name);
  }
});

t.test('what a form says', async (t) => {
  const cases = [
    {
      body: 'token=a.b.c&method=POST&path=%2Fx%3Fy',
      input: { token: 'a.b.c', method: 'POST', path: '/x?y' },
    },
    { body: 'token=a+b', input: { token: 'a b', method: 'GET', path: '/' } },
    { body: 'token=&method=&path=', input: { token: '', method: 'GET', path: '/' } },
    { body: '', input: null },
    { body: 'method=GET&path=/', input: null },
    { body: 'token=a&token=b', input: null },
    { body: 'token=a&path=/&path=/x', input: null },
    { body: 'token=a&other=b', input: null },
    { body: 'token=a&__proto__=b', input: null },
  ];
  for (const { body, input } of cases) t.strictSame(readForm(body), input, body);
});

t.test('what the form of the blocked clients says', async (t) => {
  const cases = [
    { body: 'token=+a+&show=1', form: { token: 'a', release: null } },
    { body: 'token=a&release=2001%3Adb8%3A%3A%2F64', form: { token: 'a', release: '2001:db8::/64' } },
    { body: 'release=', form: { token: '', release: '' } },
    { body: '', form: { token: '', release: null } },
    { body: 'token=a&token=b', form: null },
    { body: 'release=a&release=b', form: null },
    { body: 'token=a&path=/', form: null },
    { body: 'token=a&toString=b', form: null },
  ];
  for (const { body, form } of cases) t.strictSame(readBlocksForm(body), form, body);
});
