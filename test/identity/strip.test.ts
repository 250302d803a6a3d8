import fc from 'fast-check';
import t from 'tap';
import { normalizeName } from '../../src/identity/names.ts';
import { compileStrip } from '../../src/identity/strip.ts';

const options = {
  headers: { 'X-Verified-Subject': 'sub', 'X-User.Mail': 'email' },
  payloadHeader: 'X-Jwt-Payload',
  stripPrefixes: ['X-Verified-', 'x.internal_'],
  stripHeaders: ['X-Original-URL', 'X-HTTP-Method'],
  setHeaders: ['Authorization', 'X-Api-Key'],
};

t.test('a name as the most lenient upstream reads it', async (t) => {
  t.equal(normalizeName('X-Verified.Sub_1'), 'x_verified_sub_1');
  t.equal(normalizeName("!#$%&'*+-.^_`|~"), '_'.repeat(15));
});

t.test('what a client may not send', async (t) => {
  const strip = compileStrip(options);
  const dropped = {
    'a mapped header': 'X-Verified-Subject',
    'in lower case': 'x-verified-subject',
    'in upper case': 'X-VERIFIED-SUBJECT',
    'with underscores': 'X_Verified_Subject',
    'with dots': 'x.verified.subject',
    'with other separators': "x'verified~subject",
    'a mapped header outside the prefixes': 'x-user-mail',
    'a name under a prefix, mapped or not': 'X-Verified-Anything',
    'the prefix alone': 'x-verified-',
    'under a prefix with other separators': 'X-INTERNAL-Route',
    'the payload header': 'x_jwt_payload',
    'a header of stripHeaders': 'X-Original_Url',
    'a header that an upstream is sent': 'authorization',
    another: 'x-api_key',
  };
  const kept = {
    'an ordinary header': 'Accept',
    'the prefix without its last separator': 'X-Verified',
    'a longer name than a mapped one': 'X-User-Mail-2',
    'a shorter name': 'X-User',
    'a name that holds a prefix elsewhere': 'Y-X-Verified-Subject',
    'a longer name than one of stripHeaders': 'X-HTTP-Method-Override-2',
    'a name with no separator': 'XVerifiedSubject',
    'a member of an object': 'constructor',
  };
  for (const [why, name] of Object.entries(dropped)) t.equal(strip(name), true, `drops ${why}`);
  for (const [why, name] of Object.entries(kept)) t.equal(strip(name), false, `keeps ${why}`);
  for (const [why, name] of Object.entries(dropped)) t.equal(strip(name), true, `drops ${why} again`);
  for (const [why, name] of Object.entries(kept)) t.equal(strip(name), false, `keeps ${why} again`);
});

t.test('with nothing to strip everything passes', async (t) => {
  const strip = compileStrip({
    headers: {},
    payloadHeader: null,
    stripPrefixes: [],
    stripHeaders: [],
    setHeaders: [],
  });
  for (const name of ['X-Verified-Subject', 'Authorization', 'null', '_']) t.equal(strip(name), false, name);
});

t.test('a client that invents names changes no verdict and fills no memory', async (t) => {
  const strip = compileStrip(options);
  const stored = t.capture(Map.prototype, 'set', Map.prototype.set);
  const long = `x_verified_${'x'.repeat(30_000)}`;
  const verdicts = [strip(long), strip(long.slice(1))];
  const invented = Array.from({ length: 5000 }, (_, index) => [
    strip(`X-Random-${index}`),
    strip(`X-Verified-${index}`),
  ]);
  const names = stored().map(({ args }) => args[0]);
  stored.restore();
  t.strictSame(verdicts, [true, false]);
  t.ok(invented.every(([random, verified]) => !random && verified));
  t.equal(names.length, 1000);
  t.notOk(names.includes(long), 'long names are not kept');
  t.equal(strip('X-Verified-Subject'), true);
  t.equal(strip('Accept'), false);
});

/** Every spelling of a name that an upstream might take for it: any case, any separator that a name may hold. */
function spellings(name: string): fc.Arbitrary<string> {
  const separator = fc.constantFrom(..."!#$%&'*+-.^_`|~");
  const characters = [...name].map((character) =>
    /[A-Za-z0-9]/.test(character)
      ? fc.constantFrom(character.toLowerCase(), character.toUpperCase())
      : separator,
  );
  return fc.tuple(...characters).map((all) => all.join(''));
}

t.test('no spelling of our names survives', async () => {
  const names = [
    ...Object.keys(options.headers),
    options.payloadHeader,
    ...options.stripHeaders,
    ...options.setHeaders,
  ];
  const strip = compileStrip({ ...options, stripPrefixes: [] });
  fc.assert(fc.property(fc.constantFrom(...names).chain(spellings), strip), { numRuns: 5000 });
});

t.test('no spelling of a prefix survives, whatever follows', async () => {
  const strip = compileStrip(options);
  const prefixed = fc
    .tuple(
      fc.constantFrom(...options.stripPrefixes).chain(spellings),
      fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{0,20}$/),
    )
    .map(([prefix, rest]) => prefix + rest);
  fc.assert(fc.property(prefixed, strip), { numRuns: 5000 });
});
