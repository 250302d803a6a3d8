import fc from 'fast-check';
import { importSPKI, jwtVerify } from 'jose';
import t from 'tap';
import { forge } from '../helpers/forge.ts';
import { makeKey } from '../helpers/key.ts';
import { holdKeys, issuer, now, publish, reasonOf, setUp } from './fixture.ts';

// Another reader of the same tokens: jose's own JWT verification. Where the two differ, ours must be the stricter
// one, for a reason that has a name here.

const keys = {
  known: await makeKey('RS256', { kid: 'one' }),
  stranger: await makeKey('RS256', { kid: 'one' }),
};
const { verify } = setUp({ keys: holdKeys([publish(keys.known.publicKey, 'one')]), cache: off() });
const pem = keys.known.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const publicKey = await importSPKI(pem, 'RS256');

function off() {
  return { maxEntries: 0, maxBytes: 0, maxAge: 0 };
}

async function joseAccepts(token: string): Promise<boolean> {
  try {
    await jwtVerify(token, publicKey, {
      algorithms: ['RS256'],
      issuer,
      audience: 'api://orders',
      clockTolerance: 5,
      currentDate: new Date(now * 1000),
      requiredClaims: ['exp'],
    });
    return true;
  } catch {
    return false;
  }
}

interface Token {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly signer: keyof typeof keys;
  readonly signedWith: string;
  readonly spelling: string;
}

/** Why the contract refuses what jose accepts; the first that applies. */
const stricter: Record<string, (token: Token) => boolean> = {
  'crit, b64 or zip in the header': ({ header }) => ['crit', 'b64', 'zip'].some((name) => name in header),
  'a kid that is no string': ({ header }) => 'kid' in header && typeof header.kid !== 'string',
  'a kid that the issuer does not publish': ({ header }) => 'kid' in header && header.kid !== 'one',
  'a type that is no access token': ({ header }) =>
    'typ' in header &&
    (typeof header.typ !== 'string' || /^(?:application\/)?(?:logout|dpop)\+jwt$/i.test(header.typ)),
  'a claim of a wrong type': ({ claims: { sub, jti, aud, exp, nbf, iat } }) =>
    [sub, jti].some((claim) => typeof (claim ?? '') !== 'string') ||
    (Array.isArray(aud) && aud.some((member) => typeof member !== 'string')) ||
    [exp, nbf, iat].some((date) => typeof date === 'number' && date < 0),
  'a token bound to a key': ({ claims }) => (claims.cnf ?? '') !== '',
  'a security event': ({ claims }) => typeof claims.events === 'object' && claims.events !== null,
  'a name that comes twice': ({ spelling }) => spelling === 'twice',
  'a byte order mark': ({ spelling }) => spelling === 'mark',
  'not the one spelling of base64url': ({ spelling }) => spelling === 'padded' || spelling === 'loose',
};

/** And the one way round: what the contract calls missing, jose calls malformed. */
const looser: Record<string, (token: Token) => boolean> = {
  'null or "" for a date that need not be there': ({ claims: { nbf, iat } }) =>
    [nbf, iat].some((date) => date === null || date === ''),
};

/** Mostly the usual value, at times one of the others. */
function mostly<T>(usual: T, ...others: unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(usual as unknown) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

const left = undefined;
const arbitrary = fc.record({
  header: fc.record({
    alg: mostly('RS256', 'none', 'HS256', 'RS512', 'rs256', left),
    kid: mostly('one', left, 'two', 1, null),
    typ: mostly('JWT', left, 'at+jwt', 'logout+jwt', 'application/dpop+jwt', 1, null),
    crit: mostly(left, [], ['b64'], ['exp']),
    b64: mostly(left, true, false),
    zip: mostly(left, 'DEF'),
    jku: mostly(left, 'https://evil.example'),
  }),
  claims: fc.record({
    iss: mostly(issuer, `${issuer}/`, [issuer], left, null, ''),
    aud: mostly('api://orders', ['api://orders', 'x'], ['api://orders', 1], ['x'], [], 'x', left, null, ''),
    exp: mostly(now + 60, now - 4, now - 5, now + 0.5, now - 60, 0, -1, `${now}`, left, null, ''),
    nbf: mostly(left, now, now + 5, now + 5.5, now + 6, -1, 'x', null, '', 1e300),
    iat: mostly(now - 60, left, now + 600, -1, 'x', null, ''),
    sub: mostly('user-1', left, 1, null, ''),
    jti: mostly('id', left, 1, ['id']),
    cnf: mostly(left, { jkt: 'x' }, null),
    events: mostly(left, { 'urn:x': {} }, 'x', null),
  }),
  signer: fc.oneof(
    { weight: 8, arbitrary: fc.constant('known' as const) },
    { weight: 1, arbitrary: fc.constant('stranger' as const) },
  ),
  signedWith: mostly('RS256', 'RS512', 'PS256', 'none') as fc.Arbitrary<string>,
  spelling: mostly('plain', 'twice', 'mark', 'padded', 'loose') as fc.Arbitrary<string>,
});

function write({ header, claims, signer, signedWith, spelling }: Token): string {
  const json = JSON.stringify(claims);
  const payloads: Record<string, string> = {
    twice: `{"sub":"admin",${json.slice(1)}`,
    mark: `\ufeff${json}`,
  };
  const payload = payloads[spelling] ?? json;
  const token = forge({ header, payload, alg: signedWith, key: keys[signer].privateKey });
  if (spelling === 'padded') return `${token}==`;
  return spelling === 'loose' ? loosen(token) : token;
}

/** The same signature in another spelling: RSA's 256 bytes leave four bits of the last character unused. */
function loosen(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + (alphabet[alphabet.indexOf(token.slice(-1)) + 1] ?? 'B');
}

function named(classes: Record<string, (token: Token) => boolean>, token: Token): string | undefined {
  return Object.entries(classes).find(([, applies]) => applies(token))?.[0];
}

t.test('ours accepts what jose accepts, save what the contract refuses', async (t) => {
  const seen = { both: 0, neither: 0, stricter: new Set<string>(), looser: new Set<string>() };
  const samples = fc.sample(arbitrary, { numRuns: 1500, seed: 20260101 });
  for (const sample of samples) {
    // Left out is left out, also for the classes.
    const token: Token = JSON.parse(JSON.stringify(sample));
    const text = write(token);
    const ours = reasonOf(await verify(text, null));
    const theirs = await joseAccepts(text);
    if ((ours === 'ok') === theirs) {
      seen[theirs ? 'both' : 'neither']++;
      continue;
    }
    const why = named(theirs ? stricter : looser, token);
    if (why === undefined) t.fail(`${ours}, but jose: ${theirs}`, { token });
    else seen[theirs ? 'stricter' : 'looser'].add(why);
  }
  t.ok(seen.both > 50 && seen.neither > 500, 'both answers were common');
  t.strictSame(seen.stricter, new Set(Object.keys(stricter)), 'every class was met');
  t.strictSame(seen.looser, new Set(Object.keys(looser)));
});
