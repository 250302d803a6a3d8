import t from 'tap';
import { bearer } from '../scene.ts';
import { jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, startShape } from './shape.ts';

const region = 'https://cognito-idp.eu-central-1.amazonaws.com';
const pool = `${region}/eu-central-1_Ab12Cd34E`;
const pages = 'https://acme.auth.eu-central-1.amazoncognito.com';
// Base64 and not base64url: they hold what a URL or a path would take amiss.
const key = await makeIssuerKey('wYmT3+aB/9kLq0ZxVnRc5uEJ7sHdPo2fGi4tXb8QM1A=');
const keyOfIdTokens = await makeIssuerKey('Kd0h/Lw7pN+4vSx2QeTzYb9cRjUa6mGo1fVi8XkB5HE=');

const documents = {
  [`${pool}/.well-known/openid-configuration`]: {
    authorization_endpoint: `${pages}/oauth2/authorize`,
    end_session_endpoint: `${pages}/logout`,
    id_token_signing_alg_values_supported: ['RS256'],
    issuer: pool,
    jwks_uri: `${pool}/.well-known/jwks.json`,
    response_types_supported: ['code', 'token'],
    revocation_endpoint: `${pages}/oauth2/revoke`,
    scopes_supported: ['openid', 'email', 'phone', 'profile'],
    subject_types_supported: ['public'],
    token_endpoint: `${pages}/oauth2/token`,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    userinfo_endpoint: `${pages}/oauth2/userInfo`,
  },
  [`${pool}/.well-known/jwks.json`]: { keys: [jwk(keyOfIdTokens), jwk(key)] },
};

const client = '4h5k2m9q7r1s3t6v8w0x2y4z6a';
const ofUser = {
  sub: 'b3f4c8d2-7001-70e9-3a5b-6c1d0e9f8a72',
  iss: pool,
  ...lasting(3600),
  auth_time: lasting(0).iat,
  origin_jti: '5d8e1f20-3a4b-4c6d-9e7f-8a9b0c1d2e3f',
  jti: '0f1e2d3c-4b5a-4697-8869-7a5b4c3d2e1f',
  event_id: 'c7a8b9d0-e1f2-4345-a678-9b0c1d2e3f40',
};
const access = {
  ...ofUser,
  client_id: client,
  token_use: 'access',
  version: 2,
  username: 'alice',
  scope: 'openid orders/read',
};
const admin = { ...access, 'cognito:groups': ['admins', 'staff'] };
const machine = {
  sub: client,
  iss: pool,
  ...lasting(3600),
  auth_time: lasting(0).iat,
  jti: '7c6b5a49-3827-4160-9f8e',
  client_id: client,
  token_use: 'access',
  version: 2,
  scope: 'orders/read',
};
const id = {
  ...ofUser,
  aud: client,
  token_use: 'id',
  'cognito:username': 'alice',
  email: 'alice@acme.example',
  email_verified: true,
  at_hash: 'kX9wQ2',
};

t.test('Cognito', async (t) => {
  const { scene, keys, carrying, mint } = await startShape(t, { heading: 'Cognito', documents, key });
  t.same(await keys(), { serving: 2, skipped: 0 });

  const seen = await scene.allows(t, 'an access token', carrying(access));
  t.equal(seen.header('x-verified-subject'), ofUser.sub);
  t.equal(seen.header('x-verified-client-id'), client);
  await scene.allows(t, 'a group', carrying(admin, '/admin/users'));
  await scene.refuses(t, 'no group', carrying(access, '/admin/users'), 'rule_denied');
  const idToken = { headers: bearer(mint(id, keyOfIdTokens)) };
  await scene.refuses(t, 'an ID token, with its own key', idToken, 'claim_mismatch');
  const writing = { ...carrying(access), method: 'POST' };
  await scene.refuses(t, 'a scope to read, used to write', writing, 'scope_insufficient');
  await scene.judges<Claims>(
    t,
    {
      ok: { 'a token of a machine': machine },
      claim_mismatch: {
        'an ID token with a client_id': { ...id, client_id: client },
        'another client of the pool': { ...access, client_id: '1a2b3c4d5e6f7g8h9i0j1k2l3m' },
      },
      claim_missing: {
        'no client_id': { ...access, client_id: undefined },
        'the client in aud alone': { ...access, client_id: undefined, aud: client },
        'no token_use': { ...access, token_use: undefined },
      },
      scope_insufficient: {
        'a token of InitiateAuth': { ...access, scope: 'aws.cognito.signin.user.admin' },
      },
      token_lifetime_exceeded: { 'a token of a day': { ...access, ...lasting(86_400) } },
      issuer_unknown: {
        'another pool': { ...access, iss: `${region}/eu-central-1_Zz98Yy76X` },
        'the domain of the sign-in page': { ...access, iss: pages },
      },
    },
    carrying,
  );
});
