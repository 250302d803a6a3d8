import t from 'tap';
import { jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, startShape } from './shape.ts';

const org = 'https://acme.okta.com';
const server = `${org}/oauth2/default`;
const key = await makeIssuerKey('1kTz0wJYFqEr8sVbC7nGxQ2mLdPa4oHiU9yRfXe5B6M');

const documents = {
  [`${server}/.well-known/openid-configuration`]: {
    issuer: server,
    authorization_endpoint: `${server}/v1/authorize`,
    token_endpoint: `${server}/v1/token`,
    userinfo_endpoint: `${server}/v1/userinfo`,
    registration_endpoint: `${org}/oauth2/v1/clients`,
    jwks_uri: `${server}/v1/keys`,
    response_types_supported: ['code', 'id_token', 'token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access', 'device_sso'],
    introspection_endpoint: `${server}/v1/introspect`,
    revocation_endpoint: `${server}/v1/revoke`,
  },
  [`${server}/v1/keys`]: { keys: [jwk(key)] },
};

const client = '0oa1b2c3d4E5f6G7h8i9';
const access = {
  ver: 1,
  jti: 'AT.0mP-4JZZ8BXjCqkVpLqEJKsQ0cFvbk',
  iss: server,
  aud: 'api://default',
  ...lasting(3600),
  cid: client,
  uid: '00u9z8y7X6w5V4u3t2s1',
  scp: ['openid', 'orders:read'],
  auth_time: lasting(0).iat,
  sub: 'alice@acme.example',
};
const service = { ...access, uid: undefined, auth_time: undefined, scp: ['orders:read'], sub: client };
const id = {
  sub: '00u9z8y7X6w5V4u3t2s1',
  ver: 1,
  iss: server,
  aud: client,
  ...lasting(3600),
  jti: 'ID.Rj5wV8nK3xT',
  amr: ['pwd', 'mfa'],
  idp: '00o1a2b3c4D5',
  nonce: 'b2sA',
  at_hash: 'preXq',
};

t.test('Okta', async (t) => {
  const { scene, keys, carrying } = await startShape(t, { heading: 'Okta', documents, key });
  t.same(await keys(), { serving: 1, skipped: 0 });

  const seen = await scene.allows(t, 'an access token', carrying(access));
  t.equal(seen.header('x-verified-subject'), 'alice@acme.example');
  t.equal(seen.header('x-verified-client-id'), client);
  t.equal(seen.header('x-verified-scope'), 'openid orders:read');
  const writing = { ...carrying(access), method: 'POST' };
  await scene.refuses(t, 'a scope to read, used to write', writing, 'scope_insufficient');
  await scene.judges<Claims>(
    t,
    {
      ok: { 'a token of a service': service },
      audience_mismatch: { 'an ID token': id },
      scope_insufficient: { 'another scope': { ...access, scp: ['openid'] } },
      token_lifetime_exceeded: { 'a token of a day': { ...access, ...lasting(86_400) } },
      issuer_unknown: {
        "the org's own server": { ...access, iss: org, aud: org },
        'another server of the org': { ...access, iss: `${org}/oauth2/aus1a2b3c4D5e6F7g8h9` },
        'the default server of another org': { ...access, iss: 'https://evil.okta.com/oauth2/default' },
      },
    },
    carrying,
  );
});
