import t from 'tap';
import { hasUnsafeInteger } from '../../src/claims/integers.ts';

const unsafe = {
  '2^53': '9007199254740992',
  '2^53 + 1, which parses to 2^53': '9007199254740993',
  '-2^53': '-9007199254740992',
  'a fraction that rounds to an integer': '9007199254740992.5',
  '1e300': '1e300',
  'more than a number can hold': '1e1000000',
  'in a list': '["a", [9007199254740992]]',
  'in an object': '{ "a": { "b": [0, { "c": 9007199254740992 }] } }',
};

const safe = {
  '2^53 - 1': '9007199254740991',
  '-(2^53 - 1)': '-9007199254740991',
  'a fraction': '1.5',
  'nearly nothing': '1e-300',
  'digits in a string': '"9007199254740993"',
  'nothing of the sort': '{ "a": [null, true, "x", {}, []] }',
};

t.test('integers that may have lost digits', async (t) => {
  for (const [name, json] of Object.entries(unsafe)) t.equal(hasUnsafeInteger(JSON.parse(json)), true, name);
  for (const [name, json] of Object.entries(safe)) t.equal(hasUnsafeInteger(JSON.parse(json)), false, name);
  t.equal(hasUnsafeInteger(undefined), false);
});

t.test('no nesting exhausts the stack', async (t) => {
  let nested: unknown = 9007199254740992;
  for (let level = 0; level < 200_000; level++) nested = level % 2 === 0 ? [nested] : { nested };
  t.equal(hasUnsafeInteger(nested), true);
});
