import type { KeyObject } from 'node:crypto';
import t from 'tap';
import { forge } from '../helpers/forge.ts';
import { makeKey, type TestKey } from '../helpers/key.ts';
import { goodClaims, holdKeys, publish, reasonOf, setUp } from './fixture.ts';

// CVE-2015-9235 and its kin: a public key taken for the secret of an HMAC.

/** Everything that a library may have taken for the bytes of a public key. */
function spellings({ publicKey, publicJwk }: TestKey): Record<string, string | Uint8Array> {
  const { kty, n, e, crv, x, y } = publicJwk;
  const required = JSON.parse(JSON.stringify(n ? { e, kty, n } : { crv, kty, x, y }));
  const jwks: Record<string, object> = {
    'the JWK': publicJwk,
    'the JWK, required members': required,
    'the JWK, as Node exports it': publicKey.export({ format: 'jwk' }),
    'the JWKS': { keys: [publicJwk] },
  };
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(jwks)) {
    texts[name] = JSON.stringify(value);
    texts[`${name}, indented`] = JSON.stringify(value, null, 2);
  }
  for (const [name, value] of Object.entries({ n, x, y })) {
    if (value !== undefined) texts[`the member ${name}`] = value;
  }
  const bytes: Record<string, Uint8Array> = {};
  for (const type of exportTypes(publicKey)) {
    const pem = publicKey.export({ type, format: 'pem' }) as string;
    const body = pem.replace(/-----[^-]+-----|\s/g, '');
    texts[`${type} in PEM`] = pem;
    texts[`${type} in PEM without the last newline`] = pem.trimEnd();
    texts[`${type} in PEM with two newlines`] = `${pem}\n`;
    texts[`${type} in PEM with CRLF`] = pem.replaceAll('\n', '\r\n');
    texts[`${type} in PEM on one line`] = pem.replaceAll('\n', '');
    texts[`${type} in PEM with its newlines escaped`] = pem.replaceAll('\n', '\\n');
    texts[`${type} without its frame`] = body;
    bytes[`${type} in DER`] = publicKey.export({ type, format: 'der' });
  }
  for (const [name, value] of Object.entries({ n, x, y })) {
    if (value !== undefined) bytes[`the bytes of ${name}`] = Buffer.from(value, 'base64url');
  }
  return { ...texts, ...bytes, 'one NUL': Buffer.alloc(1), 'the kid': publicJwk.kid as string };
}

function exportTypes(publicKey: KeyObject): readonly ('spki' | 'pkcs1')[] {
  return publicKey.asymmetricKeyType === 'rsa' ? ['spki', 'pkcs1'] : ['spki'];
}

for (const alg of ['RS256', 'ES256', 'EdDSA'] as const) {
  const key = await makeKey(alg, { kid: 'one' });
  const keys = holdKeys([publish(key.publicKey, 'one')]);
  const ordinary = setUp({ keys, options: { algorithms: [alg] } });
  // The config accepts no HS*; if it ever did, the key still would not serve as a secret.
  const misled = setUp({ keys, options: { algorithms: [alg, 'HS256', 'HS384', 'HS512'] } });

  for (const [name, secret] of Object.entries(spellings(key))) {
    for (const hmac of ['HS256', 'HS384', 'HS512']) {
      t.test(`${hmac} with ${name} of an ${alg} key`, async (t) => {
        const header = { alg: hmac, kid: 'one' };
        const honest = forge({ header, payload: goodClaims, alg: hmac, key: secret });
        t.equal(reasonOf(await ordinary.verify(honest, null)), 'algorithm_not_allowed');
        t.equal(reasonOf(await misled.verify(honest, null)), 'signature_invalid');
        const lying = forge({ header: { ...header, alg }, payload: goodClaims, alg: hmac, key: secret });
        t.equal(reasonOf(await ordinary.verify(lying, null)), 'signature_invalid');
      });
    }
  }
}
