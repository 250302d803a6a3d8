import fc from 'fast-check';
import t from 'tap';
import { isRefusal } from '../../src/errors.ts';
import { loggedPath } from '../../src/observe/logged-path.ts';
import { compileCanonical } from '../../src/path/canonical.ts';

const canonical = compileCanonical({
  duplicateSlashes: 'merge',
  encodedSlashes: 'allow',
  parameters: 'ignore',
});

/** As a request with this target would be logged. */
function log(target: string): string {
  const read = canonical(target);
  return loggedPath(target, isRefusal(read) ? null : read.path);
}

t.test('a path is logged without its query', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    '/orders/42?token=x': '/orders/42',
    '/': '/',
    '/a/../b?c': '/a/../b',
    '/a#b?c': '/a',
    '*': '*',
    '/users/me@example.com/x': '/users/me@example.com/x',
    '/@scope/name:tag': '/@scope/name:tag',
    '/v1/models/a:b@latest': '/v1/models/a:b@latest',
    '/x?mail=a:b@c': '/x',
  };
  for (const [target, path] of Object.entries(cases)) t.equal(log(target), path, target);
  t.equal(log(`/${'p/'.repeat(5000)}`).length, 1024);
});

t.test('of a whole URL the path alone is logged', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    'http://host/a/b?c': '/a/b',
    'http://host': '/',
    'http:/host/a': '/host/a',
    'http://user:secret@host/a?b': '/a',
    'HTTP://user:secret@host:80/a/b': '/a/b',
    'ftp://user:secret@host/a;type=i': '/a;type=i',
    'user:secret@host:443': '[masked]',
    'http:user:secret@host': '[masked]',
  };
  for (const [target, path] of Object.entries(cases)) t.equal(log(target), path, target);
});

t.test('no credentials are logged, however they are spelled', async (t) => {
  const secrets = [
    'secret',
    'se/cret',
    'se?cret',
    'se#cret',
    'se:cret',
    'se@cret',
    'se%2Fcret',
    'se%cret',
    'se\\cret',
  ];
  const colons = [':', '%3A', '%3a', '%253A'];
  const ats = ['@', '%40', '%2540'];
  const frames: readonly ((user: string) => string)[] = [
    (user) => `http://${user}host/x`,
    (user) => `https:/${user}host/x`,
    (user) => `http:\\\\${user}host\\x`,
    (user) => `//${user}host/x`,
    (user) => `//${user}host`,
    (user) => `/proxy/http://${user}host/x`,
    (user) => `/proxy/https:/${user}host/x`,
    (user) => `/proxy/http%3A//${user}host/x`,
    (user) => `ws://${user}[::1]:80/x/y?z`,
    (user) => `${user}host:443`,
  ];
  for (const secret of secrets) {
    for (const colon of colons) {
      for (const at of ats) {
        for (const frame of frames) {
          const target = frame(`user${colon}${secret}${at}`);
          t.notMatch(log(target), /cret/, target);
        }
      }
    }
  }
  t.equal(log('/user:secret@host/x'), '/[masked]/x', 'in the first segment too');
});

t.test('a token that is cut by the end of the line is masked', async (t) => {
  const token = ['{"alg":"RS256"}', '{"sub":"alice","scope":"read"}', 'signature-signature-signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
  for (let before = 900; before < 1024; before++) {
    const logged = log(`/${'x'.repeat(before)}/${token}`);
    if (logged.length > 1024) t.fail(`${logged.length} characters`);
    if (/\/eyJ.{9}/.test(logged)) t.fail(`after ${before}: ${logged.slice(before)}`);
  }
});

t.test('nothing that a terminal obeys is logged', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) =>
      [text, `/${text}`, `http://${text}`].every(
        (target) => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/.test(log(target)),
      ),
    ),
  );
});
