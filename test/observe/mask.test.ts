import fc from 'fast-check';
import t from 'tap';
import { maskPath, printable } from '../../src/observe/mask.ts';

const header = 'eyJhbGciOiJSUzI1NiJ9';
const payload = 'eyJzdWIiOiJhbGljZSJ9';
const signature = 'c2lnbmF0dXJlLW9mLXRoZS10b2tlbg';
const token = `${header}.${payload}.${signature}`;

t.test('a path as the log may hold it', async (t) => {
  const cases = [
    { name: 'an ordinary path', path: '/orders/42/items', logged: '/orders/42/items' },
    {
      name: 'a long segment that is no token',
      path: `/blob/${'a'.repeat(64)}`,
      logged: `/blob/${'a'.repeat(64)}`,
    },
    { name: 'a file name with dots', path: '/assets/app.min.2f3a.js', logged: '/assets/app.min.2f3a.js' },
    { name: 'a token', path: `/login/${token}/x`, logged: '/login/[masked]/x' },
    { name: 'a token after a parameter name', path: `/x;jwt=${token}`, logged: '/x;jwt=[masked]' },
    { name: 'a token cut short', path: `/x/${header}.${payload}`, logged: '/x/[masked]' },
    { name: 'a header alone', path: `/x/${header}`, logged: '/x/[masked]' },
    { name: 'a token with encoded dots', path: `/x/${token.replaceAll('.', '%2E')}`, logged: '/x/[masked]' },
    {
      name: 'a token with dots encoded twice, of another beginning',
      path: `/x/${'b'.repeat(20)}%252e${'c'.repeat(20)}%252e${'d'.repeat(20)}`,
      logged: '/x/[masked]',
    },
    { name: 'encoded letters', path: `/x/${'%C3%A9'.repeat(20)}`, logged: `/x/${'%C3%A9'.repeat(20)}` },
    {
      name: 'a token of another beginning',
      path: `/x/${'b'.repeat(20)}.${'c'.repeat(20)}.${'d'.repeat(20)}`,
      logged: '/x/[masked]',
    },
  ];
  for (const { name, path, logged } of cases) t.equal(maskPath(path), logged, name);
});

t.test('control characters cannot reach a line', async (t) => {
  t.equal(printable('a\r\nb\u001b[31m\u0085\u2028', 64), 'a\\u000d\\u000ab\\u001b[31m\\u0085\\u2028');
  t.equal(printable('x'.repeat(100), 64), 'x'.repeat(64), 'and no more than the limit');
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) =>
      /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/.test(printable(text, 64)),
    ),
  );
});
