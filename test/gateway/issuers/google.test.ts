import t from 'tap';
import { bearer } from '../scene.ts';
import { jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, type ShapeOptions, startShape } from './shape.ts';

const issuer = 'https://accounts.google.com';
const certs = 'https://www.googleapis.com/oauth2/v3/certs';
const key = await makeIssuerKey('4feb44f0f7a7e27c7c403379aff20af5c8cf52dc');
const next = await makeIssuerKey('b2620d5e7f132b52afe8875cdf3776c064249d04');

const documents = {
  [`${issuer}/.well-known/openid-configuration`]: {
    issuer,
    authorization_endpoint: `${issuer}/o/oauth2/v2/auth`,
    device_authorization_endpoint: 'https://oauth2.googleapis.com/device/code',
    token_endpoint: 'https://oauth2.googleapis.com/token',
    userinfo_endpoint: 'https://openidconnect.googleapis.com/v1/userinfo',
    revocation_endpoint: 'https://oauth2.googleapis.com/revoke',
    jwks_uri: certs,
    response_types_supported: ['code', 'token', 'id_token', 'code token id_token', 'none'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'profile'],
    code_challenge_methods_supported: ['plain', 'S256'],
  },
  [certs]: { keys: [jwk(next), jwk(key)] },
};

const caller = 'billing@acme-prod.iam.gserviceaccount.com';
const service = {
  aud: 'https://orders.example.com',
  azp: '113774264463038321964',
  email: caller,
  email_verified: true,
  iss: issuer,
  sub: '113774264463038321964',
  ...lasting(3600),
};
const client = '407408718192-made1up.apps.googleusercontent.com';
const user = {
  iss: issuer,
  azp: client,
  aud: client,
  sub: '110169484474386276334',
  hd: 'acme.example',
  email: 'alice@acme.example',
  email_verified: true,
  at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
  name: 'Alice',
  given_name: 'Alice',
  picture: 'https://lh3.googleusercontent.com/a/made-up',
  ...lasting(3600),
};

const shape: ShapeOptions = { heading: 'Google', documents, key, header: { typ: 'JWT' } };

t.test('Google, between services', async (t) => {
  const { scene, keys, carrying, mint } = await startShape(t, shape);
  t.same(await keys(), { serving: 2, skipped: 0 }, 'from another host');

  const seen = await scene.allows(t, 'a token of a service account', carrying(service));
  t.equal(seen.header('x-verified-subject'), '113774264463038321964');
  t.equal(seen.header('x-verified-email'), caller);
  await scene.allows(t, 'the other key', { headers: bearer(mint(service, next)) });
  await scene.judges<Claims>(
    t,
    {
      audience_mismatch: {
        'a token for another service': { ...service, aud: 'https://billing.example.com' },
      },
      rule_denied: {
        "another customer's service account": { ...service, email: 'x@evil.iam.gserviceaccount.com' },
      },
      claim_missing: {
        'a token asked for without email': { ...service, email: undefined, email_verified: undefined },
      },
      token_lifetime_exceeded: { 'a token of a day': { ...service, ...lasting(86_400) } },
      issuer_unknown: { 'the issuer as it once was': { ...service, iss: 'accounts.google.com' } },
    },
    carrying,
  );
  const access = 'ya29.c.b0AXv0zTPmadeUpQ9xW3rT6yU8iO1pA4sD7fG0hJ2kL5';
  await scene.refuses(t, 'an access token', { headers: bearer(access) }, 'token_malformed');
});

t.test('Google, users', async (t) => {
  const { scene, carrying } = await startShape(t, { ...shape, block: 1 });

  const seen = await scene.allows(t, 'an ID token', carrying(user));
  t.equal(seen.header('x-verified-subject'), '110169484474386276334');
  await scene.judges<Claims>(
    t,
    {
      audience_mismatch: {
        'a token for another application': { ...user, aud: '1-x.apps.googleusercontent.com' },
        'a token between services': service,
      },
      token_lifetime_exceeded: { 'a token of a day': { ...user, ...lasting(86_400) } },
      claim_missing: { 'a private account': { ...user, hd: undefined, email: 'alice@gmail.com' } },
      claim_mismatch: {
        'another domain': { ...user, hd: 'evil.example' },
        'an email that nobody verified': { ...user, email_verified: false },
        'the same as a string': { ...user, email_verified: 'true' },
      },
    },
    carrying,
  );
});
