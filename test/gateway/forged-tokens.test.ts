import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { forge, part, signature } from '../helpers/forge.ts';
import { makeKey } from '../helpers/key.ts';
import { bearer, startScene, type Verdicts } from './scene.ts';

const asBearer = (token: string) => ({ headers: bearer(token) });
/** Forged tokens would block the tests' one client. */
const unlimited = { failureLimit: null };

t.test('an algorithm that is not the issuer’s', async (t) => {
  const { issuer, ...scene } = await startScene(t, unlimited, {
    issuer: { algorithms: ['RS256', 'RS512', 'PS256', 'ES256'] },
  });
  const [rs256, rs512, ps256, es256] = issuer.keys;
  const [, payload = ''] = issuer.mint().split('.');
  const claims = Buffer.from(payload, 'base64url').toString();
  const unsigned = (alg: unknown) => `${part({ alg, typ: 'JWT' })}.${payload}.`;
  const table: Verdicts<string> = {
    algorithm_not_allowed: {
      none: unsigned('none'),
      None: unsigned('None'),
      nOnE: unsigned('nOnE'),
      'none with a signature': forge({
        header: { alg: 'none' },
        payload: claims,
        alg: 'RS256',
        key: rs256!.privateKey,
      }),
      'none, with the kid of a key': `${part({ alg: 'none', kid: rs256!.kid })}.${payload}.`,
      'no alg': forge({ header: { kid: rs256!.kid }, payload: claims, alg: 'RS256', key: rs256!.privateKey }),
      'alg as a list': issuer.mint({ header: { alg: ['RS256'] } }),
      'alg in lower case': issuer.mint({ header: { alg: 'rs256' } }),
      'RS512, published but not listed': issuer.mint({ key: rs512! }),
      'PS256, published but not listed': issuer.mint({ key: ps256! }),
      'ES256, published but not listed': issuer.mint({ key: es256! }),
      'RS512 by the key of RS256': forge({
        header: { alg: 'RS512', kid: rs256!.kid },
        payload: claims,
        alg: 'RS512',
        key: rs256!.privateKey,
      }),
      'an alg that objects are born with': issuer.mint({ header: { alg: 'constructor' } }),
    },
    signature_invalid: {
      'RS512 that calls itself RS256': forge({
        header: { alg: 'RS256', kid: rs256!.kid },
        payload: claims,
        alg: 'RS512',
        key: rs256!.privateKey,
      }),
    },
    key_unknown: {
      'RS256 by a key that is published for RS512': issuer.mint({ key: rs512!, header: { alg: 'RS256' } }),
      'RS256 with the kid of an EC key': issuer.mint({ header: { kid: es256!.kid } }),
    },
  };
  await scene.judges(t, table, asBearer);
});

t.test('the public key as an HMAC secret', async (t) => {
  const { issuer, ...scene } = await startScene(t, unlimited);
  const { publicKey, kid, publicJwk } = issuer.signingKey;
  const secrets: Record<string, string | Buffer> = {
    'the modulus': String(publicJwk.n),
    'the modulus, decoded': Buffer.from(String(publicJwk.n), 'base64url'),
    'the JWK': JSON.stringify(publicJwk),
    'the JWKS': JSON.stringify({ keys: [publicJwk] }),
    'the empty one': '',
  };
  for (const type of ['spki', 'pkcs1'] as const) {
    const pem = publicKey.export({ type, format: 'pem' }).toString();
    secrets[`${type} as PEM`] = pem;
    secrets[`${type} without the last newline`] = pem.trimEnd();
    secrets[`${type} with CR LF`] = pem.replaceAll('\n', '\r\n');
    secrets[`${type} as DER`] = publicKey.export({ type, format: 'der' });
  }
  for (const [name, key] of Object.entries(secrets)) {
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const [, payload = ''] = issuer.mint().split('.');
      const token = forge({ header: { alg, kid }, payload: Buffer.from(payload, 'base64url'), alg, key });
      await scene.refuses(t, `${alg} with ${name}`, asBearer(token), 'algorithm_not_allowed');
    }
  }
});

t.test('an ECDSA signature of zeros, CVE-2022-21449', async (t) => {
  const { issuer, ...scene } = await startScene(t, unlimited, {
    issuer: { algorithms: ['ES256'] },
    trust: { algorithms: ['ES256'] },
  });
  await scene.allows(t, 'a good one', asBearer(issuer.mint()));
  const unsigned = issuer.mint().split('.').slice(0, 2).join('.');
  const { privateKey } = issuer.signingKey;
  const sound = signature('ES256', privateKey, unsigned);
  const order = Buffer.from('FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551', 'hex');
  const signatures: Record<string, Buffer> = {
    'r = s = 0': Buffer.alloc(64),
    'r = s = n': Buffer.concat([order, order]),
    's = 0': Buffer.concat([sound.subarray(0, 32), Buffer.alloc(32)]),
    'half of it': sound.subarray(0, 32),
    'one byte more': Buffer.concat([sound, Buffer.alloc(1)]),
    'none at all': Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(signatures)) {
    const token = `${unsigned}.${bytes.toString('base64url')}`;
    await scene.refuses(t, name, asBearer(token), 'signature_invalid');
  }
});

t.test('a header that points to a key of its own', async (t) => {
  let visits = 0;
  const stranger = await makeKey();
  const keyServer = createServer((_request, response) => {
    visits += 1;
    response.end(JSON.stringify({ keys: [stranger.publicJwk] }));
  }).listen(0, '127.0.0.1');
  await once(keyServer, 'listening');
  t.teardown(() => keyServer.close());
  const url = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/jwks`;
  const { issuer, ...scene } = await startScene(t, unlimited);
  const pointers = {
    jwk: stranger.publicJwk,
    jku: url,
    x5u: url,
    x5c: [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')],
  };
  for (const [name, value] of Object.entries(pointers)) {
    const forged = issuer.mint({ key: stranger, header: { kid: issuer.signingKey.kid, [name]: value } });
    await scene.refuses(t, name, asBearer(forged), 'signature_invalid');
    const unknown = issuer.mint({ key: stranger, header: { [name]: value } });
    await scene.refuses(t, `${name} with a kid of its own`, asBearer(unknown), 'key_unknown');
    const ignored = issuer.mint({ header: { [name]: value } });
    await scene.allows(t, `${name} beside a good signature`, asBearer(ignored));
  }
  t.equal(visits, 0, 'nothing is fetched from where a token points to');
});

t.test('a kid that is not a name', async (t) => {
  const { issuer, ...scene } = await startScene(t, unlimited);
  const { kid } = issuer.signingKey;
  const table: Verdicts<unknown> = {
    key_unknown: {
      'a path': '../../../../dev/null',
      'a URL': `${issuer.url}/jwks`,
      SQL: "x' UNION SELECT 'secret' -- ",
      'a colon': 'a:b',
      'a slash': '/',
      'two dots': '..',
      NUL: `${kid}\0`,
      'CR LF': `${kid}\r\nX: y`,
      empty: '',
      'of two thousand letters': 'k'.repeat(2000),
      'what objects are born with': '__proto__',
      'in another case': kid.toUpperCase(),
    },
    token_malformed: { 'a number': 1, 'an object': { a: 1 }, 'a list': [kid], null: null, true: true },
    token_too_large: { 'of ten thousand letters': 'k'.repeat(10_000) },
  };
  await scene.judges(t, table, (kid) => asBearer(issuer.mint({ header: { kid } })));
  const lines = scene.gateway.lines.filter(({ msg }) => msg === 'request');
  t.notOk(
    lines.some(({ kid }) => /[\0-\x1f]/.test(String(kid)) || String(kid).length > 80),
    'nothing of it is logged raw or at length',
  );
});
