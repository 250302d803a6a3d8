import t from 'tap';
import { certified, jwk, makeIssuerKey } from './key-set.ts';
import { type Claims, lasting, startShape } from './shape.ts';

const issuer = 'https://token.actions.githubusercontent.com';
const key = await makeIssuerKey('cc413527-173f-5a05-976e-9c52b1d7b431');
const next = await makeIssuerKey('38826b17-6a30-5f9b-b169-8beb8202f723');

const documents = {
  [`${issuer}/.well-known/openid-configuration`]: {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks`,
    subject_types_supported: ['public', 'pairwise'],
    response_types_supported: ['id_token'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'ref', 'repository', 'repository_id'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
  },
  [`${issuer}/.well-known/jwks`]: { keys: [jwk(next, certified()), jwk(key, certified())] },
};

const { iat, exp } = lasting(300);
const job = {
  jti: '1c8d7e6f-5a4b-4938-8271-605f4e3d2c1b',
  sub: 'repo:acme/orders:environment:production',
  aud: 'https://orders.example.com',
  environment: 'production',
  ref: 'refs/heads/main',
  ref_type: 'branch',
  sha: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b',
  repository: 'acme/orders',
  repository_owner: 'acme',
  repository_id: '74106823',
  repository_owner_id: '9919',
  repository_visibility: 'private',
  actor: 'alice',
  actor_id: '583231',
  run_id: '7204816359',
  run_number: '42',
  run_attempt: '1',
  workflow: 'deploy',
  job_workflow_ref: 'acme/orders/.github/workflows/deploy.yaml@refs/heads/main',
  event_name: 'push',
  head_ref: '',
  base_ref: '',
  runner_environment: 'github-hosted',
  iss: issuer,
  nbf: iat - 600,
  iat,
  exp,
};
const fork = { ...job, repository: 'mallory/orders', repository_id: '90210', repository_owner: 'mallory' };

t.test('GitHub Actions', async (t) => {
  const { scene, keys, carrying } = await startShape(t, {
    heading: 'GitHub Actions',
    documents,
    key,
    header: { typ: 'JWT', x5t: 'Hy0zNQ3k5uX1wB8vC2dE7fG4hJ6' },
  });
  t.same(await keys(), { serving: 2, skipped: 0 });
  const deploy = (claims: Claims) => carrying(claims, '/deployments/42');

  const seen = await scene.allows(t, 'a job', deploy(job));
  t.equal(seen.header('x-verified-subject'), 'repo:acme/orders:environment:production');
  t.equal(seen.header('x-verified-client-id'), undefined);
  t.equal(seen.header('x-verified-repository'), 'acme/orders');
  t.equal(seen.header('x-verified-run'), '7204816359');
  await scene.refuses(t, 'a job elsewhere', carrying(job, '/orders'), 'path_not_found');
  await scene.judges<Claims>(
    t,
    {
      audience_mismatch: { 'the audience that is default': { ...job, aud: 'https://github.com/acme' } },
      claim_mismatch: {
        'a repository of somebody else': { ...fork, repository_owner_id: '1' },
        'somebody else who took the name': { ...job, repository_owner_id: '1', repository_id: '2' },
        'the id as a number': { ...job, repository_owner_id: 9919 },
      },
      claim_missing: { 'no owner': { ...job, repository_owner_id: undefined } },
      rule_denied: {
        'another repository of the owner': { ...job, repository: 'acme/site', repository_id: '3' },
        'another branch': { ...job, ref: 'refs/heads/feature', environment: undefined },
        'a branch that begins alike': { ...job, ref: 'refs/heads/main2' },
        'a pull request': { ...job, ref: 'refs/pull/7/merge', event_name: 'pull_request' },
        'a pull request on the base branch': { ...job, event_name: 'pull_request_target' },
        'no environment': { ...job, environment: undefined, sub: 'repo:acme/orders:ref:refs/heads/main' },
      },
      issuer_unknown: {
        'an issuer of one enterprise': { ...job, iss: `${issuer}/acme` },
      },
    },
    deploy,
  );
});
