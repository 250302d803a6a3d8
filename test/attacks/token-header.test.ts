import t from 'tap';
import { forge, part } from '../helpers/forge.ts';
import { bearing, startTarget, type Verdicts } from './harness.ts';

// Headers that change how the rest of a token is to be read, encrypted and nested tokens: RFC 7515 section 4.1.11, RFC 7797,
// RFC 8725 section 3.2; CVE-2025-59420 (crit ignored), CVE-2024-28176 and CVE-2024-33664 (zip bombs in JWE), CVE-2022-36083
// (p2c), CVE-2023-51774 (a JWE where a JWS belongs).

const target = await startTarget(t);
const { rs256 } = target.keys;

t.test('headers that change how a token is read', async (t) => {
  const good = target.mint();
  const [, payload = ''] = good.split('.');
  const claims = Buffer.from(payload, 'base64url');
  const mint = (header: Record<string, unknown>) => target.mint({ header });
  const unencoded = (() => {
    const header = part({ alg: 'RS256', kid: rs256.kid, crit: ['b64'], b64: false });
    const raw = claims.toString().replaceAll('.', '');
    return forge({
      header: Buffer.from(header, 'base64url').toString(),
      payload: raw,
      alg: 'RS256',
      key: rs256.privateKey,
    });
  })();
  const jwe = (header: object, key = 'AAAA') =>
    `${part(header)}.${key}.AAAAAAAAAAAAAAAA.${payload}.AAAAAAAAAAAAAAAAAAAAAA`;
  const table: Verdicts<string> = {
    ok: {
      'members that mean nothing': mint({ cty: 'JWT', x: 1, exp: 1, iss: 'https://evil.example' }),
    },
    header_not_supported: {
      'crit with a name that is known': mint({ crit: ['exp'], exp: 1 }),
      'crit with one that is not': mint({ crit: ['x-unknown'], 'x-unknown': 1 }),
      'crit with the names of the standard': mint({ crit: ['alg', 'kid'] }),
      'crit with an empty name': mint({ crit: [''] }),
      'crit that is empty': mint({ crit: [] }),
      'crit null': mint({ crit: null }),
      'crit as text': mint({ crit: 'exp' }),
      'crit as an object': mint({ crit: { exp: true } }),
      'crit false': mint({ crit: false }),
      'b64 false': mint({ crit: ['b64'], b64: false }),
      'b64 false, not critical': mint({ b64: false }),
      'b64 true': mint({ b64: true }),
      'a payload not encoded': unencoded,
      zip: mint({ zip: 'DEF' }),
      'zip null': mint({ zip: null }),
      'a JWE, direct': jwe({ alg: 'dir', enc: 'A256GCM' }, ''),
      'a JWE to the public key': jwe({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: rs256.kid }),
      'a JWE with many rounds': jwe({
        alg: 'PBES2-HS256+A128KW',
        enc: 'A128CBC-HS256',
        p2c: 2147483647,
        p2s: 'AAAA',
      }),
      'a JWE with a zip': jwe({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }, ''),
      'a JWE by an ephemeral key': jwe(
        { alg: 'ECDH-ES', enc: 'A128GCM', epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } },
        '',
      ),
      'five parts of a good token': `${good}.AAAA.AAAA`,
    },
    algorithm_not_allowed: {
      'enc in three parts': mint({ alg: 'dir', enc: 'A256GCM' }),
    },
    token_malformed: {
      'a JWT in a JWT': forge({
        header: { alg: 'RS256', cty: 'JWT', kid: rs256.kid },
        payload: good,
        alg: 'RS256',
        key: rs256.privateKey,
      }),
      'a JWT in a JWT, as text': forge({
        header: { alg: 'RS256', kid: rs256.kid },
        payload: JSON.stringify(good),
        alg: 'RS256',
        key: rs256.privateKey,
      }),
      'an SD-JWT': `${good}~WyJhIiwic3ViIiwicm9vdCJd~`,
    },
  };
  await target.judges(t, table, bearing);
});

t.test('tokens made for something else', async (t) => {
  const types = ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'rt+jwt'];
  const spelled = types.flatMap((typ) => [
    typ,
    typ.toUpperCase(),
    `application/${typ}`,
    `Application/${typ}`,
  ]);
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const table: Verdicts<string> = {
    type_mismatch: {
      ...Object.fromEntries(spelled.map((typ) => [typ, target.mint({ header: { typ } })])),
      'a type that is no text': target.mint({ header: { typ: ['JWT'] } }),
      'a type null': target.mint({ header: { typ: null } }),
      'a logout token with no type of its own': target.mint({ header: { typ: 'JWT' }, claims: { events } }),
      'the same without a type': target.mint({ header: { typ: undefined }, claims: { events } }),
    },
    audience_mismatch: {
      'an ID token, made for a client': target.mint({
        header: { typ: 'JWT' },
        claims: { aud: 'client', nonce: 'n', azp: 'client' },
      }),
      'a refresh token, made for the issuer': target.mint({
        header: { typ: 'Refresh' },
        claims: { aud: target.issuer.issuer },
      }),
    },
    binding_mismatch: {
      'a token bound to a DPoP key': target.mint({ claims: { cnf: { jkt: 'x' } } }),
      'a token bound to a certificate': target.mint({ claims: { cnf: { 'x5t#S256': 'x' } } }),
      'bound to something unknown': target.mint({ claims: { cnf: {} } }),
      'bound to a text': target.mint({ claims: { cnf: 'x' } }),
      'bound to false': target.mint({ claims: { cnf: false } }),
    },
  };
  await target.judges(t, table, bearing);
  await target.judges(t, table, (token) => bearing(token, '/optional/x'));
});
