import type { KeyObject } from 'node:crypto';
import { compactVerify, type JWK } from 'jose';
import t from 'tap';
import { type ReadOptions, readKeySet } from '../../src/keys/jwk.ts';
import type { PublishedKey } from '../../src/keys/key.ts';
import { forge } from '../helpers/forge.ts';
import { algorithms, makeKey } from '../helpers/key.ts';

const issuer = 'https://idp.example.com';
const options: ReadOptions = { issuer, algorithms, minRsaBits: 2048, maxKeys: 100 };

const [rsa, short, p256, p384, p521, ed25519] = await Promise.all([
  makeKey('RS256', { kid: 'rsa' }),
  makeKey('RS256', { kid: 'short', bits: 1024 }),
  makeKey('ES256', { kid: 'p256' }),
  makeKey('ES384', { kid: 'p384' }),
  makeKey('ES512', { kid: 'p521' }),
  makeKey('EdDSA', { kid: 'ed25519' }),
]);

/** A good key to stand beside a bad one. */
const good = p256.publicJwk;

function bare(jwk: JWK, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { use: _use, alg: _alg, ...rest } = jwk;
  return { ...rest, ...more };
}

t.test('what a key may verify', async (t) => {
  const families = {
    RSA: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
    'P-256': ['ES256'],
    'P-384': ['ES384'],
    'P-521': ['ES512'],
    Ed25519: ['EdDSA'],
  };
  const cases = [
    { name: 'RSA without alg', jwk: bare(rsa.publicJwk), fits: families.RSA },
    { name: 'RSA with alg', jwk: bare(rsa.publicJwk, { alg: 'PS384' }), fits: ['PS384'] },
    { name: 'P-256', jwk: bare(p256.publicJwk), fits: families['P-256'] },
    { name: 'P-384', jwk: bare(p384.publicJwk), fits: families['P-384'] },
    { name: 'P-521', jwk: bare(p521.publicJwk), fits: families['P-521'] },
    { name: 'Ed25519', jwk: bare(ed25519.publicJwk), fits: families.Ed25519 },
  ];
  for (const { name, jwk, fits } of cases) {
    const { keys } = await readKeySet({ keys: [jwk] }, options);
    const key = keys[0]!;
    t.same(
      algorithms.filter((algorithm) => key.fits(algorithm)),
      fits,
      name,
    );
    t.same(key.status.algorithms, fits);
    for (const algorithm of [...algorithms, 'HS256', 'none', 'constructor']) {
      if (!(fits as string[]).includes(algorithm)) t.equal(key.forAlgorithm(algorithm), undefined);
    }
  }
});

t.test('each fitting key verifies what its private half signed', async (t) => {
  for (const algorithm of algorithms) {
    const key = await makeKey(algorithm);
    const { keys } = await readKeySet({ keys: [key.publicJwk] }, options);
    const token = forge({ header: { alg: algorithm }, payload: {}, alg: algorithm, key: key.privateKey });
    const imported = keys[0]!.forAlgorithm(algorithm) as KeyObject;
    await t.resolves(compactVerify(token, imported, { algorithms: [algorithm] }), algorithm);
    t.equal(keys[0]!.forAlgorithm(algorithm), imported, 'it is imported once');
  }
});

t.test('a key that cannot be used is skipped, and the good one beside it serves', async (t) => {
  const { n } = rsa.publicJwk;
  const rotten: { name: string; jwk: unknown; why: RegExp; kid?: string | null }[] = [
    { name: 'null', jwk: null, why: /not an object/, kid: null },
    { name: 'a string', jwk: 'key', why: /not an object/, kid: null },
    { name: 'a list', jwk: [good], why: /not an object/, kid: null },
    { name: 'an empty object', jwk: {}, why: /fits none/, kid: null },
    { name: 'kid a number', jwk: { ...rsa.publicJwk, kid: 7 }, why: /kid/, kid: null },
    {
      name: 'oct',
      jwk: { kty: 'oct', k: 'c2VjcmV0', kid: 'oct', alg: 'HS256' },
      why: /symmetric/,
      kid: 'oct',
    },
    {
      name: 'oct that claims RS256',
      jwk: { kty: 'oct', k: 'c2VjcmV0', alg: 'RS256' },
      why: /symmetric/,
      kid: null,
    },
    { name: 'use enc', jwk: { ...rsa.publicJwk, use: 'enc' }, why: /use/, kid: 'rsa' },
    { name: 'use a list', jwk: { ...rsa.publicJwk, use: ['sig'] }, why: /use/, kid: 'rsa' },
    { name: 'key_ops encrypt', jwk: { ...rsa.publicJwk, key_ops: ['encrypt'] }, why: /key_ops/ },
    { name: 'key_ops a string', jwk: { ...rsa.publicJwk, key_ops: 'verify' }, why: /key_ops/ },
    { name: 'alg of another family', jwk: { ...rsa.publicJwk, alg: 'ES256' }, why: /fits none/ },
    { name: 'alg RSA-OAEP', jwk: { ...rsa.publicJwk, alg: 'RSA-OAEP' }, why: /fits none/ },
    { name: 'alg HS256', jwk: { ...rsa.publicJwk, alg: 'HS256' }, why: /fits none/ },
    { name: 'alg none', jwk: { ...rsa.publicJwk, alg: 'none' }, why: /fits none/ },
    { name: 'kty in lower case', jwk: { ...rsa.publicJwk, kty: 'rsa' }, why: /fits none/ },
    { name: 'X25519', jwk: { kty: 'OKP', crv: 'X25519', x: ed25519.publicJwk.x }, why: /fits none/ },
    { name: 'secp256k1', jwk: { ...bare(p256.publicJwk), crv: 'secp256k1' }, why: /fits none/ },
    { name: '1024 bits', jwk: short.publicJwk, why: /1024 bits/, kid: 'short' },
    {
      name: '1024 bits after zeros',
      jwk: { ...rsa.publicJwk, n: padded(short.publicJwk.n!) },
      why: /1024 bits/,
    },
    { name: 'exponent 1', jwk: { ...rsa.publicJwk, e: 'AQ' }, why: /exponent/ },
    { name: 'exponent 2', jwk: { ...rsa.publicJwk, e: 'Ag' }, why: /exponent/ },
    { name: 'an even exponent', jwk: { ...rsa.publicJwk, e: 'AQAA' }, why: /exponent/ },
    { name: 'an exponent of 65 bits', jwk: { ...rsa.publicJwk, e: 'AQAAAAAAAAAB' }, why: /exponent/ },
    { name: 'an even modulus', jwk: { ...rsa.publicJwk, n: even(rsa.publicJwk.n!) }, why: /modulus is even/ },
    { name: 'a modulus of 16,392 bits', jwk: { ...rsa.publicJwk, n: long(16_392) }, why: /16392 bits, more/ },
    { name: 'exponent 0', jwk: { ...rsa.publicJwk, e: 'AA' }, why: /exponent|valid key/ },
    { name: 'no exponent', jwk: { kty: 'RSA', n, kid: 'no-e' }, why: /valid key/, kid: 'no-e' },
    { name: 'no modulus', jwk: { ...rsa.publicJwk, n: '' }, why: /valid key|bits/ },
    { name: 'modulus a number', jwk: { ...rsa.publicJwk, n: 5 }, why: /valid key/ },
    { name: 'a point off the curve', jwk: { ...p256.publicJwk, y: p256.publicJwk.x }, why: /valid key/ },
    { name: 'half a point', jwk: { ...p256.publicJwk, y: undefined }, why: /valid key/ },
    { name: 'a short Ed25519 key', jwk: { ...ed25519.publicJwk, x: 'AAAA' }, why: /valid key/ },
  ];
  for (const { name, jwk, why, kid } of rotten) {
    const { keys, skipped } = await readKeySet({ keys: [jwk, good] }, options);
    t.same(
      keys.map((key) => key.kid),
      ['p256'],
      name,
    );
    t.equal(skipped.length, 1);
    t.match(skipped[0]?.why, why, name);
    if (kid !== undefined) t.equal(skipped[0]?.kid, kid, name);
  }
});

t.test('algorithms that are not configured', async (t) => {
  const { keys, skipped } = await readKeySet(
    { keys: [bare(rsa.publicJwk), p256.publicJwk, ed25519.publicJwk] },
    { ...options, algorithms: ['RS256'] },
  );
  t.same(
    keys.map((key) => key.status.algorithms),
    [['RS256']],
  );
  t.notOk(keys[0]?.fits('PS256'));
  t.same(
    skipped.map(({ kid }) => kid),
    ['p256', 'ed25519'],
  );
});

t.test('minRsaBits', async (t) => {
  const document = { keys: [rsa.publicJwk] };
  t.equal((await readKeySet(document, options)).keys.length, 1);
  await t.rejects(readKeySet(document, { ...options, minRsaBits: 3072 }), {
    code: 'no_usable_key',
    message: /2048 bits/,
  });
});

t.test('a key that is published with its private half serves nobody', async (t) => {
  for (const key of [rsa, p256, ed25519]) {
    const jwk = { ...(key.privateKey.export({ format: 'jwk' }) as JWK), kid: key.kid };
    const { keys, skipped } = await readKeySet({ keys: [jwk, p384.publicJwk] }, options);
    t.same(
      keys.map(({ kid }) => kid),
      ['p384'],
    );
    t.match(skipped, [{ kid: key.kid, why: /private half/ }]);
    t.notMatch(JSON.stringify(skipped), jwk.d!, 'nothing private is in what is shown');
  }
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
    const { skipped } = await readKeySet({ keys: [{ ...rsa.publicJwk, [member]: 'AQAB' }, good] }, options);
    t.match(skipped, [{ why: /private half/ }], member);
  }
});

t.test('a member that is null is not there', async (t) => {
  const members = ['kid', 'alg', 'use', 'key_ops', 'x5c', 'x5t', 'x5u', 'issuer', 'd', 'k', 'oth'];
  const nulls = Object.fromEntries(members.map((member) => [member, null]));
  for (const name of [...members, 'all of them']) {
    const jwk = { ...rsa.publicJwk, ...(name === 'all of them' ? nulls : { [name]: null }) };
    const { keys, skipped } = await readKeySet({ keys: [jwk] }, options);
    t.same([keys.length, skipped], [1, []], name);
    if (name === 'kid') t.equal(keys[0]?.kid, undefined, 'so it has no kid');
    if (name === 'alg') t.ok(keys[0]?.fits('PS512'), 'so it is for every RSA algorithm');
  }
  const { keys } = await readKeySet({ keys: [{ ...rsa.publicJwk, ...nulls }] }, options);
  t.same(keys[0]?.status.algorithms.length, 6);
  for (const member of ['kty', 'n', 'e'])
    await t.rejects(readKeySet({ keys: [{ ...rsa.publicJwk, [member]: null }] }, options), {
      code: 'no_usable_key',
    });
});

t.test('EdDSA and Ed25519 are one algorithm, whoever says which', async (t) => {
  const names = ['EdDSA', 'Ed25519', undefined];
  for (const alg of names) {
    for (const configured of ['EdDSA', 'Ed25519']) {
      const { keys } = await readKeySet(
        { keys: [bare(ed25519.publicJwk, { alg })] },
        { ...options, algorithms: ['RS256', configured] },
      );
      t.ok(keys[0]?.fits('EdDSA') && keys[0].fits('Ed25519'), `alg ${alg}, algorithms ${configured}`);
      t.same(keys[0]?.status.algorithms, [configured], 'shown as it is configured');
      t.notOk(keys[0]?.fits('RS256'));
    }
  }
  for (const alg of ['Ed448', 'ed25519', 'eddsa', 'ECDH-ES'])
    await t.rejects(readKeySet({ keys: [bare(ed25519.publicJwk, { alg })] }, options), /no usable key/, alg);
  const curve = { ...bare(ed25519.publicJwk), crv: 'Ed448', alg: 'EdDSA' };
  await t.rejects(readKeySet({ keys: [curve] }, options), /no usable key/, 'Ed448 under the common name');
});

t.test('a use of jwt-svid is that of a signature key, and no other use is', async (t) => {
  t.equal((await readKeySet({ keys: [{ ...rsa.publicJwk, use: 'jwt-svid' }] }, options)).keys.length, 1);
  for (const use of ['x509-svid', 'enc', 'SIG', 'jwt-svid ', ''])
    await t.rejects(readKeySet({ keys: [{ ...rsa.publicJwk, use }] }, options), /its use is not sig/, use);
});

t.test('a key that names its own issuer serves that issuer alone', async (t) => {
  const cloud = 'https://login.microsoftonline.com';
  const tenant = '8f2b6d0e-51a7-4c39-9d84-0c1e7a5b3f62';
  const own = `${cloud}/${tenant}/v2.0`;
  const cases: { name: string; named: unknown; issuer?: string; tenant?: string | undefined }[] = [
    { name: 'the issuer itself', named: own, tenant: undefined },
    { name: 'null', named: null, tenant: undefined },
    { name: 'a template', named: `${cloud}/{tenantid}/v2.0`, tenant },
    { name: 'a template in another case', named: `${cloud}/{tenantId}/v2.0`, tenant },
    { name: 'a template that has it twice', named: '{tenantid}/{tenantid}', issuer: 'aa/aa', tenant: 'aa' },
    { name: 'a template with two tenants', named: '{tenantid}/{tenantid}', issuer: 'aa/bb' },
    { name: 'another tenant', named: `${cloud}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0` },
    { name: 'a slash more', named: `${own}/` },
    { name: 'another case', named: own.toUpperCase() },
    { name: 'version 1', named: `https://sts.windows.net/{tenantid}/` },
    { name: 'a template that is longer', named: `${cloud}/{tenantid}/v2.0/more` },
    { name: 'a template of another host', named: 'https://evil.example/{tenantid}/v2.0' },
    { name: 'a template for more than a segment', named: 'https://{tenantid}' },
    {
      name: 'a template without a tenant',
      named: 'https://a.example/{tenantid}',
      issuer: 'https://a.example/',
    },
    { name: 'nothing', named: '' },
    { name: 'a number', named: 7 },
    { name: 'a list', named: [own] },
  ];
  for (const { name, named, issuer = own, ...expected } of cases) {
    const published = { keys: [{ ...rsa.publicJwk, issuer: named }, good] };
    const { keys, skipped } = await readKeySet(published, { ...options, issuer });
    if ('tenant' in expected) {
      t.same(skipped, [], name);
      t.equal(keys[0]?.tenant, expected.tenant, name);
    } else t.match(skipped, [{ kid: 'rsa', why: 'it names another issuer as its own' }], name);
  }
});

t.test('a key that its issuer binds to another tenant is another key', async (t) => {
  const bound = { ...good, issuer: 'https://a.example/{tenantid}' };
  const of = (issuer: string, known: readonly PublishedKey[] = []) =>
    readKeySet({ keys: [bound] }, { ...options, issuer, known });
  const [before] = (await of('https://a.example/x')).keys;
  t.equal((await of('https://a.example/x', [before!])).keys[0], before);
  const free = await readKeySet({ keys: [good] }, { ...options, known: [before!] });
  t.not(free.keys[0], before);
});

t.test('where no key fits the algorithms, both are said', async (t) => {
  const cases: { keys: object[]; algorithms: string[]; message: string }[] = [
    { keys: [rsa.publicJwk], algorithms: ['ES256'], message: 'its keys are RS256; algorithms is [ES256]' },
    {
      keys: [rsa.publicJwk, p384.publicJwk, { ...rsa.publicJwk, use: 'enc', alg: 'RSA-OAEP' }],
      algorithms: ['ES256', 'PS256'],
      message: 'its keys are RS256, ES384; algorithms is [ES256, PS256]',
    },
    {
      keys: [bare(rsa.publicJwk)],
      algorithms: ['ES256'],
      message: 'its keys are RSA; algorithms is [ES256]',
    },
    {
      keys: [bare(p256.publicJwk)],
      algorithms: ['RS256'],
      message: 'its keys are ES256; algorithms is [RS256]',
    },
    {
      keys: [bare(ed25519.publicJwk)],
      algorithms: ['RS256'],
      message: 'its keys are EdDSA; algorithms is [RS256]',
    },
  ];
  for (const { keys, algorithms, message } of cases) {
    const error = await readKeySet({ keys }, { ...options, algorithms }).catch((error: unknown) => error);
    t.match(error, { code: 'no_usable_key', message: `the set has no usable key: ${message}` });
  }
});

t.test('an error quotes nothing of a key', async (t) => {
  const secret = 'c2VjcmV0LW1hdGVyaWFs';
  const published = {
    keys: [
      { kty: 'oct', k: secret },
      { ...rsa.publicJwk, d: secret, use: secret, alg: secret },
    ],
  };
  const error = await readKeySet(published, options).catch((error: unknown) => error);
  t.type(error, Error);
  t.notMatch(`${(error as Error).message} ${(error as Error).stack}`, secret);
  const { skipped } = await readKeySet({ keys: [...published.keys, good] }, options);
  t.notMatch(JSON.stringify(skipped), secret);
});

t.test('documents that are no key set', async (t) => {
  const cases = [
    { name: 'null', document: null, code: 'not_key_set' },
    { name: 'a list', document: [good], code: 'not_key_set' },
    { name: 'a string', document: 'keys', code: 'not_key_set' },
    { name: 'an error object', document: { error: 'not_found' }, code: 'not_key_set' },
    { name: 'keys an object', document: { keys: { 0: good, length: 1 } }, code: 'not_key_set' },
    { name: 'a lone key', document: good, code: 'not_key_set' },
    { name: 'empty', document: { keys: [] }, code: 'no_usable_key' },
    { name: 'nothing usable', document: { keys: [short.publicJwk, null] }, code: 'no_usable_key' },
    { name: 'too many', document: { keys: Array(101).fill(good) }, code: 'too_many_keys' },
  ];
  for (const { name, document, code } of cases) {
    await t.rejects(readKeySet(document, options), { name: 'FetchError', code }, name);
  }
  t.equal((await readKeySet({ keys: Array(100).fill(good) }, options)).keys.length, 1, 'as many as allowed');
});

t.test('keys that share a kid are all kept, and one listed twice is one', async (t) => {
  const twin = { ...(await makeKey('ES256')).publicJwk, kid: 'p256' };
  const { keys } = await readKeySet({ keys: [good, twin, good] }, options);
  t.same(
    keys.map(({ kid }) => kid),
    ['p256', 'p256'],
  );
  t.not(keys[0], keys[1]);
});

t.test('a key that is published unchanged stays the same object', async (t) => {
  const before = await readKeySet({ keys: [rsa.publicJwk, good] }, options);
  const known = before.keys;
  const next = (keys: unknown[]) => readKeySet({ keys }, { ...options, known });
  const reordered = await next([{ ...good, x5t: 'new' }, rsa.publicJwk]);
  t.equal(reordered.keys[0], known[1]);
  t.equal(reordered.keys[1], known[0]);
  const changed = [
    { name: 'another kid', jwk: { ...good, kid: 'other' } },
    { name: 'no kid', jwk: { ...good, kid: undefined } },
    { name: 'another key under the kid', jwk: { ...(await makeKey('ES256')).publicJwk, kid: 'p256' } },
  ];
  for (const { name, jwk } of changed) t.notOk(known.includes((await next([jwk])).keys[0]!), name);
  const rebound = await next([{ ...rsa.publicJwk, alg: 'RS512' }]);
  t.notOk(known.includes(rebound.keys[0]!), 'bound to another alg');
});

t.test('a key without kid has none', async (t) => {
  const { keys } = await readKeySet({ keys: [{ ...good, kid: undefined }] }, options);
  t.equal(keys[0]?.kid, undefined);
  t.equal(keys[0]?.status.kid, null);
});

/** The same number with zeros before it, as long as one of 2048 bits. */
function padded(n: string): string {
  return Buffer.concat([Buffer.alloc(128), Buffer.from(n, 'base64url')]).toString('base64url');
}

/** The same number, less one. */
function even(n: string): string {
  const bytes = Buffer.from(n, 'base64url');
  bytes[bytes.length - 1] = (bytes.at(-1) as number) & 0xfe;
  return bytes.toString('base64url');
}

/** An odd number of so many bits. */
function long(bits: number): string {
  return Buffer.alloc(bits / 8, 0xff).toString('base64url');
}
