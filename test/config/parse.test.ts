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
    'issuers:\n  - issuer: x\n   hunter2: y\n',
    'a: "x\n  hunter2: y\n hunter2: z\n',
    'hunter2: x\n  mode: y\n',
    'a: *hunter2\n',
    'a: &hunter2\nb: 1\n',
    'a: [hunter2\n',
    'a: hunter2: b\n',
    'a: "hunter2" b\n',
    '@hunter2: a\n',
    '- - hunter2\n - a\n',
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

t.test('wrong indentation, in the words of the keys', async (t) => {
  const cases: { name: string; text: string; fault: string }[] = [
    {
      name: 'a key too far left',
      text: 'issuers:\n  - issuer: https://a.example\n   audience: a\n',
      fault: '3:4 : audience is indented by 3, issuer above by 4',
    },
    {
      name: 'a key too far right',
      text: 'issuers:\n  - issuer: https://a.example\n      audience: a\n',
      fault: '3:7 : audience is indented by 6, issuer above by 4',
    },
    {
      name: 'a key in line with the dash',
      text: 'issuers:\n  - issuer: https://a.example\n  audience: a\nmode: report\n',
      fault: '3:3 : audience is indented by 2, issuer above by 4',
    },
    {
      name: 'a key between the list and its section',
      text: 'issuers:\n  - issuer: https://a.example\n audience: a\n',
      fault: '3:2 : audience is indented by 1, issuer above by 4',
    },
    {
      name: 'a first key with a blank',
      text: ' mode: report\nrules: []\n',
      fault: '2:1 : rules is indented by 0, mode above by 1',
    },
    {
      name: 'a second key with a blank',
      text: 'mode: report\n rules: []\n',
      fault: '2:2 : rules is indented by 1, mode above by 0',
    },
    {
      name: 'a dash too far right',
      text: 'rules:\n  - path: /a\n    auth: none\n   - path: /b\n',
      fault: '4:4 : the "-" is indented by 3, the "-" above by 2',
    },
    {
      name: 'a dash too far left',
      text: 'rules:\n  - path: /a\n    auth: none\n - path: /b\n',
      fault: '4:2 : the "-" is indented by 1, the "-" above by 2',
    },
    {
      name: 'after a comment, an empty line and a list of texts',
      text: 'token:\n  sources:\n    # here\n    - type: bearer\n\n    - type: cookie\n     name: a\n',
      fault: '7:6 : name is indented by 5, type above by 6',
    },
    {
      name: 'after a text of several lines',
      text: 'a: |\n  b: c\n   d: e\nlisten:\n  port: 1\n   host: x\n',
      fault: '6:4 : host is indented by 3, port above by 2',
    },
  ];
  for (const { name, text, fault } of cases) t.same(faultsOf(text), [fault], name);
  const sound = 'a:\n- b: 1\n  c: 2\n-\n  d: 3\n- - e\n  - f\ng:\n    h: 1\n';
  t.same(faultsOf(sound), [], 'lists in line with their key, and entries of all forms');
});

t.test('what the first sign of a value means to YAML', async (t) => {
  const begins: Readonly<Record<string, RegExp>> = {
    '*': /^2:8 : a "\*" begins a YAML alias — put the text in quotes$/,
    '*/x':
      /^2:8 a\[0\]\.b: a "\*" begins a YAML alias, and nothing of this name was defined: put the text in quotes$/,
    '&x': /^2:\d+ a\[0\]\.b: an "&" begins a YAML anchor: put the text in quotes$/,
    '!x': /^2:8 : a "!" begins a YAML tag — put the text in quotes$/,
    '@x': /^2:8 : a plain text cannot begin with this character, "@" — put the text in quotes$/,
    '`x': /a plain text cannot begin with this character, "`"/,
    '%x': /a plain text cannot begin with this character, "%"/,
    '[x': /^2:8 : a "\[" begins a YAML list, which ends with its "\]" — put the text in quotes$/,
    '{x': /^2:8 : a "{" begins a YAML map/,
    '["a.b"].c': /^2:8 : a "\[" begins a YAML list/,
    '|x': /a "\|" begins a YAML text of several lines/,
    '>x': /a ">" begins a YAML text of several lines/,
    '- x': /a "- " begins an entry of a list/,
    'x: y': /there are two ": " in one line; put the text in quotes/,
    '"x': /^2:8 : Missing closing "quote$/,
    '"x"y': /^2:8 : there is text after the closing " — put all of it in quotes$/,
    '#x': /a\[0\]\.b: has no value: what follows the "#" is a comment$/,
  };
  for (const [value, fault] of Object.entries(begins)) {
    const found = faultsOf(`a:\n  - b: ${value}\nc: 1\n`);
    t.match(found, [fault], value);
  }
  t.match(faultsOf('a: 1\nmode:report\n'), [/^2:1 : there is no blank after the ":"/]);
  const { notes, findings } = parseText('a: /b #c\nd: 1 #e\nf: g # h\n');
  t.same(findings, []);
  t.match(
    notes,
    [{ path: ['a'], message: /what follows the "#" is a comment/ }],
    'one that seems to belong to the text',
  );
  t.equal(notes.length, 1);
});

t.test('what can be read, but perhaps not as it was meant', async (t) => {
  const { value, warnings } = parseText('a: &x { b: 010 }\nc: &x { b: 0o17 }\nd: *x\ne: "010"\n');
  t.strictSame(value, { a: { b: 10 }, c: { b: 15 }, d: { b: 15 }, e: '010' });
  t.match(
    warnings.map(({ message }) => message),
    [/a "0" before it, and is read as 10$/, /this anchor is defined in line 1 too/, /is read as 15$/],
  );
});

t.test('a key that stands twice keeps its first value, and hides nothing', async (t) => {
  const text = 'a: 1\nb: { c: 2, c: }\na: 3\nd:\n';
  t.strictSame(parseText(text).value, { a: 1, b: { c: 2 } });
  t.match(faultsOf(text), [
    /^2:12 b\.c: the same key stands here twice, first in line 2$/,
    /^3:1 a: the same key stands here twice, first in line 1$/,
    /^4:3 d: has no value/,
  ]);
});

t.test('whatever the text is, reading it ends, in a value or in words', async (t) => {
  const signs = [
    '\n',
    ' ',
    'a: ',
    '- ',
    '"',
    "'",
    '[',
    '{',
    ']',
    '}',
    '*',
    '&',
    '!',
    '#',
    '|',
    '//',
    ':',
    ',',
    '\t',
    '-',
  ];
  const texts = signs.flatMap((one) => signs.flatMap((two) => signs.map((three) => `${one}${two}${three}`)));
  for (const text of [...texts, ...texts.map((each) => `\n${each}\n${each}x: 1`)]) {
    const { value, errors, findings } = parseText(text);
    if (value === undefined && errors.length + findings.length === 0)
      t.fail('neither a value nor words', { text });
    const empty = errors.filter(({ message, position }) => message === '' || !(position.line >= 1));
    if (empty.length > 0) t.fail('a fault without words or place', { text, empty });
  }
});
