import { validateHeaderValue } from 'node:http';
import fc from 'fast-check';
import t from 'tap';
import { encodeValue } from '../../src/identity/encode.ts';

const base64url = (json: string) => Buffer.from(json).toString('base64url');

const cases: Record<string, [value: unknown, encoded: string | undefined]> = {
  missing: [undefined, undefined],
  null: [null, undefined],
  'the empty string': ['', undefined],
  'a string': ['alice', 'alice'],
  'inner spaces': ['a  b c', 'a  b c'],
  'all that is visible': [
    '!"#$&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~',
    '!"#$&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~',
  ],
  percent: ['100%', '100%25'],
  'what looks encoded': ['%C3%A9', '%25C3%25A9'],
  'two bytes': ['José', 'Jos%C3%A9'],
  'three bytes': ['€', '%E2%82%AC'],
  'four bytes': ['😀', '%F0%9F%98%80'],
  'a lone high surrogate': ['a\ud800b', 'a%ED%A0%80b'],
  'a lone low surrogate': ['\udfff', '%ED%BF%BF'],
  'surrogates the wrong way round': ['\udc00\ud800', '%ED%B0%80%ED%A0%80'],
  'U+FFFD': ['\ufffd', '%EF%BF%BD'],
  'line breaks': ['a\r\nX-Admin: 1', 'a%0D%0AX-Admin: 1'],
  'tab, NUL and DEL': ['\t\0\x7f', '%09%00%7F'],
  'a no-break space': ['\u00a0a\u00a0', '%C2%A0a%C2%A0'],
  'leading and trailing spaces': ['  a b ', '%20%20a b%20'],
  'spaces alone': ['   ', '%20%20%20'],
  'an integer': [42, '42'],
  zero: [0, '0'],
  'a fraction': [-1.5, '-1.5'],
  'a large number': [1e21, '1e+21'],
  true: [true, 'true'],
  false: [false, 'false'],
  'an object': [{ a: 'é' }, base64url('{"a":"é"}')],
  'an empty object': [{}, base64url('{}')],
  'an object with a lone surrogate': [{ a: '\ud800' }, base64url('{"a":"\\ud800"}')],
  'a list': [['a', 'b'], 'a,b'],
  'a comma in an element': [['a,b', 'c'], 'a%2Cb,c'],
  'an encoded comma in an element': [['a%2Cb'], 'a%252Cb'],
  'spaces around elements': [[' a', 'b c '], '%20a,b c%20'],
  'numbers and booleans in a list': [[1, true, 'x'], '1,true,x'],
  'objects and lists in a list': [
    [{ a: 1 }, ['b', 'c']],
    `${base64url('{"a":1}')},${base64url('["b","c"]')}`,
  ],
  'an empty list': [[], undefined],
  'a list of nothing': [[''], ''],
  'an empty element': [['a', ''], 'a,'],
  'null in a list': [['a', null, 'b'], 'a,,b'],
};

t.test('a claim as a header value', async (t) => {
  for (const [name, [value, encoded]] of Object.entries(cases)) t.equal(encodeValue(value), encoded, name);
});

t.test('nesting as deep as a token of 8 KiB can hold', async (t) => {
  const value = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`);
  t.doesNotThrow(() => encodeValue(value));
  t.doesNotThrow(() => encodeValue({ value }));
});

// Few characters, so that runs meet the ones that matter and each other.
const unit = fc.constantFrom(...'a %,2C0\u0000\n\t\x7fé😀\ufffd', '\ud83d', '\ude00');
const text = fc.oneof(
  fc.array(unit, { maxLength: 5 }).map((units) => units.join('')),
  fc.string({ unit: 'binary' }),
);
const value = fc.oneof(text, fc.array(text), fc.jsonValue());

t.test('every value is a legal header value that no parser trims', async () => {
  fc.assert(
    fc.property(value, (value) => {
      const encoded = encodeValue(value);
      if (encoded === undefined) return true;
      validateHeaderValue('x', encoded);
      return /^[ -~]*$/.test(encoded) && encoded.trim() === encoded;
    }),
    { numRuns: 2000 },
  );
});

t.test('two strings never look alike', async () => {
  fc.assert(
    fc.property(text, text, (one, other) => one === other || encodeValue(one) !== encodeValue(other)),
    { numRuns: 5000 },
  );
});

t.test('two lists of strings never look alike', async () => {
  const list = fc.array(text, { maxLength: 3 });
  fc.assert(
    fc.property(
      list,
      list,
      (one, other) =>
        JSON.stringify(one) === JSON.stringify(other) || encodeValue(one) !== encodeValue(other),
    ),
    { numRuns: 5000 },
  );
});

t.test('the strings of a list can be read back', async () => {
  const wellFormed = text.filter((text) => !/\p{Surrogate}/u.test(text));
  fc.assert(
    fc.property(fc.array(wellFormed, { minLength: 1 }), (list) => {
      const read = encodeValue(list)?.split(',').map(decodeURIComponent);
      return JSON.stringify(read) === JSON.stringify(list);
    }),
  );
});
