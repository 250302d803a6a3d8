import t from 'tap';
import { forge, part } from '../helpers/forge.ts';
import { bearing, startTarget, type Verdicts } from './harness.ts';

// Tokens that say they need no signature, in the spellings that deny lists forgot: RFC 8725 section 2.1,
// CVE-2015-2951, CVE-2022-23540.

const target = await startTarget(t);
const { rs256 } = target.keys;
const [head = '', payload = '', signed = ''] = target.mint().split('.');
const claims = Buffer.from(payload, 'base64url').toString();
const unsigned = (header: object) => `${part(header)}.${payload}.`;
const signs = (header: object) => forge({ header, payload: claims, alg: 'RS256', key: rs256.privateKey });

const spellings = ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\0', 'nonе', '', 'null', 'NONE256'];
const others: Record<string, unknown> = {
  missing: undefined,
  null: null,
  false: false,
  'a number': 0,
  'an empty list': [],
  'a list': ['none'],
  'a list of what is allowed': ['RS256'],
  'an object': { alg: 'none' },
  'what objects are born with': 'constructor',
};

t.test('no signature', async (t) => {
  await target.allows(t, 'a sound one', bearing(target.mint()));
  const algs = { ...Object.fromEntries(spellings.map((alg) => [JSON.stringify(alg), alg])), ...others };
  const tokens: Record<string, string> = {};
  for (const [name, alg] of Object.entries(algs)) {
    tokens[name] = unsigned({ alg, typ: 'JWT' });
    tokens[`${name}, with the kid of a key`] = unsigned({ alg, kid: rs256.kid });
    tokens[`${name}, with a sound signature`] = signs({ alg, kid: rs256.kid });
    tokens[`${name}, with another token's signature`] = `${unsigned({ alg, kid: rs256.kid })}${signed}`;
  }
  const table: Verdicts<string> = {
    algorithm_not_allowed: tokens,
    signature_invalid: { 'a signature cut off': `${head}.${payload}.` },
    token_malformed: {
      'two parts': `${head}.${payload}`,
      'two parts of a token without algorithm': unsigned({ alg: 'none' }).slice(0, -1),
    },
  };
  await target.judges(t, table, bearing);
  await target.judges(t, table, (token) => bearing(token, '/optional/x'));
});
