import t from 'tap';
import { bearing, startTarget, type Verdicts } from './harness.ts';

// Whose token it is, and for whom: CVE-2025-30144 (iss as a list), CVE-2020-26160 (an empty aud), RFC 8725 sections 3.8 and 3.9.

const target = await startTarget(t);

t.test('iss and aud in every form', async (t) => {
  const iss = target.issuer.issuer;
  const aud = target.issuer.audience;
  const issuers: Verdicts<unknown> = {
    ok: { 'as configured': iss },
    issuer_unknown: {
      missing: undefined,
      null: null,
      empty: '',
      'a prefix': iss.slice(0, -1),
      'a slash after it': `${iss}/`,
      'a dot after it': `${iss}.`,
      'a dot after the host': iss.replace('127.0.0.1', '127.0.0.1.'),
      'in capitals': iss.toUpperCase(),
      'a space after it': `${iss} `,
      'a newline after it': `${iss}\n`,
      'NUL after it': `${iss}\0`,
      'a query after it': `${iss}?`,
      'a fragment after it': `${iss}#`,
      'user information': iss.replace('//', '//a@'),
      'another name of the host': iss.replace('127.0.0.1', 'localhost'),
      'the address in decimal': iss.replace('127.0.0.1', '2130706433'),
      'without scheme': iss.replace('http:', ''),
      another: 'https://evil.example',
      'the issuer within another': `https://evil.example/${iss}`,
      'a pattern': '.*',
      'what objects are born with': '__proto__',
    },
    token_malformed: {
      'a list': [iss],
      'a list of two': [iss, 'https://evil.example'],
      'a number': 1,
      'an object': { iss },
      true: true,
    },
  };
  const audiences: Verdicts<unknown> = {
    ok: { 'as configured': aud, 'in a list': [aud], 'among others': ['x', aud, 'y'], twice: [aud, aud] },
    audience_mismatch: {
      missing: undefined,
      null: null,
      empty: '',
      'an empty list': [],
      'a list of nothing': [''],
      'a prefix': aud.slice(0, -1),
      'a suffix': aud.slice(1),
      'a slash after it': `${aud}/`,
      'in capitals': aud.toUpperCase(),
      'a space after it': `${aud} `,
      'two in one text': `${aud} x`,
      'two with a comma': `${aud},x`,
      'a pattern': '*',
      another: 'api://billing',
    },
    token_malformed: {
      'a number': 1,
      'a number beside it': [aud, 1],
      'null beside it': [aud, null],
      'a list in the list': [[aud]],
      'an object': { [aud]: true },
      'an object that looks like a list': { 0: aud, length: 1 },
      true: true,
    },
  };
  await target.judges(t, issuers, (iss) => bearing(target.mint({ claims: { iss } })));
  await target.judges(t, audiences, (aud) => bearing(target.mint({ claims: { aud } })));
  const { ok, ...refused } = issuers;
  await target.judges(t, refused, (iss) => bearing(target.mint({ claims: { iss } }), '/optional/x'));
});

t.test('claims of a wrong type', async (t) => {
  const table: Record<string, string> = {};
  for (const claim of ['sub', 'jti', 'client_id']) {
    for (const value of [1, 0, true, false, [], ['subject'], {}, { toString: 'root' }])
      table[`${claim} ${JSON.stringify(value)}`] = target.mint({ claims: { [claim]: value } });
  }
  await target.judges(t, { token_malformed: table }, bearing);
});
