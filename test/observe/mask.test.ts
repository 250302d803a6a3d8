import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { maskPath, maskTokens, printable, showKid } from '../../src/observe/mask.ts';

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

const encode = (text: string) => Buffer.from(text).toString('base64url');
const blanks = [' ', '\t', '\n', '\r'];

t.test('a token is masked whatever joins its parts and however its JSON begins', async (t) => {
  const claims = encode('{"sub":"alice-in-wonderland","x":1}');
  const starts = ['{"', '{"1', '{"é', ...blanks.flatMap((blank) => [`${blank}{"`, `{${blank}"`])];
  for (const one of blanks) {
    for (const two of blanks) starts.push(`${one}${two}{"`, `${one}{${two}"`, `{${one}${two}"`);
  }
  starts.push(`   {"`, `    {"`, `${' '.repeat(40)}{"`, '{\r\n  "');
  const joints = [
    '.',
    '~',
    ',',
    ':',
    '|',
    '!',
    ';',
    '*',
    '_',
    '-',
    '=',
    '@',
    '..',
    '%2C',
    '%7C',
    '%252E',
    '%20',
    '/',
  ];
  const leads = ['/x/', '/', '/x;jwt=', '/x/id-', '/x/%2F', '/a/../'];
  for (const start of starts) {
    const head = encode(`${start}alg":"RS256","typ":"JWT"}`);
    for (const joint of joints) {
      const sent = [head, claims, `${signature}Aa0`].join(joint);
      for (const lead of leads) {
        const logged = maskPath(`${lead}${sent}/end`);
        const left = [head.slice(6, 20), claims.slice(8, 24), signature.slice(4, 20)];
        const leaked = left.filter((part) => logged.includes(part));
        if (leaked.length > 0) t.fail(`${JSON.stringify(start)} ${joint} ${lead}: ${logged}`);
        if (!logged.endsWith('/end')) t.fail(`${lead}${joint}: the rest stays: ${logged}`);
      }
    }
  }
  t.ok(starts.length > 50, 'many were tried');
});

t.test('a token is masked where its letters are encoded, once or twice', async (t) => {
  const each = (lead: string) => token.replace(/[eyJc2]/g, (c) => `${lead}${c.charCodeAt(0).toString(16)}`);
  for (const lead of ['%', '%25', '%2525']) t.equal(maskPath(`/a/../${each(lead)}`), '/a/../[masked]', lead);
});

t.test('what is no token stays as it is', async (t) => {
  const paths = [
    '/orders/2026-01-01T00:00:00,2026-02-01T00:00:00/summary-of-everything',
    '/packages/@scope/some-very-long-package-name/versions/10.20.30',
    '/keyboards/eyelets/ewok/ICARUS/DXF/eye-of-the-storm-in-the-desert',
    `/x/${'%C3%A9'.repeat(30)}`,
    '/users/person@example.com/settings-for-notifications',
  ];
  for (const path of paths) t.equal(maskPath(path), path);
  let masked = 0;
  for (let i = 0; i < 5000; i++) {
    const id = randomUUID();
    if (maskPath(`/blobs/${id}/parts`) !== `/blobs/${id}/parts`) masked++;
    if (maskPath(`/blobs/${randomBytes(20).toString('hex')}`).includes('masked')) masked++;
  }
  t.equal(masked, 0, 'no UUID and no hash in hex');
  let random = 0;
  for (let i = 0; i < 5000; i++) {
    if (maskPath(`/blobs/${randomBytes(32).toString('base64url')}`).includes('masked')) random++;
  }
  t.ok(random < 50, 'and hardly a random id');
});

t.test('a text that holds a token is masked, a host name is not', async (t) => {
  t.equal(maskTokens(`urn:${token}, api://orders`), 'urn:[masked], api://orders');
  const names = 'https://login.some-very-long-name.another-long-name.example.com, api://orders-and-invoices';
  t.equal(maskTokens(names), names);
});

t.test('a kid has 64 characters at most, is visible and holds no token', async (t) => {
  t.equal(showKid('k'.repeat(200)), 'k'.repeat(64));
  t.equal(showKid('a\r\nb'), 'a\\u000d\\u000ab');
  t.equal(showKid(token), '[masked]');
  t.equal(showKid('2026-01-01.some-longer-name.another-name'), '2026-01-01.some-longer-name.another-name');
});

t.test('masking takes time linear in the text', async () => {
  for (const part of ['ey', 'e', 'I', 'ICAg', '%25', '%2E', '.', 'a.', 'eyJ', 'eyJ/', `${header}.`]) {
    maskPath(`/${part.repeat(60_000)}`);
  }
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
