import t from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { bearer, startScene, type Verdicts } from './scene.ts';

t.test('one of the alternatives must hold, besides what stands beside them', async (t) => {
  const jobs = await startFakeIssuer(t, { issuer: 'https://jobs.example' });
  const third = await startFakeIssuer(t, { issuer: 'https://third.example' });
  const others = [jobs, third].map(({ issuer, audience, jwksUri }) => ({ issuer, audience, jwksUri }));
  const people = await startFakeIssuer(t);
  const { gateway, ...scene } = await startScene(
    t,
    {
      rules: [
        { path: '/scopes', anyOf: [{ scopes: ['a', 'b'] }, { scopes: ['c'], anyScope: ['d', 'e'] }] },
        {
          path: '/beside',
          scopes: ['own'],
          anyOf: [{ scopes: ['a'] }, { claims: { role: { equals: 'x' } } }],
        },
        {
          path: '/tenants/:tenant/*',
          claims: { tenant: { equals: '{tenant}' } },
          anyOf: [
            { issuers: [people.issuer], claims: { roles: { contains: 'clerk' } } },
            { issuers: [jobs.issuer], scopes: ['sync'] },
          ],
        },
        {
          path: '/mixed',
          anyOf: [{ issuers: [jobs.issuer] }, { claims: { owner: { equals: 'me' } } }],
        },
        { path: '/both', issuers: [people.issuer], anyOf: [{ scopes: ['a'] }, { scopes: ['b'] }] },
        {
          path: '/places/:place',
          anyOf: [{ claims: { place: { equals: '{place}' } } }, { scopes: ['any:place'] }],
        },
        { path: '/optional', auth: 'optional', anyOf: [{ scopes: ['a'] }] },
        { path: '/nothing', anyOf: [] },
      ],
      failureLimit: null,
    },
    { others: [{ issuer: people.issuer, audience: people.audience }, ...others] },
  );
  const from = { people, jobs, third };
  interface Case {
    readonly path: string;
    readonly by?: keyof typeof from;
    readonly claims?: Record<string, unknown>;
  }
  const table: Verdicts<Case> = {
    ok: {
      'the first': { path: '/scopes', claims: { scope: 'b a' } },
      'the second': { path: '/scopes', claims: { scope: 'e c' } },
      both: { path: '/scopes', claims: { scope: 'a b c d' } },
      'one besides the own scope': { path: '/beside', claims: { scope: 'own a' } },
      'a claim for a scope': { path: '/beside', claims: { scope: 'own', role: 'x' } },
      'people by their role': { path: '/tenants/acme/x', claims: { tenant: 'acme', roles: ['clerk'] } },
      'jobs by their scope': {
        path: '/tenants/acme/x',
        by: 'jobs',
        claims: { tenant: 'acme', scope: 'sync' },
      },
      'an issuer alone': { path: '/mixed', by: 'jobs', claims: { scope: undefined } },
      'a claim of whatever issuer': { path: '/mixed', by: 'third', claims: { owner: 'me' } },
      'the issuer beside, and a scope': { path: '/both', claims: { scope: 'b' } },
      'the path’s parameter': { path: '/places/new%20york', claims: { place: 'new york' } },
      'or a scope for all of them': { path: '/places/rome', claims: { scope: 'any:place' } },
      'an optional token that has it': { path: '/optional', claims: { scope: 'a' } },
      'an empty list asks for nothing': { path: '/nothing', claims: { scope: undefined } },
    },
    scope_insufficient: {
      'half of each': { path: '/scopes', claims: { scope: 'a c' } },
      'the scope of one and the other’s': { path: '/scopes', claims: { scope: 'b d' } },
      'no scope': { path: '/scopes', claims: { scope: undefined } },
      'without the own scope': { path: '/beside', claims: { scope: 'a', role: 'x' } },
      'neither, where a scope would do': { path: '/beside', claims: { scope: 'own' } },
      'jobs do not pass as people': {
        path: '/tenants/acme/x',
        by: 'jobs',
        claims: { tenant: 'acme', roles: ['clerk'] },
      },
      'another place': { path: '/places/rome', claims: { place: 'paris' } },
      'an optional token that lacks it': { path: '/optional', claims: { scope: 'b' } },
    },
    rule_denied: {
      'people do not pass as jobs': { path: '/tenants/acme/x', claims: { tenant: 'acme', scope: 'sync' } },
      'another tenant, whatever the alternative': {
        path: '/tenants/acme/x',
        by: 'jobs',
        claims: { tenant: 'globex', scope: 'sync' },
      },
      'no claim, and no scope that would do': { path: '/mixed', by: 'third', claims: { owner: 'you' } },
    },
    issuer_unknown: {
      'an issuer of no alternative': {
        path: '/tenants/acme/x',
        by: 'third',
        claims: { tenant: 'acme', roles: ['clerk'], scope: 'sync' },
      },
      'an issuer that the rule does not accept': { path: '/both', by: 'jobs', claims: { scope: 'a' } },
    },
  };
  const ask = ({ path, by = 'people', claims = {} }: Case) => ({
    path,
    headers: bearer(from[by].mint({ claims })),
  });
  await scene.judges(t, table, ask);

  const token = people.mint({
    claims: { scope: 'a', tenant: 'acme', roles: ['clerk'], place: 'rome', owner: 'me' },
  });
  for (let round = 0; round < 2; round++) {
    for (const [path, status] of Object.entries({
      '/both': 200,
      '/scopes': 403,
      '/tenants/acme/x': 200,
      '/tenants/globex/x': 403,
      '/places/rome': 200,
      '/places/paris': 403,
      '/mixed': 200,
      '/beside': 403,
    })) {
      t.equal(
        (await gateway.get(path, token)).status,
        status,
        `one token on ${path}, verified before or not`,
      );
    }
  }

  const short = await gateway.get('/scopes', people.mint({ claims: { scope: 'x' } }));
  t.match(
    short.header('www-authenticate'),
    /scope="a b c d e"/,
    'the challenge names the scopes of all that failed there',
  );
  const beside = await gateway.get('/beside', people.mint({ claims: { scope: 'own' } }));
  t.match(beside.header('www-authenticate'), /scope="own a"/, 'with those of the rule');

  const { kid } = third.signingKey;
  const forged = third.mint({ key: await makeKey(), header: { kid }, claims: { tenant: 'acme' } });
  const refused = await gateway.get('/tenants/acme/x', forged);
  t.match(
    refused.json(),
    { code: 'issuer_unknown' },
    'an issuer of no alternative is refused before the signature is',
  );
});

t.test('an integer that an alternative matches must be exact', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    rules: [{ path: '/x', anyOf: [{ claims: { account: { exists: true } } }, { scopes: ['a'] }] }],
  });
  const claims = { account: 2 ** 53, scope: 'a' };
  const request = { path: '/x', headers: bearer(issuer.mint({ claims })) };
  await scene.refuses(t, 'one that is not', request, 'token_malformed');
});

t.test('a reload with other alternatives decides about tokens that were verified before', async (t) => {
  const { issuer, gateway, echo } = await startScene(t, {
    rules: [{ path: '/x', anyOf: [{ scopes: ['a'] }] }],
  });
  const token = issuer.mint({ claims: { scope: 'a', role: 'clerk' } });
  t.equal((await gateway.get('/x', token)).status, 200);
  const base = { upstream: echo.url, issuers: [{ issuer: issuer.issuer, audience: issuer.audience }] };
  const reload = (claims: object) =>
    gateway.reload({ ...base, rules: [{ path: '/x', anyOf: [{ claims: claims as never }] }] });
  await reload({ role: { equals: 'boss' } });
  t.equal((await gateway.get('/x', token)).json().code, 'rule_denied');
  await reload({ role: { equals: 'clerk' } });
  t.equal((await gateway.get('/x', token)).status, 200, 'its claims are looked at anew');
});
