import t from 'tap';
import { describeDocument } from '../../src/keys/describe-document.ts';
import { describeText } from '../../src/keys/describe-text.ts';
import { parseJson } from '../../src/keys/json.ts';

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

t.test('a document that is not a key set is called what it is', async (t) => {
  const cases: { document: unknown; is: RegExp }[] = [
    { document: null, is: /^it is null$/ },
    { document: [{ kty: 'RSA' }], is: /is a list; a JWK Set is/ },
    { document: 'keys', is: /is a string/ },
    { document: 7, is: /is a number/ },
    {
      document: { a1: pem, b2: pem },
      is: /map of certificates.*jwksUri: https:\/\/www\.googleapis\.com\/service_accounts\/v1\/jwk\/securetoken@system\.gserviceaccount\.com/,
    },
    { document: { a1: pem, b2: 'text' }, is: /no member "keys"/ },
    {
      document: { issuer: 'https://a.example', jwks_uri: 'https://a.example/jwks' },
      is: /metadata; set jwksUri to the jwks_uri in it/,
    },
    { document: { kty: 'RSA', n: 'AQAB' }, is: /a single key; put it into \{ "keys"/ },
    { document: { error: 'not_found' }, is: /reports an error/ },
    { document: {}, is: /no member "keys"/ },
    { document: { keys: { a: 1 } }, is: /"keys" are not a list/ },
  ];
  for (const { document, is } of cases) t.match(describeDocument(document), is, JSON.stringify(document));
});

t.test('a text that is not JSON is called what it is', async (t) => {
  const cases: Readonly<Record<string, RegExp>> = {
    '': /^empty$/,
    ' \r\n ': /^empty$/,
    '<!DOCTYPE html><title>Sign in': /an HTML page/,
    '\n  <HTML lang=en>': /an HTML page/,
    '<?xml version="1.0"?><EntityDescriptor/>': /XML or HTML/,
    [pem]: /key or certificate in PEM.*jwksFile/,
    [`\n${pem}`]: /key or certificate in PEM/,
    '-----BEGIN RSA PRIVATE KEY-----\nsecret': /^a private key in PEM, not JSON$/,
    'eyJhbGciOiJSUzI1NiJ9.eyJrZXlzIjpbXX0.c2ln': /a JSON Web Token/,
    [`MIIB${'A'.repeat(400)}`]: /without its BEGIN and END lines/,
    '\x1f\ufffd\b\0\0': /compressed, without a Content-Encoding/,
    'keys: []': /^not JSON$/,
    '{"keys":[': /^not JSON$/,
    'Not Found': /^not JSON$/,
  };
  for (const [text, is] of Object.entries(cases))
    t.match(describeText(text), is, JSON.stringify(text.slice(0, 30)));
});

t.test('the error quotes nothing of the text', async (t) => {
  for (const text of ['secret', '<html>secret', '-----BEGIN PRIVATE KEY-----secret', 'eyJsecret.secret.x']) {
    t.throws(() => parseJson(text, 'jwksFile'), {
      name: 'FetchError',
      code: 'not_json',
      message: /^jwksFile is /,
    });
    t.notMatch(describeText(text), 'secret', text);
  }
  t.notMatch(describeDocument({ error: 'secret', secret: 'secret' }), 'secret');
});
