import fc from 'fast-check';
import t from 'tap';
import { decodeBase64url } from '../../src/token/base64url.ts';

const refused: Record<string, string> = {
  padding: 'YQ==',
  'half a padding': 'YQ=',
  'standard alphabet, plus': '-_+_',
  'standard alphabet, slash': '-_/_',
  'a length that no bytes have': 'YWJjZ',
  'one character': 'Y',
  'trailing bits, two characters': 'YR',
  'trailing bits, three characters': 'YWJ',
  'a space inside': 'YW Jj',
  'a space before': ' YWJj',
  'a line feed after': 'YWJj\n',
  'a dot': 'YW.Jj',
  NUL: 'YWJj\0',
  'a character whose low byte is in the alphabet': 'YWJ\u016a',
};

for (const [name, text] of Object.entries(refused)) {
  t.test(`refuses ${name}`, async (t) => {
    t.equal(decodeBase64url(text), undefined);
  });
}

t.test('decodes what the encoder writes', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const decoded = decodeBase64url(Buffer.from(bytes).toString('base64url'));
      return decoded?.equals(bytes) === true;
    }),
  );
  t.equal(decodeBase64url('')?.length, 0);
});

t.test('gives no bytes two spellings', async () => {
  const text = fc.string({ unit: fc.constantFrom(...'AQgwYZ09-_+/= .'), maxLength: 8 });
  fc.assert(
    fc.property(text, (spelling) => {
      const decoded = decodeBase64url(spelling);
      return decoded === undefined || decoded.toString('base64url') === spelling;
    }),
  );
});
