import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fold, foldSegment } from '../../src/path/fold.ts';

/** Every character of Unicode: surrogates alone are none. */
const characters = Array.from({ length: 0x110000 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

const cased = characters.filter((each) =>
  /[\p{Changes_When_Casemapped}\p{Changes_When_Casefolded}]/u.test(each),
);

/** Asserts that two texts fold alike, for every pair that is one to somebody else. */
function alike(t: Test, pairs: Iterable<readonly [string, string]>, least: number): void {
  const told: string[] = [];
  let count = 0;
  for (const [a, b] of pairs) {
    count++;
    if (fold(a) !== fold(b)) told.push(`${spell(a)} is not ${spell(b)}`);
  }
  t.strictSame(told, [], `${count} pairs`);
  t.ok(count >= least, `enough of them: ${count}`);
}

function spell(text: string): string {
  return [...text].map((each) => `U+${each.codePointAt(0)?.toString(16)}`).join(' ');
}

t.test('what Python or Java takes for one letter is one', async (t) => {
  const lines = readFileSync(join(import.meta.dirname, 'oracles/pairs.txt'), 'utf8')
    .trim()
    .split('\n');
  const pairs = lines.map((line) => {
    const [character = '', ...other] = line.split(' ').map((hex) => String.fromCodePoint(Number(`0x${hex}`)));
    return [character, other.join('')] as const;
  });
  alike(t, pairs, 3000);
});

t.test('what becomes one in upper or lower case is one, by the data of this very Node', async (t) => {
  const mappings: readonly ((text: string) => string)[] = [
    (text) => text.toLocaleLowerCase('tr'),
    (text) => text.toLocaleUpperCase('tr'),
    (text) => text.toLocaleLowerCase('az'),
    (text) => text.toLocaleUpperCase('az'),
    (text) => text.toUpperCase().toLowerCase(),
    (text) => text.toLowerCase().toUpperCase(),
  ];
  const mapped = (among: readonly string[], map: (text: string) => string) =>
    among.filter((each) => map(each) !== each).map((each) => [each, map(each)] as const);
  alike(
    t,
    mapped(characters, (text) => text.toLowerCase()),
    1000,
  );
  alike(
    t,
    mapped(characters, (text) => text.toUpperCase()),
    1000,
  );
  for (const map of mappings) alike(t, mapped(cased, map), 1000);
});

t.test('what simple case folding takes for one is one', async (t) => {
  // Regular expressions with /iu compare by the simple mappings of CaseFolding.txt, as strings.EqualFold of Go does.
  const all = cased.join('');
  const pairs = cased.flatMap((character) => {
    const found = all.match(new RegExp(character, 'giu')) ?? [];
    return found.map((other) => [character, other] as const);
  });
  alike(t, pairs, 5000);
});

t.test('letters that are no letter of ASCII, but are compared with one', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['\u0130', 'i'],
    ['\u0131', 'i'],
    ['i\u0307', 'i'],
    ['I\u0307', 'i'],
    ['\u212a', 'k'],
    ['\u017f', 's'],
    ['\u00df', 'ss'],
    ['\u1e9e', 'ss'],
    ['\u212b', '\u00e5'],
    ['\u2126', '\u03c9'],
    ['\u03c2', '\u03c3'],
    ['\ufb01', 'fi'],
    ['\ufb04', 'ffl'],
    ['\ufb05', 'st'],
    ['\u0149', '\u02bcn'],
    ['\u1e9b', '\u1e61'],
    ['\u00b5', '\u03bc'],
  ];
  for (const [letter, other] of cases)
    t.equal(fold(letter), fold(other), `${spell(letter)}, ${spell(other)}`);
  t.equal(fold('\u03a3\u0391\u03a3'), fold('\u03c3\u03b1\u03c2'), 'whichever sigma stands at the end');
  t.not(fold('ż'), fold('z'), 'a dot above another letter stays');
  t.not(fold('é'), fold('e'), 'accents stay');
  t.not(fold('0'), fold('o'));
});

t.test('what is folded is its own folded form', async (t) => {
  const told = characters.filter((each) => fold(fold(each)) !== fold(each)).map(spell);
  t.strictSame(told, []);
});

t.test('no character folds to nothing, or to a slash or a dot', async (t) => {
  const told = characters.filter((each) => {
    const folded = fold(each);
    return folded === '' || (/[/.%\\;]/.test(folded) && folded !== each);
  });
  t.strictSame(told.map(spell), []);
});

t.test('a segment is decoded first', async (t) => {
  t.equal(foldSegment('ADM%C4%B0N'), 'admin');
  t.equal(foldSegment('Admin'), 'admin');
});
