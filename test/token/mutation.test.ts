import fc from 'fast-check';
import t from 'tap';
import { isRefusal } from '../../src/errors.ts';
import { makeKey } from '../helpers/key.ts';
import { holdKeys, publish, reasonOf, setUp, sign } from './fixture.ts';

// Base64url is read in one spelling alone, so that no exception is needed: whatever changes, the token is refused.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const odd = '.=+/ ~,"{}\t\r\n\0\u0141\u016a\u00c1\uff21\u{1f600}';

interface Edit {
  readonly kind: 'replace' | 'insert' | 'delete' | 'swap';
  /** Where, as a share of the token's length. */
  readonly at: number;
  readonly char: string;
}

function apply(token: string, { kind, at, char }: Edit): string {
  const place = Math.floor(at * (token.length + (kind === 'insert' ? 1 : 0)));
  const before = token.slice(0, place);
  const after = token.slice(place);
  if (kind === 'insert') return before + char + after;
  if (kind === 'replace') return before + char + after.slice(1);
  if (kind === 'delete') return before + after.slice(1);
  return before + after.slice(1, 2) + after.slice(0, 1) + after.slice(2);
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('replace', 'insert', 'delete', 'swap'),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  char: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...alphabet) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  ),
});

for (const alg of ['RS256', 'PS256', 'ES256', 'ES512', 'EdDSA'] as const) {
  const key = await makeKey(alg);
  const options = { algorithms: [alg] };
  const { verify, cached } = setUp({ keys: holdKeys([publish(key.publicKey, key.kid)]), options });
  const token = sign(key, {}, { kid: key.kid });

  t.test(`${alg}: one or two changed characters and the token is refused`, async (t) => {
    t.equal(reasonOf(await verify(token, null)), 'ok');
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 2 }), async (edits) => {
        const mutant = edits.reduce(apply, token);
        fc.pre(mutant !== token);
        return cached(mutant) === undefined && isRefusal(await verify(mutant, null));
      }),
      { numRuns: 1000 },
    );
    t.ok(cached(token), 'and it still serves');
  });
}

t.test('every replacement of each of the last characters of each part is refused', async (t) => {
  const key = await makeKey('ES256');
  const options = { algorithms: ['ES256'] };
  const { verify } = setUp({ keys: holdKeys([publish(key.publicKey, key.kid)]), options });
  // Claims of three lengths, so that parts end in all three ways that base64url can end.
  for (const sub of ['a', 'ab', 'abc']) {
    const token = sign(key, { sub });
    t.equal(reasonOf(await verify(token, null)), 'ok');
    const ends = [token.indexOf('.'), token.lastIndexOf('.'), token.length];
    for (const place of ends.flatMap((end) => [end - 1, end - 2])) {
      for (const char of alphabet) {
        if (char === token[place]) continue;
        const mutant = token.slice(0, place) + char + token.slice(place + 1);
        if (!isRefusal(await verify(mutant, null))) t.fail(`${char} at ${place}`);
      }
    }
  }
});
