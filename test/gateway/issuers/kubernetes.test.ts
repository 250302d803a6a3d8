import t from 'tap';
import { jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, startShape } from './shape.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';
const server = 'https://kubernetes.default.svc';
const key = await makeIssuerKey('Z3mT9vX4bQ7wK1cR6yN3pL8sD5fG0jA2hE_uIoPqWxY');

const documents = { [`${server}/openid/v1/jwks`]: { keys: [jwk(key)] } };
const folder = '/var/run/secrets/api-server';

const { iat, exp } = lasting(3600);
const caller = {
  aud: ['api://orders'],
  exp,
  iat,
  nbf: iat,
  iss: issuer,
  jti: 'e4b0c1d2-a3f4-4567-8901-2b3c4d5e6f70',
  'kubernetes.io': {
    namespace: 'orders',
    node: { name: 'worker-1', uid: '3f2e1d0c-9b8a-4765-8432-10fedcba9876' },
    pod: { name: 'caller', uid: 'a9b8c7d6-e5f4-4321-8fed-cba987654321' },
    serviceaccount: { name: 'caller', uid: '0a1b2c3d-4e5f-4678-9abc-def012345678' },
  },
  sub: 'system:serviceaccount:orders:caller',
};
const secret = {
  iss: 'kubernetes/serviceaccount',
  sub: 'system:serviceaccount:orders:caller',
  'kubernetes.io/serviceaccount/namespace': 'orders',
  'kubernetes.io/serviceaccount/service-account.name': 'caller',
};

t.test('Kubernetes', async (t) => {
  const asked: (string | undefined)[] = [];
  const { scene, keys, carrying } = await startShape(t, {
    heading: 'Kubernetes',
    documents,
    key,
    files: { [`${folder}/ca.crt`]: 'CA', [`${folder}/token`]: 'a-token-of-the-sidecar\n' },
    admits(authorization) {
      asked.push(authorization);
      return authorization === 'Bearer a-token-of-the-sidecar';
    },
  });
  t.same(await keys(), { serving: 1, skipped: 0 });
  t.same(asked, ['Bearer a-token-of-the-sidecar'], 'the API server is shown a token');

  const seen = await scene.allows(t, 'a token of a service account', carrying(caller));
  t.equal(seen.header('x-verified-subject'), 'system:serviceaccount:orders:caller');
  t.equal(seen.header('x-verified-namespace'), 'orders');
  t.equal(seen.header('x-verified-service-account'), 'caller');
  await scene.judges<Claims>(
    t,
    {
      ok: { 'one that is for the API server too': { ...caller, aud: [issuer, 'api://orders'] } },
      audience_mismatch: { 'the default audience': { ...caller, aud: [issuer] } },
      rule_denied: {
        'the same name in another namespace': { ...caller, sub: 'system:serviceaccount:evil:caller' },
        'another account of the namespace': { ...caller, sub: 'system:serviceaccount:orders:default' },
      },
      token_lifetime_exceeded: { 'a token of a year': { ...caller, exp: iat + 31_536_000 } },
      claim_missing: { 'a token that never expires': { ...caller, exp: undefined } },
      issuer_unknown: {
        'a token from a Secret': secret,
        'another cluster': { ...caller, iss: 'https://oidc.eks.eu-central-1.amazonaws.com/id/0A1B2C3D4E5F' },
      },
    },
    carrying,
  );
});
