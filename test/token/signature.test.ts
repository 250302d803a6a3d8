import { constants, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { compactVerify } from 'jose';
import t from 'tap';
import { findSigner } from '../../src/token/signature.ts';

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const rsa = (modulusLength: number): Pair => generateKeyPairSync('rsa', { modulusLength });
const ec = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve });
const pairs: Readonly<Record<string, Pair>> = {
  'RSA of 2048 bits': rsa(2048),
  'RSA of 1024 bits': rsa(1024),
  'RSA for PSS alone': generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
  'P-256': ec('prime256v1'),
  secp256k1: ec('secp256k1'),
  'P-384': ec('secp384r1'),
  'P-521': ec('secp521r1'),
  Ed25519: generateKeyPairSync('ed25519'),
  Ed448: generateKeyPairSync('ed448'),
};
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Every way in which Node signs with a key, fit or not. */
function signatures(algorithm: string, input: Buffer, key: KeyObject): Buffer[] {
  const hash = `sha${algorithm.slice(2)}`;
  const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;
  const ways: [string | null, object][] = [
    [null, {}],
    [hash, {}],
    [hash, { dsaEncoding: 'ieee-p1363' }],
    [hash, { padding: RSA_PKCS1_PADDING }],
    [hash, { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST }],
    [hash, { padding: RSA_PKCS1_PSS_PADDING, saltLength: 20 }],
    ['sha1', { padding: RSA_PKCS1_PADDING }],
  ];
  return ways.flatMap(([hash, options]) => {
    try {
      return [sign(hash, input, { key, ...options })];
    } catch {
      return [];
    }
  });
}

/** As a token that is taken apart has them. */
function signed(input: string, signature: Buffer) {
  return { signingInput: Buffer.from(input), signature };
}

function published(key: KeyObject) {
  return { kid: 'k', withdrawn: false, forAlgorithm: () => key };
}

t.test('whatever a key signs in whatever way holds where jose says so, and nowhere else', async (t) => {
  let held = 0;
  for (const algorithm of algorithms) {
    const header = Buffer.from(JSON.stringify({ alg: algorithm })).toString('base64url');
    const input = `${header}.${Buffer.from('{}').toString('base64url')}`;
    for (const [name, { privateKey, publicKey }] of Object.entries(pairs)) {
      for (const [way, signature] of signatures(algorithm, Buffer.from(input), privateKey).entries()) {
        const token = `${input}.${signature.toString('base64url')}`;
        const expected = await compactVerify(token, publicKey, { algorithms: [algorithm] }).then(
          () => true,
          () => false,
        );
        const key = published(publicKey);
        const signer = findSigner(signed(input, signature), algorithm, [key]);
        t.equal(signer === key, expected, `${algorithm}, ${name}, way ${way}`);
        if (expected) held++;
      }
    }
  }
  t.ok(held >= algorithms.length, `${held} hold`);
});

t.test('neither a secret nor a private key is a public one', async (t) => {
  const { publicKey, privateKey } = pairs['RSA of 2048 bits'] as Pair;
  const input = 'e30.e30';
  const token = signed(input, sign('sha256', Buffer.from(input), privateKey));
  t.ok(findSigner(token, 'RS256', [published(publicKey)]));
  const secret = createSecretKey(publicKey.export({ type: 'spki', format: 'der' }));
  for (const key of [secret, privateKey]) t.equal(findSigner(token, 'RS256', [published(key)]), undefined);
  for (const algorithm of ['none', 'HS256', '', '__proto__', 'constructor', 'rs256']) {
    t.equal(findSigner(token, algorithm, [published(publicKey), published(secret)]), undefined, algorithm);
  }
});

t.test('a signature that is a byte shorter, longer or another', async (t) => {
  for (const [algorithm, name] of [
    ['RS256', 'RSA of 2048 bits'],
    ['ES256', 'P-256'],
    ['ES512', 'P-521'],
    ['EdDSA', 'Ed25519'],
  ] as const) {
    const { publicKey, privateKey } = pairs[name] as Pair;
    const input = 'e30.e30';
    const hash = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
    const good = sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const finds = (signature: Buffer) =>
      findSigner(signed(input, signature), algorithm, [published(publicKey)]) !== undefined;
    t.ok(finds(good), algorithm);
    t.notOk(finds(good.subarray(1)), `${algorithm}, shorter`);
    t.notOk(finds(good.subarray(0, -1)), `${algorithm}, shorter at its end`);
    t.notOk(finds(Buffer.concat([Buffer.of(0), good])), `${algorithm}, longer`);
    t.notOk(finds(Buffer.concat([good, Buffer.of(0)])), `${algorithm}, longer at its end`);
    t.notOk(finds(Buffer.alloc(good.length)), `${algorithm}, nothing but zeros`);
    t.notOk(finds(Buffer.alloc(0)), `${algorithm}, empty`);
  }
});
