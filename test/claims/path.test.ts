import t from 'tap';
import { compileClaimPath, isMissing } from '../../src/claims/path.ts';

const claims = JSON.parse(`{
  "sub": "alice", "empty": "", "nothing": null, "zero": 0, "no": false, "list": ["a"], "deep": { "er": { "est": 1 } },
  "a.b": "dotted", "https://example.com/app": { "roles": ["admin"], "x.y": { "z": 2 } }, "https://idp/roles": "plain",
  "urn:idp:roles": "colons", "quo\\"te": "quoted", "__proto__": { "own": "yes" }, "constructor": "mine", "": { "": 3 }
}`);

const read = {
  'one name': ['sub', 'alice'],
  nested: ['deep.er.est', 1],
  'an object': ['deep.er', { est: 1 }],
  'a name that holds dots': ['["a.b"]', 'dotted'],
  'brackets, then a name': ['["https://example.com/app"].roles', ['admin']],
  'brackets after brackets, then a name': ['["https://example.com/app"]["x.y"].z', 2],
  'a name in needless brackets': ['deep["er"].est', 1],
  'a URL without dots': ['https://idp/roles', 'plain'],
  'a name with colons': ['urn:idp:roles', 'colons'],
  'an escape of JSON': ['["quo\\"te"]', 'quoted'],
  'an empty name in brackets': ['[""][""]', 3],
  'zero is there': ['zero', 0],
  'false is there': ['no', false],
  'an own member called __proto__': ['__proto__.own', 'yes'],
  'an own member called constructor': ['constructor', 'mine'],
  'a missing claim': ['other', undefined],
  'below a missing claim': ['other.one.two', undefined],
  'below a string': ['sub.length', undefined],
  'the length of a list': ['list.length', undefined],
  'an item of a list': ['list.0', undefined],
  'a member of a prototype': ['toString', undefined],
  'a prototype below': ['deep.__proto__', undefined],
  'a constructor below': ['deep.constructor.name', undefined],
  'null is missing': ['nothing', undefined],
  'below null': ['nothing.x', undefined],
  'the empty string is missing': ['empty', undefined],
} as const;

t.test('a claim path reads', async (t) => {
  for (const [name, [text, expected]] of Object.entries(read)) {
    const path = compileClaimPath(text);
    t.strictSame(path.read(claims), expected, name);
    t.equal(path.text, text);
  }
});

const bad = {
  empty: '',
  'a dot alone': '.',
  'a dot first': '.a',
  'a dot last': 'a.',
  'two dots': 'a..b',
  'an open bracket': '["a"',
  'no quotes': '[a]',
  'single quotes': "['a']",
  'a bracket that closes nothing': 'a]',
  'a dot before brackets': 'a.["b"]',
  'no dot after brackets': '["a"]b',
  'a quote in a name': 'a"b',
  'an escape that JSON does not know': '["\\x"]',
  'a URL whose dots would nest': 'https://example.com/roles',
  'a URL below': 'a.https://example.com/roles',
};

t.test('a claim path is refused with a sentence', async (t) => {
  for (const [name, text] of Object.entries(bad)) {
    t.throws(() => compileClaimPath(text), { name: 'SyntaxError', message: /^The claim path .*\.$/ }, name);
  }
});

t.test('missing is undefined, null and the empty string alone', async (t) => {
  for (const value of [undefined, null, '']) t.ok(isMissing(value));
  for (const value of [0, false, ' ', [], {}]) t.notOk(isMissing(value));
});
