import t from 'tap';
import { certified, jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, type ShapeOptions, startShape } from './shape.ts';

const heading = 'Entra ID';
const cloud = 'https://login.microsoftonline.com';
const tenant = '8f2b6d0e-51a7-4c39-9d84-0c1e7a5b3f62';
const stranger = '1c0ffee0-aaaa-4bbb-8ccc-dddddddddddd';
const issuer = `${cloud}/${tenant}/v2.0`;
const api = '3d9a1c47-6e58-4b02-a7f3-915c8e2d0b46';
const client = 'b71e4f90-2c6d-4835-8a19-e0d53f7c6b24';
const key = await makeIssuerKey('H9nj5AOSswMphg1SFx7jaV-lB9w');
const other = await makeIssuerKey('JDNa_4i4r7FgigL3sHIlI3xV-IU');

const publish = (named: object) => (each: typeof key) =>
  jwk(each, { alg: undefined, ...certified(), x5t: each.kid, ...named });

const keySet = {
  keys: [key, other].map(publish({ cloud_instance_name: 'microsoftonline.com', issuer })),
};
/** Keys for tokens of version 1 do not say whose they are. */
const firstKeySet = { keys: [key, other].map(publish({})) };
/** Those of personal accounts stand among those of all tenants. */
const commonKeySet = {
  keys: [
    publish({ issuer: `${cloud}/{tenantid}/v2.0` })(key),
    publish({ issuer: `${cloud}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0` })(other),
  ],
};

const metadata = (segment: string, named: string) => ({
  token_endpoint: `${cloud}/${segment}/oauth2/v2.0/token`,
  token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
  jwks_uri: `${cloud}/${segment}/discovery/v2.0/keys`,
  response_modes_supported: ['query', 'fragment', 'form_post'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
  response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
  issuer: `${cloud}/${named}/v2.0`,
  authorization_endpoint: `${cloud}/${segment}/oauth2/v2.0/authorize`,
  tenant_region_scope: 'EU',
  cloud_instance_name: 'microsoftonline.com',
});

const documents = {
  [`${issuer}/.well-known/openid-configuration`]: metadata(tenant, tenant),
  [`${cloud}/${tenant}/discovery/v2.0/keys`]: keySet,
  [`${cloud}/${tenant}/discovery/keys`]: firstKeySet,
  [`${cloud}/common/v2.0/.well-known/openid-configuration`]: metadata('common', '{tenantid}'),
  [`${cloud}/common/discovery/v2.0/keys`]: commonKeySet,
};

const { iat, exp } = lasting(4700);
const ofUser = {
  iss: issuer,
  iat,
  nbf: iat,
  exp,
  aio: 'AXQAi/8IAAAA',
  rh: '0.AXkA',
  tid: tenant,
  uti: 'Yz8Qp',
  ver: '2.0',
  name: 'Alice',
  oid: '52c1f7a8-0d3b-4e96-b254-7f9a8c6d1e03',
  preferred_username: 'alice@acme.example',
  sub: 'Yp0w3nT8mQeJ7xKc5vBz1RhLd9uFgS2aOiNtWyXkMqE',
};
const access = { ...ofUser, aud: api, azp: client, azpacr: '0', scp: 'Orders.Read' };
const daemon = {
  ...access,
  name: undefined,
  preferred_username: undefined,
  scp: undefined,
  azpacr: '1',
  idtyp: 'app',
  oid: '9e0d2b6c-417f-4a58-8c3d-b1f6e7a50942',
  sub: '9e0d2b6c-417f-4a58-8c3d-b1f6e7a50942',
  roles: ['Orders.Process'],
};
const id = { ...ofUser, aud: client, nonce: '678910' };
const first = {
  ...access,
  iss: `https://sts.windows.net/${tenant}/`,
  aud: `api://${api}`,
  ver: '1.0',
  appid: client,
  azp: undefined,
  azpacr: undefined,
  appidacr: '0',
  upn: 'alice@acme.example',
  amr: ['pwd'],
  acr: '1',
};

const shape: ShapeOptions = { heading, documents, key, header: { typ: 'JWT' } };

t.test('Entra ID', async (t) => {
  const { scene, keys, carrying } = await startShape(t, shape);
  t.same(await keys(), { serving: 2, skipped: 0 }, 'keys without alg serve');

  const seen = await scene.allows(t, 'an access token', carrying(access));
  t.equal(seen.header('x-verified-subject'), ofUser.oid);
  t.equal(seen.header('x-verified-client-id'), client);
  t.equal(seen.header('x-verified-scope'), 'Orders.Read');
  const job = await scene.allows(t, 'a token of a daemon', carrying(daemon, '/jobs/1'));
  t.equal(job.header('x-verified-roles'), 'Orders.Process');
  await scene.refuses(t, 'a user where daemons work', carrying(access, '/jobs/1'), 'rule_denied');
  await scene.judges<Claims>(
    t,
    {
      audience_mismatch: {
        'an ID token': id,
        'a token for Microsoft Graph': { ...access, aud: '00000003-0000-0000-c000-000000000000' },
        'the name of the API instead of its id': { ...access, aud: `api://${api}` },
      },
      scope_insufficient: {
        'an ID token of a client that shares the registration': { ...id, aud: api },
        'a daemon where users work': daemon,
      },
      claim_missing: { 'no tid': { ...access, tid: undefined } },
      claim_mismatch: { 'the tid of another tenant': { ...access, tid: stranger } },
      issuer_unknown: {
        'another tenant': { ...access, tid: stranger, iss: `${cloud}/${stranger}/v2.0` },
        'a version 1 token': first,
        'the template': { ...access, iss: `${cloud}/{tenantid}/v2.0` },
      },
    },
    carrying,
  );
});

t.test('Entra ID, version 1', async (t) => {
  const { scene, keys, carrying } = await startShape(t, {
    ...shape,
    block: 2,
    header: { typ: 'JWT', x5t: key.kid },
  });
  t.same(await keys(), { serving: 2, skipped: 0 });

  const seen = await scene.allows(t, 'an access token', carrying(first));
  t.equal(seen.header('x-verified-client-id'), client);
  await scene.judges<Claims>(
    t,
    {
      ok: { 'the id of the API instead of its name': { ...first, aud: api } },
      audience_mismatch: { 'an ID token': { ...first, aud: client, scp: undefined } },
      scope_insufficient: {
        'an ID token of a client that shares the registration': { ...first, aud: api, scp: undefined },
      },
      claim_missing: { 'no tid': { ...first, tid: undefined } },
      issuer_unknown: {
        'another tenant': { ...first, iss: `https://sts.windows.net/${stranger}/` },
        'a version 2 token': access,
      },
    },
    carrying,
  );
});

t.test('Entra ID, the metadata of all tenants', async (t) => {
  const { scene, carrying } = await startShape(t, { ...shape, issuer: `${cloud}/common/v2.0` });
  const { error } = await scene.gateway.lineWhere(({ msg }) => msg === 'keys not fetched');
  t.match(error, { code: 'issuer_mismatch' });
  t.notOk(scene.gateway.server.readiness().ready);
  await scene.judges<Claims>(
    t,
    {
      issuer_unknown: {
        'a token of a tenant': access,
        'the template': { ...access, iss: `${cloud}/{tenantid}/v2.0` },
      },
      keys_unavailable: { 'what no token says': { ...access, iss: `${cloud}/common/v2.0` } },
    },
    carrying,
  );
});

t.test('Entra ID, the keys of all tenants', async (t) => {
  const { scene, keys, carrying } = await startShape(t, {
    ...shape,
    documents: {
      ...documents,
      [`${issuer}/.well-known/openid-configuration`]: {
        ...metadata('common', tenant),
        issuer,
      },
    },
  });
  t.same(await keys(), { serving: 1, skipped: 1 }, 'the key of personal accounts serves no tenant');
  await scene.allows(t, 'an access token', carrying(access));
  await scene.judges<Claims>(
    t,
    {
      key_unknown: {
        'no tid': { ...access, tid: undefined },
        'the tid of another tenant': { ...access, tid: stranger },
        'a tid that is a list': { ...access, tid: [tenant] },
      },
    },
    carrying,
  );
});
