import t from 'tap';
import { maskUrls } from '../../src/observe/urls.ts';

t.test('a URL loses its user and its query, and nothing else changes', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    'https://idp.example.com/jwks': 'https://idp.example.com/jwks',
    'https://idp.example.com': 'https://idp.example.com',
    'http://127.0.0.1:4000/jwks answered 503': 'http://127.0.0.1:4000/jwks answered 503',
    'https://idp.example.com/jwks?key=secret': 'https://idp.example.com/jwks',
    'https://idp.example.com?key=secret#x': 'https://idp.example.com',
    'https://idp.example.com/jwks#secret': 'https://idp.example.com/jwks',
    'https://user:secret@idp.example.com/jwks': 'https://idp.example.com/jwks',
    'https://secret@idp.example.com/jwks': 'https://idp.example.com/jwks',
    'https://user:se@cret@idp.example.com/': 'https://idp.example.com/',
    'HTTPS://user:secret@IDP.example.com/?a': 'HTTPS://IDP.example.com/',
    'https://[::1]:8080/a?b=secret': 'https://[::1]:8080/a',
    'https://idp.example.com/a@b?c=secret': 'https://idp.example.com/a@b',
    'two: https://a.example/?secret and "http://u:secret@b.example/c".':
      'two: https://a.example/ and "http://b.example/c".',
    'keys/a?b#c.json': 'keys/a?b#c.json',
    'user@example.com': 'user@example.com',
    '': '',
  };
  for (const [text, shown] of Object.entries(cases)) t.equal(maskUrls(text), shown, text);
});
