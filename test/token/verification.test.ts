import { hash, type KeyObject } from 'node:crypto';
import t from 'tap';
import { compileClaimPath } from '../../src/claims/path.ts';
import { isRefusal } from '../../src/errors.ts';
import { createVerifier, isWaiting } from '../../src/token/verify.ts';
import { type Forgery, forge, part } from '../helpers/forge.ts';
import { algorithms, makeKey } from '../helpers/key.ts';
import {
  goodClaims,
  holdClock,
  holdKeys,
  issuer,
  issuerOptions,
  now,
  publish,
  reasonOf,
  type Setup,
  setUp,
  sign,
} from './fixture.ts';

const rsa = await makeKey('RS256', { kid: 'rsa' });
const ec = await makeKey('ES256', { kid: 'ec' });
const other = await makeKey('RS256', { kid: 'rsa' });

/** A verifier that knows the RSA and the EC key, and accepts RS256 unless told otherwise. */
function verifier(options: Setup['options'] = {}, rest: Setup = {}) {
  const keys = holdKeys([publish(rsa.publicKey, 'rsa'), publish(ec.publicKey, 'ec')]);
  return { keys, ...setUp({ keys, options, ...rest }) };
}

const accepted: Record<string, string> = {
  'a plain token': sign(rsa),
  'typ JWT': sign(rsa, {}, { typ: 'JWT' }),
  'typ at+jwt': sign(rsa, {}, { typ: 'at+jwt' }),
  'jwk, jku, x5u, x5c in the header, which are ignored': sign(
    rsa,
    {},
    { jwk: other.publicJwk, jku: 'https://evil.example/jwks', x5u: 'https://evil.example', x5c: ['AA'] },
  ),
  'claims that nobody knows': sign(rsa, { a: { b: [1, null] } }),
  'exp with a fraction': sign(rsa, { exp: now + 0.25 }),
};

for (const [name, token] of Object.entries(accepted)) {
  t.test(`accepts ${name}`, async (t) => {
    t.equal(reasonOf(await verifier().verify(token, null)), 'ok');
  });
}

for (const alg of algorithms) {
  t.test(`verifies ${alg}, and no other token by it`, async (t) => {
    const key = await makeKey(alg);
    const { verify } = setUp({
      keys: holdKeys([publish(key.publicKey, key.kid)]),
      options: { algorithms: [alg] },
    });
    const token = sign(key);
    t.equal(reasonOf(await verify(token, null)), 'ok');
    t.equal(reasonOf(await verify(sign(await makeKey(alg, { kid: key.kid })), null)), 'signature_invalid');
    const [header, , signature] = token.split('.');
    t.equal(
      reasonOf(await verify(`${header}.${part({ ...goodClaims, sub: 'admin' })}.${signature}`, null)),
      'signature_invalid',
    );
  });
}

t.test('verifies with an RSA key of 4096 bits', async (t) => {
  const key = await makeKey('PS512', { bits: 4096 });
  const { verify } = setUp({
    keys: holdKeys([publish(key.publicKey, key.kid)]),
    options: { algorithms: ['PS512'] },
  });
  t.equal(reasonOf(await verify(sign(key), null)), 'ok');
});

/** Of the good token, all but what is given; really signed with RS256 unless told otherwise. */
function forged(header: object, rest: Partial<Forgery> & { claims?: object } = {}): string {
  const { claims, ...forgery } = rest;
  return forge({
    header: { alg: 'RS256', kid: 'rsa', ...header },
    payload: { ...goodClaims, ...claims },
    alg: 'RS256',
    key: rsa.privateKey,
    ...forgery,
  });
}

interface Row {
  readonly name: string;
  readonly token: string;
  readonly options?: Setup['options'];
  readonly refused: string;
}

const notAllowed = 'algorithm_not_allowed';
const algorithmRows: readonly Row[] = [
  ...['none', 'None', 'nOnE', 'NONE', ''].flatMap((alg) => [
    { name: `alg "${alg}", no signature`, token: forged({ alg }, { alg: 'none' }), refused: notAllowed },
    { name: `alg "${alg}", signed`, token: forged({ alg }), refused: notAllowed },
  ]),
  { name: 'no alg', token: forged({ alg: undefined }), refused: notAllowed },
  { name: 'alg null', token: forged({ alg: null }), refused: notAllowed },
  { name: 'alg a list', token: forged({ alg: ['RS256'] }), refused: notAllowed },
  { name: 'alg in small letters', token: forged({ alg: 'rs256' }), refused: notAllowed },
  { name: 'alg with a space', token: forged({ alg: 'RS256 ' }), refused: notAllowed },
  {
    name: 'RS512 where RS256 is listed',
    token: forged({ alg: 'RS512' }, { alg: 'RS512' }),
    refused: notAllowed,
  },
  {
    name: 'PS256 where RS256 is listed',
    token: forged({ alg: 'PS256' }, { alg: 'PS256' }),
    refused: notAllowed,
  },
  { name: 'ES256 where RS256 is listed', token: sign(ec), refused: notAllowed },
  { name: 'an empty signature', token: forged({}, { alg: 'none' }), refused: 'signature_invalid' },
  { name: 'PS256 that says RS256', token: forged({}, { alg: 'PS256' }), refused: 'signature_invalid' },
  { name: 'RS512 that says RS256', token: forged({}, { alg: 'RS512' }), refused: 'signature_invalid' },
  { name: 'RS256 with an EC key', token: forged({ kid: 'ec' }), refused: 'signature_invalid' },
  {
    name: 'ES256 with an RSA key',
    token: forged({ alg: 'ES256' }),
    options: { algorithms: ['RS256', 'ES256'] },
    refused: 'signature_invalid',
  },
  {
    name: 'ES256 with r = s = 0',
    token: `${sign(ec).split('.').slice(0, 2).join('.')}.${Buffer.alloc(64).toString('base64url')}`,
    options: { algorithms: ['ES256'] },
    refused: 'signature_invalid',
  },
  {
    name: 'ES256 with a signature in DER',
    token: `${sign(ec).split('.').slice(0, 2).join('.')}.${Buffer.from('3006020101020101', 'hex').toString('base64url')}`,
    options: { algorithms: ['ES256'] },
    refused: 'signature_invalid',
  },
];

const headerRows: readonly Row[] = [
  ...[
    { crit: ['b64'], b64: true },
    { crit: ['exp'] },
    { crit: ['x'], x: 1 },
    { crit: [] },
    { crit: null },
  ].map((header) => ({
    name: JSON.stringify(header),
    token: forged(header),
    refused: 'header_not_supported',
  })),
  { name: 'b64 false', token: forged({ b64: false }), refused: 'header_not_supported' },
  {
    name: 'b64 false, critical',
    token: forged({ b64: false, crit: ['b64'] }),
    refused: 'header_not_supported',
  },
  { name: 'b64 true', token: forged({ b64: true }), refused: 'header_not_supported' },
  { name: 'zip', token: forged({ zip: 'DEF' }), refused: 'header_not_supported' },
  { name: 'zip null', token: forged({ zip: null }), refused: 'header_not_supported' },
  { name: 'five parts', token: `${forged({})}.a.b`, refused: 'header_not_supported' },
];

const otherTypes = ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'rt+jwt'];
const typeRows: readonly Row[] = [
  ...otherTypes.flatMap((typ) =>
    [typ, typ.toUpperCase(), `application/${typ}`, `Application/${typ}`].map((spelling) => ({
      name: `typ ${spelling}`,
      token: forged({ typ: spelling }),
      refused: 'type_mismatch',
    })),
  ),
  ...[1, null, {}, ['JWT'], false].map((typ) => ({
    name: `typ ${JSON.stringify(typ)}`,
    token: forged({ typ }),
    refused: 'type_mismatch',
  })),
  ...[undefined, 'JWT', 'at', '+jwt', 'at+jwt ', 'text/at+jwt', ''].map((typ) => ({
    name: `typ ${JSON.stringify(typ)} where at+jwt is asked for`,
    token: forged({ typ }, { claims: { client_id: 'a', jti: 'b' } }),
    options: { tokenType: 'at+jwt' },
    refused: 'type_mismatch',
  })),
  ...['at+jwt', 'AT+JWT', 'application/at+jwt', 'APPLICATION/At+Jwt'].map((typ) => ({
    name: `typ ${typ} where at+jwt is asked for`,
    token: forged({ typ }, { claims: { client_id: 'a', jti: 'b' } }),
    options: { tokenType: 'at+jwt' },
    refused: 'ok',
  })),
  {
    name: 'typ at+jwt without the claims that it needs',
    token: forged({ typ: 'at+jwt' }),
    options: { tokenType: 'at+jwt' },
    refused: 'claim_missing',
  },
];

const issuerRows: readonly Row[] = [
  undefined,
  null,
  '',
  `${issuer}/`,
  issuer.slice(0, -1),
  `${issuer}.evil.example`,
  issuer.toUpperCase(),
  issuer.replace('https', 'http'),
  ` ${issuer}`,
  `${issuer}\0`,
  'toString',
  '__proto__',
].map((iss) => ({
  name: `iss ${JSON.stringify(iss)}`,
  token: forged({}, { claims: { iss } }),
  refused: 'issuer_unknown',
}));

const kids = [
  '',
  'RSA',
  'rsa ',
  '../rsa',
  '/dev/null',
  'https://evil.example/jwks',
  "' OR 1=1 --",
  'a:b',
  'rsa\0',
  'rsa\r\n',
  '__proto__',
  'x'.repeat(4000),
];
const keyRows: readonly Row[] = [
  ...kids.map((kid) => ({
    name: `kid ${JSON.stringify(kid.slice(0, 30))}`,
    token: forged({ kid }),
    refused: 'key_unknown',
  })),
  { name: 'kid of 10 kB', token: forged({ kid: 'x'.repeat(10_000) }), refused: 'token_too_large' },
  { name: 'kid a number', token: forged({ kid: 1 }), refused: 'token_malformed' },
  { name: 'kid an object', token: forged({ kid: { rsa: 1 } }), refused: 'token_malformed' },
  { name: 'no kid and two keys', token: forged({ kid: undefined }), refused: 'key_unknown' },
  { name: 'the kid, but the key of somebody else', token: sign(other), refused: 'signature_invalid' },
  {
    name: 'a key of its own in the header',
    token: sign(other, {}, { jwk: other.publicJwk, kid: undefined }),
    refused: 'key_unknown',
  },
];

for (const row of [algorithmRows, headerRows, typeRows, issuerRows, keyRows].flat()) {
  t.test(`${row.name}: ${row.refused}`, async (t) => {
    const { verify, cached, stats } = verifier(row.options);
    t.equal(reasonOf(await verify(row.token, null)), row.refused);
    if (row.refused === 'ok') return;
    t.equal(cached(row.token), undefined);
    t.equal(stats().entries, 0, 'a refusal is not kept');
  });
}

t.test('the first failure answers, in the order of the contract', async (t) => {
  // Each row has the fault of its name and all the faults of the rows after it.
  const faults: { name: string; header?: object; claims?: object }[] = [
    { name: 'token_malformed', claims: { iss: [] } },
    { name: 'algorithm_not_allowed', header: { alg: 'HS256' } },
    { name: 'header_not_supported', header: { crit: [] } },
    { name: 'type_mismatch', header: { typ: 'dpop+jwt' } },
    { name: 'issuer_unknown', claims: { iss: 'https://evil.example' } },
    { name: 'key_unknown', header: { kid: 'x' } },
    { name: 'signature_invalid' },
    { name: 'token_malformed', claims: { sub: 1 } },
    { name: 'token_expired', claims: { exp: 1 } },
    { name: 'token_not_yet_valid', claims: { nbf: now + 100 } },
    { name: 'token_lifetime_exceeded', claims: { iat: 1 } },
    { name: 'audience_mismatch', claims: { aud: 'x' } },
    { name: 'claim_missing' },
    { name: 'claim_mismatch', claims: { a: 1 } },
    { name: 'type_mismatch', claims: { events: {} } },
    { name: 'binding_mismatch', claims: { cnf: {} } },
  ];
  const signatureAt = faults.findIndex(({ name }) => name === 'signature_invalid');
  const missingAt = faults.findIndex(({ name }) => name === 'claim_missing');
  const { verify } = verifier({
    maxLifetime: 7_200_000,
    requiredClaims: ['tid'],
    claims: { a: { equals: 2 } },
  });
  for (const [at, { name }] of faults.entries()) {
    const rest = faults.slice(at).reverse();
    const good = at > missingAt ? { tid: 'a', a: 2 } : {};
    const token = forged(Object.assign({}, ...rest.map(({ header }) => header)), {
      claims: Object.assign({ ...good }, ...rest.map(({ claims }) => claims)),
      ...(at <= signatureAt && { key: other.privateKey }),
    });
    t.equal(reasonOf(await verify(token, null)), name);
  }
});

t.test('no claim but iss is read before the signature holds', async (t) => {
  const { verify } = verifier({ requiredClaims: ['tid'] });
  for (const claims of [{ exp: 1 }, { exp: 'x' }, { aud: [1] }, { cnf: {} }, { sub: 1 }, { tid: null }]) {
    t.equal(reasonOf(await verify(sign(other, claims), null)), 'signature_invalid');
  }
});

t.test('keys are bound to their issuer', async (t) => {
  const a = issuerOptions({ issuer: 'https://a.example' });
  const b = issuerOptions({ issuer: 'https://b.example' });
  const { verify } = setUp({
    issuers: [
      { options: a, keys: holdKeys([publish(rsa.publicKey, 'rsa')]) },
      { options: b, keys: holdKeys([publish(other.publicKey, 'rsa')]) },
    ],
  });
  t.equal(reasonOf(await verify(sign(rsa, { iss: a.issuer }), null)), 'ok');
  t.equal(reasonOf(await verify(sign(other, { iss: b.issuer }), null)), 'ok');
  t.equal(reasonOf(await verify(sign(rsa, { iss: b.issuer }), null)), 'signature_invalid');
  t.equal(reasonOf(await verify(sign(other, { iss: a.issuer }), null)), 'signature_invalid');
});

t.test('algorithms are those of the issuer, or of any where the issuer is unknown', async (t) => {
  const { verify } = setUp({
    issuers: [
      { options: issuerOptions({ issuer: 'https://a.example' }), keys: holdKeys([]) },
      { options: issuerOptions({ issuer: 'https://b.example', algorithms: ['ES256'] }), keys: holdKeys([]) },
    ],
  });
  t.strictSame(await verify(sign(ec, { iss: 'https://a.example' }), null), {
    refused: 'algorithm_not_allowed',
    issuer: 'https://a.example',
    kid: 'ec',
  });
  t.strictSame(await verify(sign(ec, { iss: 'https://c.example' }), null), {
    refused: 'issuer_unknown',
    kid: 'ec',
  });
  t.strictSame(await verify(forged({ alg: 'PS256' }, { claims: { iss: 'https://c.example' } }), null), {
    refused: 'algorithm_not_allowed',
    kid: 'rsa',
  });
});

t.test('a rule may accept fewer issuers', async (t) => {
  const { keys, verify, cached } = verifier();
  const token = sign(rsa);
  const refusal = { refused: 'issuer_unknown', uncounted: true, issuer, kid: 'rsa' };
  t.strictSame(await verify(token, new Set(['https://a.example'])), refusal);
  t.strictSame(await verify(token, new Set()), refusal);
  t.strictSame(keys.asked, [], 'no key was looked for');
  t.equal(reasonOf(await verify(token, new Set([issuer]))), 'ok');
  t.equal(cached(token)?.issuer, issuer, 'and says what the caller has to compare');
});

t.test('what the keys refuse is passed on, with issuer and kid', async (t) => {
  const answers = [
    { refused: 'keys_unavailable', retryAfter: 7 } as const,
    { refused: 'key_unknown' } as const,
  ];
  for (const answer of answers) {
    for (const found of [answer, Promise.resolve(answer)]) {
      const { verify } = verifier({}, { keys: { find: () => found, usable: () => true } });
      t.strictSame(await verify(sign(rsa), null), { ...answer, issuer, kid: 'rsa' });
    }
  }
});

t.test('a key that keys had to fetch serves like one at hand', async (t) => {
  const fetched = Promise.resolve([publish(rsa.publicKey, 'rsa')]);
  const { verify } = verifier({}, { keys: { find: () => fetched, usable: () => true } });
  t.equal(reasonOf(await verify(sign(rsa), null)), 'ok');
});

t.test('a token whose key is fetched is not verified before that is asked for', async (t) => {
  const withdrawn = publish(rsa.publicKey, 'rsa');
  let looked = 0;
  const watched = {
    ...withdrawn,
    forAlgorithm: () => {
      looked++;
      return rsa.publicKey;
    },
  };
  const { verify } = createVerifier({
    issuers: [{ options: issuerOptions(), keys: { find: async () => [watched], usable: () => true } }],
    maxSize: 8192,
    cache: { maxEntries: 10, maxBytes: 100_000, maxAge: 1000 },
    integerClaims: [],
    kept: new Set(),
    clock: holdClock(),
    prepare: () => null,
  });
  const outcome = verify(sign(rsa), null);
  if (!isWaiting(outcome)) return t.fail('it does not wait');
  await outcome.until;
  t.equal(looked, 0, 'its signature has not been looked at');
  t.match(outcome.finish(), { issuer, expiresAt: Number });
  t.equal(looked, 1);
});

t.test('a token is verified in the same turn where its key is at hand', async (t) => {
  const verified: string[] = [];
  const { verify } = createVerifier({
    issuers: [{ options: issuerOptions(), keys: holdKeys([publish(rsa.publicKey, 'rsa')]) }],
    maxSize: 8192,
    cache: { maxEntries: 0, maxBytes: 0, maxAge: 0 },
    integerClaims: [],
    kept: new Set(),
    clock: holdClock(),
    prepare: () => null,
    onVerified: (digest) => verified.push(digest.toString('hex')),
  });
  const token = sign(rsa);
  t.match(verify(token, null), { issuer, expiresAt: Number });
  t.match(verify(sign(other), null), { refusal: { refused: 'signature_invalid' } });
  t.match(verify(sign(rsa, { exp: 1 }), null), { refusal: { refused: 'token_expired' } });
  t.strictSame(verified, [hash('sha256', token)], 'and said to be verified, without a cache too');
});

t.test(
  'what is refused once the signature holds does not count, and what is never verified does',
  async (t) => {
    const { verify } = verifier(
      { maxLifetime: 7_200_000, requiredClaims: ['tid'], claims: { azp: { equals: 'web' } } },
      { integerClaims: [compileClaimPath('n')] },
    );
    const good = { tid: 'a', azp: 'web' };
    const uncounted: Readonly<Record<string, string>> = {
      'a sub that is a number': sign(rsa, { ...good, sub: 7 }),
      'an exp in quotes': sign(rsa, { ...good, exp: String(now + 60) }),
      'an aud of numbers': sign(rsa, { ...good, aud: [1] }),
      'a jti that is a list': sign(rsa, { ...good, jti: [] }),
      'an integer that is too large': forged(
        {},
        { payload: `${JSON.stringify({ ...goodClaims, ...good }).slice(0, -1)},"n":9007199254740993}` },
      ),
      'a token that has expired': sign(rsa, { ...good, exp: 1 }),
      'a token of another audience': sign(rsa, { ...good, aud: 'x' }),
      'a token without a claim': sign(rsa, { azp: 'web' }),
      'a claim of another value': sign(rsa, { ...good, azp: 'x' }),
      'a logout token': sign(rsa, { ...good, events: {} }),
      'a bound token': sign(rsa, { ...good, cnf: {} }),
    };
    for (const [name, token] of Object.entries(uncounted)) {
      const refusal = await verify(token, null);
      t.match(refusal, { refused: String, uncounted: true }, name);
    }
    const counted: Readonly<Record<string, string>> = {
      'the signature of another key': sign(other, { ...good, sub: 7 }),
      'a payload that is no object': forged({}, { payload: '[]' }),
      'an iss that is a number': sign(rsa, { ...good, iss: 7 }),
      'an issuer that is not configured': sign(rsa, { ...good, iss: 'https://evil.example' }),
      'an unknown key': sign(rsa, good, { kid: 'x' }),
    };
    for (const [name, token] of Object.entries(counted)) {
      const refusal = await verify(token, null);
      t.match(refusal, { refused: String }, name);
      t.notOk('uncounted' in refusal, `${name}: counts`);
    }
  },
);

t.test('of several keys with one kid each is tried', async (t) => {
  const keys = holdKeys([
    publish(other.publicKey, 'rsa'),
    publish(ec.publicKey, 'rsa'),
    publish(rsa.publicKey, 'rsa'),
  ]);
  t.equal(reasonOf(await verifier({}, { keys }).verify(sign(rsa), null)), 'ok');
});

t.test('a key that cannot be read is passed over', async (t) => {
  const broken = {
    kid: 'rsa',
    withdrawn: false,
    forAlgorithm: () => undefined,
  };
  const both = holdKeys([broken, publish(rsa.publicKey, 'rsa')]);
  t.equal(reasonOf(await verifier({}, { keys: both }).verify(sign(rsa), null)), 'ok');
  t.equal(
    reasonOf(await verifier({}, { keys: holdKeys([broken]) }).verify(sign(rsa), null)),
    'signature_invalid',
  );
});

t.test('without kid each key that fits is tried', async (t) => {
  const token = forged({ kid: undefined });
  const verdict = async (...publicKeys: KeyObject[]) => {
    const keys = { find: () => publicKeys.map((each) => publish(each, undefined)), usable: () => true };
    return verifier({}, { keys }).verify(token, null);
  };
  t.equal(reasonOf(await verdict(rsa.publicKey)), 'ok');
  t.equal(reasonOf(await verdict(other.publicKey, ec.publicKey, rsa.publicKey)), 'ok');
  const refusal = { refused: 'key_unknown', issuer };
  t.strictSame(
    await verdict(other.publicKey, ec.publicKey),
    refusal,
    'and none of them is known to have signed',
  );
  t.strictSame(await verdict(other.publicKey), refusal, 'one key is no exception');
  t.strictSame(await verdict(), refusal);
});

t.test('a key of one tenant verifies the tokens of that tenant alone', async (t) => {
  const key = { ...publish(rsa.publicKey, 'rsa'), tenant: 'tenant-a' };
  const { verify } = verifier({}, { keys: holdKeys([key]) });
  const claims = (tid: unknown) => sign(rsa, { tid });
  t.equal(reasonOf(await verify(claims('tenant-a'), null)), 'ok');
  const refusal = { refused: 'key_unknown', uncounted: true, issuer, kid: 'rsa' };
  for (const tid of ['tenant-b', 'TENANT-A', 'tenant-a ', '', null, undefined, ['tenant-a'], 7, {}])
    t.strictSame(await verify(claims(tid), null), refusal, JSON.stringify(tid));
  t.equal(
    reasonOf(await verify(sign(other, { tid: 'tenant-b' }), null)),
    'signature_invalid',
    'the claim is not read before the signature holds',
  );
});

t.test('keys are asked for once their turn has come, with the kid as it came', async (t) => {
  const { keys, verify } = verifier();
  await verify(forged({ alg: 'HS256' }), null);
  await verify(forged({ crit: [] }), null);
  await verify(forged({}, { claims: { iss: 'x' } }), null);
  t.strictSame(keys.asked, []);
  await verify(forged({ kid: '../a\r\n' }), null);
  t.strictSame(keys.asked, ['../a\r\n']);
});

t.test('says what a token said', async (t) => {
  const { verify, cached } = verifier();
  const token = sign(rsa, { scope: 'read write', nbf: now });
  const verified = await verify(token, null);
  if (isRefusal(verified)) return t.fail(verified.refused);
  t.match(verified, {
    issuer,
    kid: 'rsa',
    prepared: 'user-1',
    notBefore: now * 1000 - 5000,
    expiresAt: (now + 3600) * 1000 + 5000,
    fingerprint: /^[0-9a-f]{8}$/,
  });
  t.strictSame([...verified.scopes], ['read', 'write']);
  t.equal(cached(token), verified);
});

t.test('a verdict keeps the claims that are looked at again, and no others', async (t) => {
  const { verify } = verifier({}, { kept: new Set(['sub', 'toString', 'missing']) });
  const verified = await verify(sign(rsa), null);
  if (isRefusal(verified)) return t.fail(verified.refused);
  t.strictSame(Object.entries(verified.claims), [['sub', goodClaims.sub]]);
});

t.test('what is prepared is prepared once a verified token, and never for another', async (t) => {
  const prepared: string[] = [];
  const { verify, cached } = createVerifier({
    issuers: [{ options: issuerOptions(), keys: holdKeys([publish(rsa.publicKey, 'rsa')]) }],
    maxSize: 8192,
    cache: { maxEntries: 10, maxBytes: 100_000, maxAge: 1000 },
    integerClaims: [],
    kept: new Set(),
    clock: holdClock(),
    prepare: ({ claims }) => prepared.push(String(claims.sub)),
  });
  await verify(sign(other), null);
  await verify(sign(rsa, { exp: 1 }), null);
  t.strictSame(prepared, []);
  const token = sign(rsa);
  await verify(token, null);
  cached(token);
  cached(token);
  t.strictSame(prepared, ['user-1']);
});

t.test('an integer that would be read wrong refuses the token only where it is read', async (t) => {
  const payload = `${JSON.stringify(goodClaims).slice(0, -1)},"n":9007199254740993}`;
  const token = forged({}, { payload });
  t.equal(reasonOf(await verifier().verify(token, null)), 'ok');
  const strict = verifier({}, { integerClaims: [compileClaimPath('n')] });
  t.equal(reasonOf(await strict.verify(token, null)), 'token_malformed');
});

t.test('a character beyond a byte is not taken for its low byte', async (t) => {
  const { verify } = verifier();
  const token = sign(rsa);
  for (const place of [0, token.indexOf('.') + 1, token.length - 1]) {
    const alike = String.fromCharCode(token.charCodeAt(place) + 0x100);
    t.equal(
      reasonOf(await verify(token.slice(0, place) + alike + token.slice(place + 1), null)),
      'token_malformed',
    );
  }
});

t.test('oversized tokens are refused undecoded', async (t) => {
  const { keys, verify } = verifier({}, { maxSize: 300 });
  t.equal(reasonOf(await verify(sign(rsa), null)), 'token_too_large');
  t.equal(reasonOf(await verify('.'.repeat(1_000_000), null)), 'token_too_large');
  t.strictSame(keys.asked, []);
});

t.test('no refusal holds any part of the token but its kid', async (t) => {
  const { verify } = verifier();
  const secret = 's3cr3t-'.repeat(3);
  for (const token of [
    secret,
    `${secret}.${secret}.${secret}`,
    sign(other, { sub: secret }),
    forged({ typ: secret, crit: [] }),
  ]) {
    t.notMatch(JSON.stringify(await verify(token, null)), secret);
  }
});
