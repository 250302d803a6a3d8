import t, { type Test } from 'tap';
import { isRefusal } from '../../src/errors.ts';
import { compileCanonical, type PathOptions } from '../../src/path/canonical.ts';

const defaults: PathOptions = { duplicateSlashes: 'merge', encodedSlashes: 'reject', parameters: 'reject' };
const longest = `/${'a'.repeat(16 * 1024)}`;

/** What a target becomes: `path?query`, with `match` after a space where it differs, or the reason of the refusal. */
function read(target: string, options: Partial<PathOptions> = {}): string {
  const read = compileCanonical({ ...defaults, ...options })(target);
  if (isRefusal(read)) return read.refused;
  return read.path === read.match ? read.path + read.query : `${read.path}${read.query} ${read.match}`;
}

function table(cases: Record<string, readonly [string, string]>, options: Partial<PathOptions> = {}) {
  return async (t: Test) => {
    for (const [name, [target, expected]] of Object.entries(cases))
      t.equal(read(target, options), expected, name);
  };
}

t.test(
  'accepted in one spelling',
  table({
    root: ['/', '/'],
    'an ordinary path': ['/api/v1/x', '/api/v1/x'],
    'a trailing slash': ['/a/', '/a/'],
    'every character of a segment': ["/Az09-._~!$&'()*+,=:@", "/Az09-._~!$&'()*+,=:@"],
    'escapes of unreserved characters': ['/%41%7a%30%2d%2e%5f%7e', '/Az0-._~'],
    'escapes of reserved ones, which are forwarded and match like the characters': [
      '/%21%24%26%27%28%29%2a%2b%2c%3d%3a%40',
      "/%21%24%26%27%28%29%2A%2B%2C%3D%3A%40 /!$&'()*+,=:@",
    ],
    'both spellings of a reserved character': ['/a%2bb+c', '/a%2Bb+c /a+b+c'],
    'a twice encoded plus sign, which is no plus sign': ['/a%252Bb', '/a%252Bb'],
    'escapes that stay, in upper case': [
      '/%20%22%3c%3e%5e%60%7b%7c%7d%3b%5b%5d',
      '/%20%22%3C%3E%5E%60%7B%7C%7D%3B%5B%5D',
    ],
    'raw characters that RFC 3986 does not allow': ['/"<>^`{|}', '/%22%3C%3E%5E%60%7B%7C%7D'],
    'UTF-8': ['/caf%c3%a9/%E2%82%AC/%f0%9f%98%80', '/caf%C3%A9/%E2%82%AC/%F0%9F%98%80'],
    'a name that begins with a dot': ['/.well-known/x', '/.well-known/x'],
    'a name that ends with dots': ['/a../b', '/a../b'],
    'blanks at the ends of a name': ['/%20a%20/b', '/%20a%20/b'],
    'a blank alone': ['/%20', '/%20'],
    'dots and blanks at the end of a name': ['/a.%20.', '/a.%20.'],
    'full-width letters': ['/%EF%BD%81', '/%EF%BD%81'],
    'a full-width dot within a name': ['/a%EF%BC%8Eb', '/a%EF%BC%8Eb'],
    'full-width slashes around names': ['/a%EF%BC%8Fb', '/a%EF%BC%8Fb'],
    'thirty marks on a letter': [`/a${'%CC%81%CC%A3'.repeat(15)}`, `/a${'%CC%81%CC%A3'.repeat(15)}`],
    'a full-width backslash in a name': ['/%EF%BC%BC%28%5E%29', '/%EF%BC%BC%28%5E%29 /%EF%BC%BC(%5E)'],
    'an ideographic full stop in a name': ['/a%E3%80%82b', '/a%E3%80%82b'],
    'a full-width percent sign that begins no escape': ['/100%EF%BC%85', '/100%EF%BC%85'],
    'dots within a name': ['/a..b/..c', '/a..b/..c'],
    'an encoded percent sign': ['/100%25', '/100%25'],
    'an encoded percent sign before digits that hide nothing': [
      '/%2520/%2526/%25zz/%25e9',
      '/%2520/%2526/%25zz/%25e9',
    ],
    'an encoded question mark': ['/a%3fb', '/a%3Fb'],
    'an encoded number sign': ['/a%23b', '/a%23b'],
    'an encoded semicolon': ['/a%3bb=1', '/a%3Bb=1'],
    'duplicate slashes': ['//admin', '/admin'],
    'many slashes': ['/a///b//', '/a/b/'],
    'a path of 16 kB': [longest, longest],
    'a query byte for byte': ['/a?b=%2f..//%zz;\\"{\xe9\x80&?c', '/a?b=%2f..//%zz;\\"{\xe9\x80&?c'],
    'an empty query': ['/a?', '/a?'],
    'a query after a path that is respelled': ['/%61?%61', '/a?%61'],
  }),
);

t.test(
  'not a target in origin-form',
  table({
    empty: ['', 'request_malformed'],
    'absolute-form': ['http://example.com/admin', 'request_malformed'],
    'authority-form': ['example.com:443', 'request_malformed'],
    asterisk: ['*', 'request_malformed'],
    'a path without its slash': ['admin', 'request_malformed'],
    'a query alone': ['?a', 'request_malformed'],
    'a backslash first': ['\\admin', 'request_malformed'],
    'a dot segment first': ['../admin', 'request_malformed'],
    'a fragment': ['/a#b', 'request_malformed'],
    'a fragment in the query': ['/a?b#c', 'request_malformed'],
    'a space': ['/a b', 'request_malformed'],
    'a space in the query': ['/a?b c', 'request_malformed'],
    'a raw tab': ['/a\tb', 'request_malformed'],
    'a raw line feed': ['/a\nb', 'request_malformed'],
    'a raw carriage return in the query': ['/a?b\rc', 'request_malformed'],
    'a raw NUL': ['/a\0', 'request_malformed'],
    'a raw NUL in the query': ['/a?\0', 'request_malformed'],
    'a raw DEL': ['/a\x7f', 'request_malformed'],
    'a raw DEL in the query': ['/a?\x7f', 'request_malformed'],
    'a raw byte beyond ASCII': ['/caf\xe9', 'request_malformed'],
    'a raw character beyond Latin-1': ['/caf\u20ac', 'request_malformed'],
    'a character beyond Latin-1 in the query': ['/a?\u20ac', 'request_malformed'],
    'a fragment after what is ambiguous': ['/../#', 'request_malformed'],
  }),
);

/** Dot segments to a server that trims, that normalizes, or that drops what cannot be seen. */
const veiledDots = {
  'dots before a blank': '/public/..%20/admin',
  'dots behind a blank': '/public/%20../admin',
  'dots between blanks, at the end': '/public/%20..%20',
  'a dot before a blank': '/a/.%20/b',
  'a blank between dots': '/a/.%20./b',
  'dots before a no-break space': '/a/..%C2%A0/b',
  'dots before an ideographic space': '/a/..%E3%80%80/b',
  'dots before an Ogham space': '/a/..%E1%9A%80/b',
  'dots before a line separator': '/a/..%E2%80%A8/b',
  'dots before a paragraph separator': '/a/%E2%80%A9../b',
  'dots before a thin space': '/a/..%E2%80%89/b',
  'full-width dots': '/a/%EF%BC%8E%EF%BC%8E/b',
  'a full-width dot beside a dot': '/a/.%EF%BC%8E/b',
  'a full-width dot alone': '/a/%EF%BC%8E',
  'small dots': '/a/%EF%B9%92%EF%B9%92/b',
  'one-dot leaders': '/a/%E2%80%A4%E2%80%A4/b',
  'a two-dot leader': '/a/%E2%80%A5/b',
  'an ellipsis': '/a/%E2%80%A6/b',
  'a vertical two-dot leader': '/a/%EF%B8%B0/b',
  'a vertical ellipsis': '/a/%EF%B8%99/b',
  'ideographic full stops': '/a/%E3%80%82%E3%80%82/b',
  'half-width ideographic full stops': '/a/%EF%BD%A1%EF%BD%A1/b',
  'a zero-width space between dots': '/a/.%E2%80%8B./b',
  'a soft hyphen between dots': '/a/.%C2%AD./b',
  'a byte order mark before dots': '/a/%EF%BB%BF../b',
  'a variation selector behind dots': '/a/..%EF%B8%8F/b',
  'a tag behind dots': '/a/..%F3%A0%81%BF/b',
  'a word joiner, a blank and dots': '/a/%E2%81%A0%20../b',
  'dots behind a full-width slash': '/a%EF%BC%8F../b',
  'dots before a full-width slash': '/a/..%EF%BC%8Fb',
  'dots behind a full-width backslash': '/a%EF%BC%BC..%EF%BC%BCb',
  'dots behind a division slash': '/a%E2%88%95..',
  'dots before a full-width semicolon': '/a/..%EF%BC%9Bx/b',
  'dots before a Greek question mark': '/a/..%CD%BEx/b',
  'dots before a full-width question mark': '/a/..%EF%BC%9Fx',
  'dots before a full-width number sign': '/a/..%EF%BC%83x',
  'blank dots before a semicolon': '/a/..%20;x/b',
  'blank dots before an encoded semicolon': '/a/..%20%3Bx/b',
  'blank dots behind an encoded slash': '/a%2F%20..',
  'dots before a twice encoded blank': '/a/..%2520/b',
  'twice encoded full-width dots': '/a/%25EF%25BC%258E%25EF%25BC%258E/b',
  'dots of full-width escapes': '/a/%EF%BC%852e%EF%BC%852e/b',
  'a slash of a full-width escape': '/a%EF%BC%852fb',
  'a slash of a small percent sign': '/a%EF%B9%AA2fb',
  'full-width digits in a full-width escape': '/a%EF%BC%85%EF%BC%92%EF%BD%86b',
  'a NUL of a full-width escape': '/a%EF%BC%8500',
  'an invisible character within a twice encoded slash': '/a%25%E2%80%8B2fb',
  'more marks on one letter than any language has': `/a${'%CC%81%CC%A3'.repeat(16)}`,
  'a full-width percent sign, encoded many times over': `/%EF%BC%85${'25'.repeat(2000)}41`,
};

t.test('ambiguous whatever the options', async (t) => {
  const cases = {
    'a dot segment': '/public/../admin',
    'a dot segment at the end': '/public/..',
    'a dot segment first': '/../admin',
    'a single dot': '/./admin',
    'a single dot at the end': '/admin/.',
    'three dots': '/a/.../b',
    'an encoded dot segment': '/public/%2e%2e/admin',
    'in upper case': '/public/%2E%2E/admin',
    'half encoded': '/public/.%2e/admin',
    'a single encoded dot': '/%2e/admin',
    'an encoded dot segment with an encoded slash': '/public/%2E%2E%2Fadmin',
    'a dot segment between encoded slashes': '/public/a%2f..%2fadmin',
    'a dot segment after an encoded slash, at the end': '/public/a%2F..',
    'a dot segment with a parameter': '/public/..;/admin',
    'a dot segment with a named parameter': '/public/..;x=y/admin',
    'a single dot with a parameter': '/public/.;x/admin',
    'an encoded dot segment with a parameter': '/public/%2e%2e;/admin',
    'a dot segment with an encoded semicolon': '/public/..%3b/admin',
    'an empty segment with a parameter': '/a/;x/b',
    'duplicate slashes around a parameter': '/a//;x/b',
    'a parameter alone before another segment': '/;x=y/',
    'a dot segment with an encoded question mark': '/public/..%3Fx',
    'a dot segment with an encoded number sign': '/public/..%23',
    'a backslash': '/public\\..\\admin',
    'an encoded backslash': '/public%5c..%5cadmin',
    'an encoded backslash in upper case': '/a%5Cb',
    'an encoded NUL': '/admin%00',
    'an encoded NUL before an extension': '/admin%00.png',
    'an encoded tab': '/a%09b',
    'encoded line ends': '/a%0d%0ab',
    'an encoded control character': '/a%1f',
    'an encoded DEL': '/a%7f',
    'an encoded C1 control character': '/a%c2%85',
    'a twice encoded dot': '/public/%252e%252e/admin',
    'a twice encoded dot of encoded digits': '/public/%25%32%65/admin',
    'a twice encoded dot of half encoded digits': '/public/%252%65/admin',
    'a twice encoded slash': '/public%252fadmin',
    'a twice encoded backslash': '/public%255cadmin',
    'a twice encoded NUL': '/admin%2500',
    'a twice encoded DEL': '/admin%257F',
    'a twice encoded C1 control character': '/admin%25C2%2585',
    'a twice encoded percent sign': '/%2525',
    'a thrice encoded dot': '/%25252e%25252e/admin',
    'a twice encoded semicolon': '/a%253bb',
    'a twice encoded question mark': '/a%253fb',
    'a twice encoded number sign': '/a%2523b',
    'a twice encoded overlong dot': '/%25c0%25ae%25c0%25ae/admin',
    'a twice encoded overlong slash of three bytes': '/a%25e0%2580%25af',
    'a twice encoded overlong slash of four bytes': '/a%25f0%2580%2580%25af',
    'a twice encoded dot in the manner of old servers': '/%25u002e%25u002e/admin',
    'an escape in the manner of old servers': '/%u002e%u002e/admin',
    'a percent sign alone': '/100%',
    'a cut escape': '/a%2',
    'an escape of no digits': '/a%zz',
    'an escape across a slash': '/a%2/f',
    'an overlong dot': '/%c0%ae%c0%ae/admin',
    'an overlong slash': '/a%c0%afb',
    'an overlong slash of three bytes': '/a%e0%80%af',
    'an overlong slash of four bytes': '/a%f0%80%80%af',
    'an overlong NUL': '/a%c0%80',
    'a lone continuation byte': '/a%80',
    'a cut sequence': '/a%e2%82/b',
    'a sequence across a slash': '/a%e2%82/%ac',
    'an encoded surrogate': '/a%ed%a0%80',
    'a pair of encoded surrogates': '/a%ed%a0%bd%ed%b8%80',
    'beyond Unicode': '/a%f4%90%80%80',
    'a byte that UTF-8 never has': '/a%ff',
    'a Latin-1 escape': '/caf%e9',
  };
  for (const [name, target] of Object.entries({ ...cases, ...veiledDots })) {
    for (const options of everyOption()) {
      t.equal(read(target, options), 'path_ambiguous', `${name}: ${JSON.stringify(options)}`);
      t.equal(read(`${target}?q=1`, options), 'path_ambiguous', `${name}, and a query`);
    }
  }
});

t.test(
  'ambiguous by default',
  table({
    'an encoded slash': ['/a%2fb', 'path_ambiguous'],
    'an encoded slash first': ['/%2fadmin', 'path_ambiguous'],
    'an encoded slash in upper case': ['/a%2Fb', 'path_ambiguous'],
    'a parameter': ['/admin;x=y', 'path_ambiguous'],
    'a parameter within': ['/admin;x=y/z', 'path_ambiguous'],
    'an empty parameter': ['/admin;', 'path_ambiguous'],
  }),
);

t.test(
  'duplicateSlashes: reject',
  table(
    {
      'two slashes': ['/a//b', 'path_ambiguous'],
      'two slashes first': ['//admin', 'path_ambiguous'],
      'two slashes last': ['/a//', 'path_ambiguous'],
      'two slashes alone': ['//', 'path_ambiguous'],
      'two slashes in the query': ['/a?//', '/a?//'],
      'one slash': ['/a/b/', '/a/b/'],
    },
    { duplicateSlashes: 'reject' },
  ),
);

t.test(
  'encodedSlashes: allow',
  table(
    {
      'stays inside its segment': ['/projects/group%2fname', '/projects/group%2Fname'],
      'two of them': ['/urls/http:%2F%2Fexample.com', '/urls/http:%2F%2Fexample.com'],
      'with dots that are no segment': ['/a%2F..b%2Fc..', '/a%2F..b%2Fc..'],
      'a dot segment after it': ['/a%2F%2e', 'path_ambiguous'],
      'a dot segment before it': ['/.%2Fa', 'path_ambiguous'],
      'a backslash is still none': ['/a%5cb', 'path_ambiguous'],
      'a parameter is still refused': ['/a%2Fb;x', 'path_ambiguous'],
    },
    { encodedSlashes: 'allow' },
  ),
);

t.test(
  'parameters: ignore',
  table(
    {
      'is forwarded and not matched': ['/a;x=1/b', '/a;x=1/b /a/b'],
      'several of them': ['/a;x=1;y=2/b;z?q;r', '/a;x=1;y=2/b;z?q;r /a/b'],
      'an empty one': ['/a;', '/a; /a'],
      'respelled like all else': ['/%61;%78=%c3%a9%3b', '/a;x=%C3%A9%3B /a'],
      'an encoded semicolon is none': ['/a%3bx', '/a%3Bx'],
      'dots in it': ['/a;x=..', '/a;x=.. /a'],
      'an encoded slash in it': ['/a;x=%2f', 'path_ambiguous'],
      'slashes merge around it': ['/a;x//b', '/a;x/b /a/b'],
      'alone at the end it is a trailing slash': ['/app/;jsessionid=1', '/app/;jsessionid=1 /app/'],
      'empty and alone at the end': ['/app/;', '/app/; /app/'],
      'alone in the whole path': ['/;jsessionid=1?q', '/;jsessionid=1?q /'],
      'slashes merge before it': ['/app//;x', '/app/;x /app/'],
      'alone anywhere else': ['/a/;x/b', 'path_ambiguous'],
      'alone before a trailing slash': ['/a/;x/', 'path_ambiguous'],
      'alone before doubled slashes': ['/a/;x//', 'path_ambiguous'],
      'alone and encoded it is a name': ['/a/%3bx', '/a/%3Bx'],
      'a dot in place of it': ['/app/.;jsessionid=1', 'path_ambiguous'],
    },
    { parameters: 'ignore' },
  ),
);

t.test(
  'parameters: ignore, with encodedSlashes: allow',
  table(
    {
      'an encoded slash before it': ['/a%2Fb;x', '/a%2Fb;x /a%2Fb'],
      'an encoded slash in it could end it': ['/a;x=%2Fb', 'path_ambiguous'],
      'an encoded slash in a later one': ['/a;x;y/b;%2fz', 'path_ambiguous'],
      'an encoded slash in the next segment': ['/a;x/b%2Fc', '/a;x/b%2Fc /a/b%2Fc'],
    },
    { parameters: 'ignore', encodedSlashes: 'allow' },
  ),
);

t.test(
  'duplicateSlashes: keep',
  table(
    {
      'is forwarded as it came and matched as if merged': ['/a//b', '/a//b /a/b'],
      'many of them, and at the end': ['/a///b//', '/a///b// /a/b/'],
      'a URL as data': [
        '/proxy/https://a.example//x',
        '/proxy/https://a.example//x /proxy/https:/a.example/x',
      ],
      'leading ones are merged': ['//a//b', '/a//b /a/b'],
      'many leading ones': ['////a', '/a'],
      'slashes alone': ['///', '/'],
      'a respelled one': ['/%61//%2b', '/a//%2B /a/+'],
      'a dot segment behind an empty one': ['/a//../b', 'path_ambiguous'],
      'a dot segment before an empty one': ['/a/..//b', 'path_ambiguous'],
      'a single dot between empty ones': ['/a//.//b', 'path_ambiguous'],
      'a veiled dot segment behind an empty one': ['/a//..%20/b', 'path_ambiguous'],
    },
    { duplicateSlashes: 'keep' },
  ),
);

t.test(
  'duplicateSlashes: keep, with parameters: ignore',
  table(
    {
      'slashes behind a parameter': ['/a;x//b', '/a;x//b /a/b'],
      'a parameter alone at the end': ['/a//;x', '/a//;x /a/'],
      'a parameter alone between slashes': ['/a//;x//b', 'path_ambiguous'],
      'leading slashes before a parameter': ['//;x', '/;x /'],
    },
    { duplicateSlashes: 'keep', parameters: 'ignore' },
  ),
);

t.test('all spellings of one path are one', async (t) => {
  for (const spelling of ['/caf%C3%A9~x', '/c%61f%c3%a9%7Ex', '/%63%61%66%C3%A9%7e%78', '//caf%C3%a9~x']) {
    t.equal(read(spelling), '/caf%C3%A9~x');
  }
});

function everyOption(): readonly PathOptions[] {
  return (['merge', 'reject', 'keep'] as const).flatMap((duplicateSlashes) =>
    (['reject', 'allow'] as const).flatMap((encodedSlashes) =>
      (['reject', 'ignore'] as const).map((parameters) => ({ duplicateSlashes, encodedSlashes, parameters })),
    ),
  );
}
