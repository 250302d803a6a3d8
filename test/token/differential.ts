import fc from 'fast-check';
import { createLocalJWKSet, errors, type JWK, jwtVerify } from 'jose';
import type { Test } from 'tap';
import { readKeySet } from '../../src/keys/jwk.ts';
import { indexKeys, selectKeys } from '../../src/keys/select.ts';
import type { KeyFinder } from '../../src/token/key.ts';
import { forge } from '../helpers/forge.ts';
import { makeKey, type TestKey } from '../helpers/key.ts';
import { issuer, now, reasonOf, setUp } from './fixture.ts';
import { basis, type Case, type Config, type KeyName, mutate, mutations } from './mutations.ts';

// Another reader of the same tokens: jose's own JWT verification, told the same policy. Where the two differ, ours must be
// the stricter one, for a reason that has a name here.

type Classes = Readonly<Record<string, (each: Case) => boolean>>;

const absent = (value: unknown) => value === undefined || value === null || value === '';

/** Why the contract refuses what jose accepts; the first that applies. */
const stricter: Classes = {
  'crit, b64 or zip in the header': ({ header }) => ['crit', 'b64', 'zip'].some((name) => name in header),
  'a type that is no access token': ({ header }) =>
    'typ' in header &&
    (typeof header.typ !== 'string' ||
      /^(?:application\/)?(?:logout|dpop|secevent|rt)\+jwt$/i.test(header.typ)),
  'a claim of a wrong type': ({ claims: { sub, jti, client_id, aud, exp, nbf, iat } }) =>
    [sub, jti, client_id].some((claim) => typeof (claim ?? '') !== 'string') ||
    (Array.isArray(aud) && aud.some((member) => typeof member !== 'string')) ||
    (!absent(aud) && typeof aud === 'object' && !Array.isArray(aud)) ||
    typeof (aud ?? '') === 'number' ||
    [exp, nbf, iat].some((date) => typeof date === 'number' && date < 0),
  'a lifetime longer than allowed': ({ config, claims: { exp, iat } }) =>
    config.maxLifetime !== null && Number(exp) - Number(iat) > config.maxLifetime / 1000,
  'a required claim that is null or empty': ({ config, claims }) =>
    requiredOf(config).some((name) => name in claims && absent(claims[name])),
  'a token bound to a key': ({ claims }) => !absent(claims.cnf),
  'a security event': ({ claims }) => typeof claims.events === 'object' && claims.events !== null,
  'a name that comes twice': ({ spelling }) => spelling === 'twice' || spelling === 'header twice',
  'a byte order mark': ({ spelling }) => spelling === 'mark',
  'more than 32 levels': ({ spelling }) => spelling === 'deep',
  'a member called __proto__': ({ spelling }) => spelling === 'proto',
  'not the one spelling of base64url': ({ spelling }) => ['padded', 'loose', 'blank'].includes(spelling),
};

/** What jose refuses and the contract accepts: the same token in the spelling that jose has to accept as well. */
const looser: Readonly<Record<string, (each: Case) => Case>> = {
  'null or "" for a date that need not be there': withoutEmptyDates,
  'the newer name of EdDSA': withOlderName,
};

function withOlderName(each: Case): Case {
  return each.header.alg === 'Ed25519' ? { ...each, header: { ...each.header, alg: 'EdDSA' } } : each;
}

function withoutEmptyDates(each: Case): Case {
  const claims = Object.entries(each.claims).filter(
    ([name, value]) => !/^(?:nbf|iat)$/.test(name) || !absent(value),
  );
  return { ...each, claims: Object.fromEntries(claims) };
}

interface Readers {
  readonly ours: ReturnType<typeof setUp>;
  readonly theirs: (token: string) => Promise<boolean>;
}

/** Compares the verdicts on so many tokens; with the same seed, the same tokens. Tells how often each verdict was met. */
export async function compareWithJose(t: Test, numRuns: number, seed: number): Promise<void> {
  const keys = await makeKeys();
  const readers = new Map<string, Readers>();
  const readersFor = async (config: Config): Promise<Readers> => {
    const name = JSON.stringify(config);
    const known = readers.get(name) ?? (await makeReaders(config, keys));
    readers.set(name, known);
    return known;
  };

  const verdicts: Record<string, number> = {};
  const classes: Record<string, number> = {};
  const count = (where: Record<string, number>, name: string) => {
    where[name] = (where[name] ?? 0) + 1;
  };
  for (const { by, changes } of fc.sample(mutations, { numRuns, seed })) {
    const each = changes.reduce(mutate, basis(by));
    const token = write(each, keys);
    const { ours, theirs } = await readersFor(each.config);
    const verdict = reasonOf(await ours.verify(token, null));
    count(verdicts, verdict);
    const accepted = await theirs(token);
    if ((verdict === 'ok') === accepted) continue;
    const why = accepted
      ? Object.keys(stricter).find((name) => stricter[name]?.(each))
      : await findLooser(each, (other) => theirs(write(other, keys)));
    if (!why) t.fail(`${verdict}, but jose: ${accepted}`, { each });
    else count(classes, why);
  }
  t.comment(`verdicts ${JSON.stringify(verdicts)}`);
  t.comment(`where ours and jose's differ ${JSON.stringify(classes)}`);
  t.ok((verdicts.ok ?? 0) > numRuns / 10 && (verdicts.ok ?? 0) < numRuns / 2, 'both answers were common');
  t.strictSame(
    Object.keys(classes).sort(),
    [...Object.keys(stricter), ...Object.keys(looser)].sort(),
    'every class of difference was met',
  );
  const reasons = [
    'token_malformed',
    'algorithm_not_allowed',
    'header_not_supported',
    'type_mismatch',
    'issuer_unknown',
  ];
  reasons.push(
    'key_unknown',
    'signature_invalid',
    'token_expired',
    'token_not_yet_valid',
    'token_lifetime_exceeded',
  );
  reasons.push('audience_mismatch', 'claim_missing', 'binding_mismatch', 'ok');
  t.strictSame(Object.keys(verdicts).sort(), reasons.sort(), 'and every verdict');
}

async function findLooser(
  each: Case,
  accepts: (each: Case) => Promise<boolean>,
): Promise<string | undefined> {
  for (const [name, respelled] of Object.entries(looser)) if (await accepts(respelled(each))) return name;
  const respelled = Object.values(looser).reduce((other, change) => change(other), each);
  return (await accepts(respelled)) ? Object.keys(looser)[0] : undefined;
}

type Keys = Readonly<Record<KeyName, TestKey>>;

async function makeKeys(): Promise<Keys> {
  const [RS256, PS256, ES256, EdDSA, second, stranger] = await Promise.all([
    makeKey('RS256', { kid: 'RS256' }),
    makeKey('PS256', { kid: 'PS256' }),
    makeKey('ES256', { kid: 'ES256' }),
    makeKey('EdDSA', { kid: 'EdDSA' }),
    makeKey('ES256', { kid: 'second' }),
    makeKey('ES256', { kid: 'ES256' }),
  ]);
  return { RS256, PS256, ES256, EdDSA, second, stranger };
}

async function makeReaders(config: Config, keys: Keys): Promise<Readers> {
  const published = publish(config.published, keys);
  const index = indexKeys(
    await readKeySet(
      { keys: published },
      { issuer, algorithms: config.algorithms, minRsaBits: 2048, maxKeys: 100 },
    ),
  );
  const finder: KeyFinder = {
    find: (algorithm, kid) => selectKeys(index, algorithm, kid) ?? { refused: 'key_unknown' },
    usable: () => true,
  };
  const { algorithms, audience, clockTolerance, tokenType, maxLifetime, requiredClaims } = config;
  const ours = setUp({
    keys: finder,
    options: { algorithms, audience, clockTolerance, tokenType, maxLifetime, requiredClaims },
    cache: { maxEntries: 0, maxBytes: 0, maxAge: 0 },
  });
  return { ours, theirs: joseReader(config, published) };
}

/** A straightforward use of jose. */
function joseReader(config: Config, published: readonly JWK[]): Readers['theirs'] {
  const set = createLocalJWKSet({ keys: [...published] });
  const options = {
    algorithms: [...config.algorithms],
    issuer,
    ...(config.audience !== null && { audience: [...config.audience] }),
    ...(config.tokenType !== 'any' && { typ: config.tokenType }),
    clockTolerance: config.clockTolerance / 1000,
    currentDate: new Date(now * 1000),
    requiredClaims: requiredOf(config),
  };
  return async (token) => {
    try {
      await jwtVerify(token, set, options);
      return true;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return false;
      // Of several keys that fit each is tried, as its documentation has it.
      for await (const key of error) {
        const isGood = await jwtVerify(token, key, options).then(
          () => true,
          () => false,
        );
        if (isGood) return true;
      }
      return false;
    }
  };
}

function requiredOf({ tokenType, maxLifetime, requiredClaims }: Config): string[] {
  const named =
    tokenType === 'at+jwt'
      ? ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']
      : maxLifetime === null
        ? ['exp']
        : ['exp', 'iat'];
  return [...named, ...requiredClaims];
}

function publish(how: Config['published'], { stranger: _, ...keys }: Keys): JWK[] {
  const jwks = Object.values(keys).map((key) => key.publicJwk);
  const without = (name: 'alg' | 'kid') => jwks.map(({ [name]: _, ...others }) => others as JWK);
  if (how === 'without alg') return without('alg');
  if (how === 'without kid') return without('kid');
  if (how === 'one kid') return jwks.map((jwk) => ({ ...jwk, kid: 'ES256' }));
  if (how === 'for encryption')
    return jwks.map((jwk) => (jwk.kid === 'ES256' ? { ...jwk, use: 'enc' } : jwk));
  return jwks;
}

function write({ header, claims, signer, signedWith, spelling }: Case, keys: Keys): string {
  const { privateKey, publicKey, alg } = keys[signer];
  const json = JSON.stringify(claims);
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  const payloads: Readonly<Record<string, string>> = {
    twice: `{"sub":"admin",${json.slice(1)}`,
    mark: `\ufeff${json}`,
    deep: `{"x":${deep},${json.slice(1)}`,
    proto: `{"__proto__":{"admin":true},${json.slice(1)}`,
    list: `[${json}]`,
    cut: json.slice(0, -1),
  };
  const headerJson = JSON.stringify(header);
  const payload = payloads[spelling] ?? json;
  const text = spelling === 'header twice' ? `{"kid":"x",${headerJson.slice(1)}` : headerJson;
  // What the key cannot sign with, it signs as ever.
  const possible =
    signedWith === 'none' ||
    signedWith.startsWith('HS') ||
    (alg.endsWith('S256') && /^[RP]S/.test(alg) && /^[RP]S/.test(signedWith));
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const used = possible ? signedWith : alg;
  const token = forge({ header: text, payload, alg: used, key: used.startsWith('HS') ? pem : privateKey });
  return respell(token, spelling);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function respell(token: string, spelling: string): string {
  if (spelling === 'padded') return `${token}==`;
  if (spelling === 'four parts') return `${token}.AAAA`;
  if (spelling === 'two parts') return token.slice(0, token.lastIndexOf('.'));
  if (spelling === 'blank') return `${token.slice(0, -3)} ${token.slice(-3)}`;
  const place = { loose: token.length - 1, bit: token.length - 9, 'payload bit': token.indexOf('.') + 9 }[
    spelling
  ];
  if (place === undefined) return token;
  // The next letter differs in the lowest bit, which at the end of a signature of 64 or 256 bytes stands for nothing.
  const letter = alphabet[(alphabet.indexOf(token[place] ?? 'A') ^ 1) % 64];
  return token.slice(0, place) + letter + token.slice(place + 1);
}
