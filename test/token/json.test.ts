import fc from 'fast-check';
import t from 'tap';
import { parseObject } from '../../src/token/json.ts';

function parse(text: string) {
  return parseObject(Buffer.from(text));
}

function nest(levels: number, open: string, close: string): string {
  return `{"a":${open.repeat(levels - 1)}0${close.repeat(levels - 1)}}`;
}

const refused: Record<string, string | Buffer> = {
  null: 'null',
  'a number': '1',
  'a string': '"a"',
  true: 'true',
  'a list': '[{}]',
  nothing: '',
  'no JSON': '{a:1}',
  'an object cut short': '{"a":1',
  'something after the object': '{} {}',
  'a comma after the last member': '{"a":1,}',
  'a comment': '{/* a */}',
  'single quotes': "{'a':1}",
  'a control character in a string': '{"a":"\u0001"}',
  'a name twice': '{"a":1,"a":1}',
  'a name twice, far apart': '{"a":1,"b":[{"c":2}],"a":3}',
  'a name twice, once escaped': '{"a":1,"\\u0061":2}',
  'a name twice, escaped in two ways': '{"\\u0061\\n":1,"a\\u000a":2}',
  'an empty name twice': '{"":1,"":2}',
  'a number as a name twice': '{"1":1,"2":2,"1":3}',
  'a name twice, deeper': '{"a":{"b":{"c":1,"c":2}}}',
  'a name twice in a list': '{"a":[1,{"b":1,"b":2}]}',
  'a name twice, the last one a smaller object': '{"a":{"x":1,"y":2},"a":{}}',
  'a name with a quote twice': '{"a\\"":1,"a\\"":2}',
  'a name with a backslash twice': '{"a\\\\":1,"a\\\\":2}',
  'the name __proto__': '{"__proto__":{"admin":true}}',
  'the name __proto__, escaped': '{"__pr\\u006fto__":1}',
  'the name __proto__, deeper': '{"a":[{"__proto__":null}]}',
  'the name __proto__ twice': '{"__proto__":1,"__proto__":2}',
  'a byte order mark': Buffer.from('\ufeff{}'),
  'UTF-16': Buffer.from('{}', 'utf16le'),
  'a stray byte': Buffer.from('{"a":"\xff"}', 'latin1'),
  'an overlong form': Buffer.from('{"a":"\xc0\xaf"}', 'latin1'),
  'a surrogate in UTF-8': Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1'),
  '33 levels of objects': nest(33, '{"a":', '}'),
  '33 levels of lists': nest(33, '[', ']'),
  '100 levels': nest(100, '{"a":', '}'),
  'a million levels': nest(1_000_000, '[', ']'),
};

for (const [name, text] of Object.entries(refused)) {
  t.test(`refuses ${name}`, async (t) => {
    t.equal(parseObject(Buffer.from(text as Buffer)), undefined);
  });
}

const accepted: Record<string, string> = {
  'an empty object': '{}',
  'blanks where JSON has them': ' {\n"a" :\t1 }\r\n',
  'one name in two objects': '{"a":{"b":1},"c":{"b":1},"b":[{"b":1},{"b":2}]}',
  'colons and quotes within strings': '{"a:b":"c:\\"d\\":","e":":"}',
  "a backslash at a string's end": '{"a":"b\\\\","c":"\\\\"}',
  'names that differ in case': '{"a":1,"A":2}',
  'names of what objects have': '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  'characters of all lengths': '{"é":"€","😀":"\\ud83d\\ude00"}',
  '32 levels of objects': nest(32, '{"a":', '}'),
  '32 levels of lists': nest(32, '[', ']'),
};

for (const [name, text] of Object.entries(accepted)) {
  t.test(`reads ${name}`, async (t) => {
    t.strictSame(parse(text), JSON.parse(text));
  });
}

t.test('does not touch the prototype', async (t) => {
  parse('{"__proto__":{"polluted":1}}');
  t.equal(({} as Record<string, unknown>).polluted, undefined);
});

t.test('reads whatever JSON.stringify writes of an object', async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('__proto__'));
      return JSON.stringify(parse(text)) === JSON.stringify(JSON.parse(text));
    }),
  );
});

t.test('refuses a member that is repeated, wherever it is and whatever it holds', async () => {
  const member = fc.tuple(fc.string(), fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }));
  const rest = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
  fc.assert(
    fc.property(member, rest, fc.nat(4), ([name, one, two], others, depth) => {
      const between = JSON.stringify(others).slice(1, -1);
      const members = [
        `${spell(name)}:${JSON.stringify(one)}`,
        between,
        `${JSON.stringify(name)}:${JSON.stringify(two)}`,
      ];
      const object = `{${members.filter((text) => text !== '').join(',')}}`;
      return parse(`{"a":${'['.repeat(depth)}${object}${']'.repeat(depth)}}`) === undefined;
    }),
  );
});

/** A JSON string with every character escaped. */
function spell(text: string): string {
  const escaped = text.split('').map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped.join('')}"`;
}
