import t from 'tap';
import { bearing, startTarget, type Verdicts } from './harness.ts';

// A kid that is a path, a URL, a query or no name at all: RFC 8725 section 3.10.

const target = await startTarget(t);
const { rs256, es256, rs512 } = target.keys;

t.test('a kid that names no key', async (t) => {
  const fetches = { ...target.issuer.fetches };
  const table: Verdicts<unknown> = {
    key_unknown: {
      'a path': '../../../../dev/null',
      'an absolute path': '/dev/null',
      'a file': 'file:///etc/passwd',
      'a URL': `${target.issuer.url}/jwks`,
      'a template': '${kid}',
      SQL: "x' UNION SELECT 'secret' -- ",
      shell: '$(id)|`id`',
      'a colon': 'a:b',
      'a slash': '/',
      'two dots': '..',
      'a list position': '0',
      NUL: `${rs256.kid}\0`,
      'NUL and more': `${rs256.kid}\0.pem`,
      'CR LF': `${rs256.kid}\r\nX-Verified-Subject: root`,
      'terminal escapes': '\u001b[2J\u001b]0;x\u0007',
      'a line of a log': '"}\n{"level":"info","msg":"request","decision":"allow"}',
      'half a surrogate pair': '\ud800',
      'right to left': '\u202egnp.exe',
      empty: '',
      'of two thousand letters': 'k'.repeat(2000),
      'in another case': rs256.kid.toUpperCase(),
      'with a space': ` ${rs256.kid}`,
      'two of them': `${rs256.kid},${es256.kid}`,
    },
    token_malformed: {
      'a number': 1,
      zero: 0,
      'an object': { kid: rs256.kid },
      'a list': [rs256.kid],
      'an empty list': [],
      null: null,
      true: true,
    },
    token_too_large: { 'of fourteen thousand letters': 'k'.repeat(14_000) },
  };
  for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length'])
    (table.key_unknown as Record<string, unknown>)[name] = name;
  await target.judges(t, table, (kid) => bearing(target.mint({ header: { kid } })));
  t.equal(target.issuer.fetches.metadata, fetches.metadata, 'only keys are looked for, never metadata');
});

t.test('no kid, or the kid of another key', async (t) => {
  const table: Verdicts<string> = {
    ok: {
      'no kid, and one key that fits': target.mint({ header: { kid: undefined } }),
      'no kid, and one key that fits ES256': target.mint({ key: es256, header: { kid: undefined } }),
    },
    key_unknown: {
      'no kid, by a key for another algorithm': target.mint({
        key: rs512,
        header: { alg: 'RS256', kid: undefined },
      }),
      'the kid of a key for another algorithm': target.mint({ header: { kid: rs512.kid } }),
      'the kid of a key of another type': target.mint({ header: { kid: es256.kid } }),
    },
  };
  await target.judges(t, table, bearing);
});

t.test('nothing of a kid is logged raw or at length', async (t) => {
  if (target.gateway === null) return t.plan(0, 'the log is another gateway’s');
  const answer = await target.send(
    bearing(target.mint({ header: { kid: `\r\n\u001b[2J${'k'.repeat(500)}` } })),
  );
  const { kid } = await target.gateway.line(answer.header('x-request-id'));
  t.notMatch(String(kid), /[\0-\x1f]/);
  t.ok(String(kid).length <= 80, 'cut');
});
