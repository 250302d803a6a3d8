import fc from 'fast-check';
import t from 'tap';
import { encodeValue } from '../../src/identity/encode.ts';

t.test('a claim as a header value', async (t) => {
  const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const cases: { name: string; value: unknown; header: string | undefined }[] = [
    { name: 'missing', value: undefined, header: undefined },
    { name: 'null', value: null, header: undefined },
    { name: 'empty', value: '', header: undefined },
    { name: 'a string as it is', value: 'a b,c;d="e"', header: 'a b,c;d="e"' },
    { name: 'a number', value: 1.5, header: '1.5' },
    { name: 'a boolean', value: false, header: 'false' },
    { name: 'a list', value: ['a', 'b c', 1, true], header: 'a,b c,1,true' },
    { name: 'a comma in an element', value: ['a,b', 'c'], header: 'a%2Cb,c' },
    { name: 'no element', value: [], header: undefined },
    { name: 'an empty element', value: ['a', ''], header: 'a,' },
    { name: 'an object', value: { a: 1 }, header: json({ a: 1 }) },
    { name: 'a percent sign', value: '100%', header: '100%25' },
    { name: 'a line break', value: 'a\r\nX-Admin: 1', header: 'a%0D%0AX-Admin: 1' },
    { name: 'outside ASCII', value: 'Zoë 😀', header: 'Zo%C3%AB %F0%9F%98%80' },
    { name: 'spaces around', value: ' a ', header: '%20a%20' },
    { name: 'nothing but a space', value: ' ', header: '%20' },
    { name: 'NUL', value: '\u0000', header: '%00' },
    { name: 'half a character', value: '\ud800', header: '%ED%A0%80' },
  ];
  for (const { name, value, header } of cases) t.equal(encodeValue(value), header, name);
});

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[%, a2C0]{0,6}$/));
const list = fc.array(fc.string({ minLength: 1, unit: fc.constantFrom('a', ',', '%', ' ', '2', 'C', 'é') }), {
  maxLength: 4,
});

t.test('two strings never look alike, nor do two lists', async (t) => {
  fc.assert(
    fc.property(text, text, (a, b) => a === b || encodeValue(a) !== encodeValue(b)),
    { numRuns: 20_000 },
  );
  fc.assert(
    fc.property(
      list,
      list,
      (a, b) => JSON.stringify(a) === JSON.stringify(b) || encodeValue(a) !== encodeValue(b),
    ),
    { numRuns: 20_000 },
  );
  t.equal(decodeURIComponent(encodeValue('a%2Cb') ?? ''), 'a%2Cb', 'and can be decoded');
});

t.test('whatever the claim, the value is one that a header may have', async (t) => {
  fc.assert(
    fc.property(fc.oneof(text, fc.jsonValue()), (value) => {
      const header = encodeValue(value);
      return header === undefined || /^$|^[!-~](?:[ -~]*[!-~])?$/.test(header);
    }),
    { numRuns: 10_000 },
  );
  t.pass('10,000 claims');
});
