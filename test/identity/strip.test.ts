import fc from 'fast-check';
import t from 'tap';
import { compileStrip } from '../../src/identity/strip.ts';

const options = {
  headers: { 'X-Verified-Subject': 'sub', 'X-User.Name': 'name' },
  payloadHeader: 'X-Jwt-Payload',
  stripPrefixes: ['X-Verified-'],
  stripHeaders: ['X-Original-URL'],
  setHeaders: ['Authorization'],
};

t.test('what a client may not set', async (t) => {
  const strip = compileStrip(options);
  for (const name of [
    'X-Verified-Subject',
    'x-verified-anything',
    'X_VERIFIED_',
    'x.user-name',
    'X-JWT_Payload',
    'x-original-url',
    'AUTHORIZATION',
  ]) {
    t.ok(strip(name), name);
  }
  for (const name of [
    'X-Verified',
    'XVerified-Subject',
    'X-User-Names',
    'Accept',
    'X-Original-URLs',
    'Cookie',
  ]) {
    t.notOk(strip(name), name);
  }
});

const separators = "-_.!#$%&'*+^`|~".split('');

/** Another spelling of a name: any case, any character that a header name may have in place of what is no letter or digit. */
function spellings(name: string): fc.Arbitrary<string> {
  const letters = [...name].map((letter) =>
    /[A-Za-z0-9]/.test(letter)
      ? fc.constantFrom(letter.toLowerCase(), letter.toUpperCase())
      : fc.constantFrom(...separators),
  );
  return fc.tuple(...letters).map((all) => all.join(''));
}

t.test('no spelling of an identity header survives', async (t) => {
  const strip = compileStrip(options);
  const names = [
    ...Object.keys(options.headers),
    options.payloadHeader,
    ...options.stripHeaders,
    ...options.setHeaders,
  ];
  const any = fc.constantFrom(...names).chain(spellings);
  fc.assert(fc.property(any, strip), { numRuns: 5000 });
  const prefixed = fc
    .tuple(spellings('X-Verified-'), fc.stringMatching(/^[A-Za-z0-9_-]{0,20}$/))
    .map(([prefix, rest]) => prefix + rest);
  fc.assert(fc.property(prefixed, strip), { numRuns: 5000 });
  t.pass('10,000 spellings');
});

t.test('a client that invents names changes no verdict', async (t) => {
  const strip = compileStrip(options);
  const invented = Array.from({ length: 5000 }, (_, index) => `X-Invented-${index}`);
  t.notOk(invented.some(strip));
  t.ok(strip('x_verified_subject'));
});
