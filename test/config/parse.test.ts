import t from 'tap';
import { parseText } from '../../src/config/parse.ts';
import { formatPath } from '../../src/config/path.ts';

/** Every fault of a text: line, column, place and words. */
function faultsOf(text: string): string[] {
  const { errors, findings, locate } = parseText(text);
  return [
    ...errors.map(({ position, message, hint }) => say(position, '', message, hint)),
    ...findings.map(({ path, atKey, position, message }) =>
      say(position ?? locate(path, atKey), formatPath(path), message),
    ),
  ];
}

function say(
  position: { line: number; column: number } | undefined,
  path: string,
  message: string,
  hint?: string,
): string {
  return `${position?.line}:${position?.column} ${path}: ${message}${hint === undefined ? '' : ` — ${hint}`}`;
}

t.test('texts that cannot be read, each with its place', async (t) => {
  const cases: { name: string; text: string; faults: RegExp[] }[] = [
    {
      name: 'a key twice',
      text: 'a: 1\nb: 2\na: 3\n',
      faults: [/^3:1 a: the same key stands here twice, first in line 1$/],
    },
    {
      name: 'a key twice in JSON',
      text: '{\n  "a": {"b": 1,\n    "b": 2}}',
      faults: [/^3:5 a\.b: the same key stands here twice, first in line 2$/],
    },
    { name: 'two documents', text: 'a: 1\n---\nb: 1\n', faults: [/^2:1 : there are several documents/] },
    { name: 'a tab', text: 'a:\n\tb: 1\n', faults: [/^2:1 : a tab cannot indent; use spaces$/] },
    {
      name: 'more brackets than the parser can bear',
      text: `a: ${'['.repeat(100_000)}`,
      faults: [/^1:204 : more than 200 brackets are open here$/],
    },
    {
      name: 'an open list',
      text: 'a: [\n',
      faults: [/^1:4 : a "\[" begins a YAML list, which ends with its "\]"/],
    },
    { name: 'an open quote', text: 'a: "x\nb: 1\n', faults: [/^1:4 : Missing closing "quote/] },
    {
      name: 'an unknown tag',
      text: 'a: !env HOME\n',
      faults: [/^1:4 : a "!" begins a YAML tag — put the text in quotes$/],
    },
    { name: 'a reserved character', text: 'a: @b\n', faults: [/^1:4 : a plain text cannot begin/] },
    { name: 'colons', text: 'a: b: c\n', faults: [/^1:4 : there are two ": " in one line/] },
    {
      name: 'an unquoted reference in a list',
      text: 'listen: { port: ${PORT} }\n',
      faults: [/^1:18 : this is not YAML — inside { } and \[ \], put quotes around a text with \${…}$/],
    },
  ];
  for (const { name, text, faults } of cases) t.match(faultsOf(text), faults, name);
});

t.test('what the parser says of a text never repeats it', async (t) => {
  for (const text of [
    '  a: 1\n b: hunter2\n',
    'a: 1\nhunter2\n',
    'a: "\\hunter2"\n',
    'a: }hunter2\n',
    '!hunter2 a',
  ]) {
    const faults = faultsOf(text);
    t.ok(faults.length > 0, text);
    t.notMatch(faults.join(), /hunter2/, text);
  }
});

t.test('a key with nothing after it is a fault, null is not', async (t) => {
  t.same(faultsOf('a: null\nb: ~\nc: ""\nd: []\n'), []);
  t.match(faultsOf('issuers:\n  - issuer: x\n    audience:\nfailureLimit:\n  # max: 20\nrules:\n  -\n'), [
    /^3:14 issuers\[0\]\.audience: has no value$/,
    /^4:14 failureLimit: has no value$/,
    /^7:4 rules\[0\]: has no value$/,
  ]);
  t.strictSame(parseText('a:\nb: 1\n').value, { b: 1 });
});

t.test('aliases are written out, within bounds', async (t) => {
  t.strictSame(parseText('a: &x { b: 1 }\nc: *x\n').value, { a: { b: 1 }, c: { b: 1 } });
  t.match(faultsOf(`a: ${'['.repeat(200)}${']'.repeat(200)}\n`), [/^1:4 a: is nested too deeply$/]);
  t.match(faultsOf('a: &x [*x]\n'), [/^1:7 a: is nested too deeply$/]);
  const level = (name: string, of: string) => `${name}: &${name} [${`*${of},`.repeat(10)}]\n`;
  const bomb = `a: &a [1]\n${level('b', 'a')}${level('c', 'b')}${level('d', 'c')}${level('e', 'd')}${level('f', 'e')}`;
  t.match(faultsOf(bomb), [/^1:1 : there are more than 100000 values/]);
});

t.test('keys that are no names', async (t) => {
  t.strictSame(parseText('8080: a\ntrue: b\n').value, { 8080: 'a', true: 'b' });
  t.match(faultsOf('? { a: 1 }\n: 2\n'), [/has a key that is a list or a map/]);
  const { value } = parseText('"__proto__": { polluted: true }\nconstructor: 1\n');
  t.match(faultsOf('"__proto__": { polluted: true }\n'), [/^1:1 __proto__: cannot be a key$/]);
  t.strictSame(value, { constructor: 1 });
  t.equal((value as { polluted?: boolean }).polluted, undefined);
});

t.test('an empty text configures nothing', async (t) => {
  for (const text of ['', '# only a comment\n', 'null', '---\n'])
    t.strictSame(parseText(text).value, {}, text);
});
