import t from 'tap';
import { forge } from '../../helpers/forge.ts';
import { bearer } from '../scene.ts';
import { certified, jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, startShape } from './shape.ts';

const realm = 'https://keycloak.example.com/realms/acme';
const endpoints = `${realm}/protocol/openid-connect`;
const key = await makeIssuerKey('FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE');
const encryption = await makeIssuerKey('u1Dv6XwGyXmGqPFFQWDZ4mwnPgMOtKqVqA0Tq0-Jd1k');

const documents = {
  [`${realm}/.well-known/openid-configuration`]: {
    issuer: realm,
    authorization_endpoint: `${endpoints}/auth`,
    token_endpoint: `${endpoints}/token`,
    introspection_endpoint: `${endpoints}/token/introspect`,
    userinfo_endpoint: `${endpoints}/userinfo`,
    end_session_endpoint: `${endpoints}/logout`,
    jwks_uri: `${endpoints}/certs`,
    grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
    response_types_supported: ['code', 'none'],
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: ['PS384', 'RS384', 'EdDSA', 'ES384', 'HS256', 'RS256'],
    backchannel_logout_supported: true,
  },
  [`${endpoints}/certs`]: {
    keys: [jwk(encryption, { alg: 'RSA-OAEP', use: 'enc', ...certified() }), jwk(key, certified())],
  },
};

const ofUser = {
  sub: '6f2a1c0d-9b7e-4a53-8c16-d20f5e4b7a98',
  sid: 'a3d1b8c2-40f7-4e69-95ab-7c2e10d68f34',
  azp: 'orders-web',
  iss: realm,
  jti: 'c0a5e7f1-28d3-4b96-8e4a-1f9b6d3c7e20',
  preferred_username: 'alice',
  email_verified: true,
};
const access = {
  ...ofUser,
  ...lasting(300),
  typ: 'Bearer',
  aud: ['orders', 'account'],
  acr: '1',
  'allowed-origins': ['https://shop.example.com'],
  realm_access: { roles: ['default-roles-acme', 'offline_access', 'uma_authorization'] },
  resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
  scope: 'openid email profile',
};
const id = { ...ofUser, ...lasting(300), typ: 'ID', aud: 'orders-web', auth_time: lasting(0).iat, acr: '1' };
const admin = { ...access, realm_access: { roles: ['orders-admin'] } };

t.test('Keycloak', async (t) => {
  const { scene, keys, carrying, mint } = await startShape(t, {
    heading: 'Keycloak',
    documents,
    key,
    header: { typ: 'JWT' },
  });
  t.same(await keys(), { serving: 1, skipped: 1 }, 'the key for encryption is skipped');

  const seen = await scene.allows(t, 'an access token', carrying(access));
  t.equal(seen.header('x-verified-subject'), ofUser.sub);
  t.equal(seen.header('x-verified-client-id'), 'orders-web');
  t.equal(seen.header('x-verified-user'), 'alice');
  t.equal(seen.header('x-verified-scope'), 'openid email profile');
  await scene.allows(t, 'a realm role', carrying(admin, '/admin/users'));
  await scene.refuses(t, 'no such role', carrying(access, '/admin/users'), 'rule_denied');
  await scene.judges<Claims>(
    t,
    {
      audience_mismatch: {
        'an ID token': id,
        'no audience mapper': { ...access, aud: 'account' },
        'no audience at all': { ...access, aud: undefined },
      },
      claim_mismatch: {
        'an ID token of a client that calls itself': { ...id, aud: 'orders', azp: 'orders' },
        'a logout token': {
          ...access,
          aud: 'orders',
          typ: 'Logout',
          events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        },
      },
      token_lifetime_exceeded: { 'a token of a day': { ...access, ...lasting(86_400) } },
      issuer_unknown: {
        'another realm': { ...access, iss: realm.replace('acme', 'master') },
        'the old path': { ...access, iss: realm.replace('/realms', '/auth/realms') },
        'the name inside the cluster': { ...access, iss: 'http://keycloak:8080/realms/acme' },
      },
    },
    carrying,
  );
  const refresh = forge({
    header: { alg: 'HS512', typ: 'JWT', kid: '0b7c9d14-3e52-4f86-a1d0-6c8e2f5a9b37' },
    payload: { ...ofUser, ...lasting(1800), typ: 'Refresh', aud: realm },
    alg: 'HS512',
    key: 'a secret of the realm',
  });
  await scene.refuses(t, 'a refresh token', { headers: bearer(refresh) }, 'algorithm_not_allowed');
  const wrong = { headers: bearer(mint(access, encryption)) };
  await scene.refuses(t, 'the key for encryption', wrong, 'key_unknown');
});
