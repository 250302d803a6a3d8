import t from 'tap';
import { forge } from '../helpers/forge.ts';
import { bearing, startTarget, type Verdicts } from './harness.ts';

// exp, nbf and iat in every type and size: RFC 7519 sections 2 and 4.1. The edges to the millisecond are in
// test/gateway/tokens.test.ts, where a clock can be held.

const target = await startTarget(t);
const now = Math.floor(Date.now() / 1000);
const { alg, kid, privateKey } = target.keys.rs256;
const claims = Buffer.from(target.mint().split('.')[1] ?? '', 'base64url').toString();

/** A claim as it is to be written, which need not be JSON that any library would write. */
function writing(name: 'exp' | 'nbf' | 'iat', literal: string): string {
  const others = claims.replace(new RegExp(`"${name}":\\d+,?`), '').replace(',}', '}');
  return forge({
    header: { alg, kid },
    payload: others.replace('{', `{"${name}":${literal},`),
    alg,
    key: privateKey,
  });
}

/** Anything but a number that is a date. */
const malformed: Record<string, string> = {
  negative: '-1',
  'minus a hair': '-1e-300',
  'a text': `"${now + 60}"`,
  'an ISO date': '"2999-01-01T00:00:00Z"',
  'a list': `[${now + 60}]`,
  'an object': `{"$date":${now + 60}}`,
  true: 'true',
  infinite: '1e1000000',
  'minus infinity': '-1e1000000',
  'a text of blanks': '" "',
};

const times: Verdicts<string> = {
  ok: {
    'exp with a fraction': writing('exp', `${now + 60}.5`),
    'exp with an exponent': writing('exp', `${(now + 60) / 1e9}e9`),
    'exp in the year 5138': writing('exp', '99999999999'),
    'exp in milliseconds, which is far away': writing('exp', String((now + 60) * 1000)),
    'exp at the end of all time': writing('exp', '1e300'),
    'nbf now': writing('nbf', String(now)),
    'nbf 0': writing('nbf', '0'),
    'nbf null': writing('nbf', 'null'),
    'nbf empty': writing('nbf', '""'),
    'iat tomorrow, which nobody asks for': writing('iat', String(now + 86_400)),
    'iat 0': writing('iat', '0'),
  },
  token_expired: {
    'exp 0': writing('exp', '0'),
    'exp minus 0': writing('exp', '-0'),
    'exp 1': writing('exp', '1'),
    'exp a hair': writing('exp', '1e-300'),
    'exp a minute ago': writing('exp', String(now - 60)),
    'exp a second beyond the tolerance': writing('exp', String(now - 6)),
    'exp in 32 bits, which is past in 16': writing('exp', '32767'),
  },
  token_not_yet_valid: {
    'nbf in a minute': writing('nbf', String(now + 60)),
    'nbf with a fraction': writing('nbf', `${now + 60}.5`),
    'nbf in milliseconds': writing('nbf', String(now * 1000)),
    'nbf at the end of all time': writing('nbf', '1e300'),
  },
  claim_missing: {
    'no exp': target.mint({ claims: { exp: undefined } }),
    'exp null': writing('exp', 'null'),
    'exp empty': writing('exp', '""'),
  },
  token_malformed: Object.fromEntries(
    (['exp', 'nbf', 'iat'] as const).flatMap((name) =>
      Object.entries(malformed).map(([what, literal]) => [`${name} ${what}`, writing(name, literal)]),
    ),
  ),
};

t.test('times', async (t) => {
  await target.judges(t, times, bearing);
});

t.test('a token expires between two requests', async (t) => {
  const token = target.mint({ claims: { exp: Date.now() / 1000 - 4 } });
  await target.allows(t, 'within the tolerance', bearing(token));
  let answer = await target.send(bearing(token));
  while (answer.status === 200) answer = await target.send(bearing(token));
  t.equal(answer.status, 401, 'a verdict that was kept ends with its token');
  await target.refuses(t, 'and does not come back', bearing(token), 'token_expired');
});
