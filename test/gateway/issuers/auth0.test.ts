import t from 'tap';
import { bearer } from '../scene.ts';
import { certified, jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, startShape } from './shape.ts';

const domain = 'https://acme.eu.auth0.com';
const key = await makeIssuerKey('NjVBRjY5MDlCMUIwNzU4RTA2Qz');
const next = await makeIssuerKey('pQ3zK8mVx1RtY6wLbN0cE');

const documents = {
  [`${domain}/.well-known/openid-configuration`]: {
    issuer: `${domain}/`,
    authorization_endpoint: `${domain}/authorize`,
    token_endpoint: `${domain}/oauth/token`,
    userinfo_endpoint: `${domain}/userinfo`,
    jwks_uri: `${domain}/.well-known/jwks.json`,
    scopes_supported: ['openid', 'profile', 'offline_access', 'name', 'email'],
    response_types_supported: ['code', 'token', 'id_token', 'code token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['HS256', 'RS256', 'PS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  },
  [`${domain}/.well-known/jwks.json`]: { keys: [jwk(key, certified()), jwk(next, certified())] },
};

const client = 'kT4vW9xYbZ2cD7eF0gH3jK6mN1pQ5rS8';
const ofUser = { iss: `${domain}/`, sub: 'auth0|5f7c8ec7c33c6c004bbafe82' };
const access = {
  ...ofUser,
  ...lasting(86_400),
  aud: ['https://orders.example.com/api', `${domain}/userinfo`],
  scope: 'openid profile orders:read',
  azp: client,
};
const machine = {
  iss: `${domain}/`,
  sub: `${client}@clients`,
  aud: 'https://orders.example.com/api',
  ...lasting(86_400),
  scope: 'orders:read',
  gty: 'client-credentials',
  azp: client,
};
const id = { ...ofUser, ...lasting(36_000), aud: client, nickname: 'alice', sid: 'J8xq', nonce: 'dGhp' };

t.test('Auth0', async (t) => {
  const { scene, keys, carrying, mint } = await startShape(t, {
    heading: 'Auth0',
    documents,
    key,
    header: { typ: 'JWT' },
  });
  t.same(await keys(), { serving: 2, skipped: 0 }, 'the next key is there before it signs');

  const seen = await scene.allows(t, 'a token of a user', carrying(access));
  t.equal(seen.header('x-verified-subject'), 'auth0|5f7c8ec7c33c6c004bbafe82');
  t.equal(seen.header('x-verified-client-id'), client);
  await scene.allows(t, 'the next key', { headers: bearer(mint(access, next)) });
  const writing = { ...carrying(access), method: 'POST' };
  await scene.refuses(t, 'a scope to read, used to write', writing, 'scope_insufficient');
  await scene.judges<Claims>(
    t,
    {
      ok: {
        'a token of a machine': machine,
        'the RFC 9068 profile': {
          ...access,
          azp: undefined,
          client_id: client,
          jti: '73WakrfVbNJBaAmhQtEeDv',
        },
      },
      audience_mismatch: {
        'an ID token': id,
        'a token for the management API': { ...machine, aud: `${domain}/api/v2/` },
        'the audience with a slash': { ...access, aud: 'https://orders.example.com/api/' },
      },
      scope_insufficient: { 'another scope': { ...access, scope: 'openid profile' } },
      token_lifetime_exceeded: { 'a token of a month': { ...access, ...lasting(2_592_000) } },
      issuer_unknown: {
        'the issuer without its slash': { ...access, iss: domain },
        'another tenant': { ...access, iss: 'https://evil.eu.auth0.com/' },
      },
    },
    carrying,
  );
  const opaque = 'hK2mT9vX4bQ7wZ1cR6yN3pL8sD5fG0jA';
  await scene.refuses(t, 'no audience was asked for', { headers: bearer(opaque) }, 'token_malformed');
});
