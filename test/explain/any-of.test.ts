import t from 'tap';
import { bearer, startScene } from '../gateway/scene.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';

const secret = 'hunter2-of-a-claim';

async function start(t: Parameters<typeof startScene>[0]) {
  const jobs = await startFakeIssuer(t, { issuer: 'https://jobs.example' });
  const people = await startFakeIssuer(t);
  const { gateway } = await startScene(
    t,
    {
      rules: [
        {
          path: '/tenants/:tenant/*',
          scopes: ['own'],
          anyOf: [
            { issuers: [jobs.issuer], scopes: ['sync'] },
            { scopes: ['a', 'b'], anyScope: ['c', 'd'] },
            { claims: { tenant: { equals: '{tenant}' }, role: { equals: 'clerk' } } },
          ],
        },
        {
          path: '/named',
          anyOf: [{ claims: { role: { equals: 'clerk' } } }, { claims: { tenant: { exists: true } } }],
        },
      ],
      log: { level: 'debug' },
      failureLimit: null,
    },
    {
      others: [
        { issuer: people.issuer, audience: people.audience },
        { issuer: jobs.issuer, audience: jobs.audience, jwksUri: jobs.jwksUri },
      ],
    },
  );
  return { gateway, jobs, people };
}

t.test('each alternative is shown with what it asks for and what the token lacks for it', async (t) => {
  const { gateway, jobs, people } = await start(t);
  const explain = async (path: string, token: string) => {
    const { steps, ...rest } = await gateway.server.explain({ path, token });
    return { ...rest, last: steps.at(-1), failed: steps.find(({ outcome }) => outcome === 'failed') };
  };
  const lacking = people.mint({ claims: { scope: 'own a', tenant: 'globex', role: 'clerk' } });
  t.match(await explain('/tenants/acme/x', lacking), {
    reason: 'scope_insufficient',
    status: 403,
    failed: {
      check: 'any_of',
      reason: 'scope_insufficient',
      expected:
        'one of these alternatives: (1) issuer https://jobs.example and all scopes of sync; ' +
        '(2) all scopes of a, b and one scope of c, d; ' +
        '(3) tenant equals "{tenant}", where {tenant} is "acme" and role equals "clerk"',
      got: `(1) issuer ${people.issuer}; (2) scopes own, a; (3) tenant globex`,
      hint: 'the token lacks b',
    },
  });
  t.match(await explain('/tenants/acme/x', jobs.mint({ claims: { scope: 'own sync' } })), {
    allowed: true,
    last: { check: 'any_of', outcome: 'passed' },
  });
  t.match(await explain('/tenants/acme/x', people.mint({ claims: { scope: 'sync' } })), {
    failed: { check: 'scopes', expected: 'all of: own' },
  });
  t.match(await explain('/named', people.mint({ claims: { Role: 'clerk' } })), {
    reason: 'rule_denied',
    failed: {
      check: 'any_of',
      got: '(1) role missing; (2) tenant missing',
      hint: 'the token has no "role", but a "Role"',
    },
  });
});

t.test('the log says the same without what claims hold', async (t) => {
  const { gateway, people } = await start(t);
  const explained = async (path: string, claims: object) => {
    const token = people.mint({ claims: { ...claims } });
    const answer = await gateway.request({ path, headers: bearer(token) });
    const { requestId } = answer.json() as { requestId: string };
    return gateway.lineWhere((line) => line.msg === 'refusal explained' && line.requestId === requestId);
  };
  const line = await explained('/tenants/acme/x', { scope: 'own', tenant: secret, role: secret });
  t.match(line, {
    reason: 'scope_insufficient',
    step: 'any_of',
    expected: /\(3\) tenant as the rule's claims ask and role as the rule's claims ask$/,
    got: /\(3\) tenant another value$/,
  });
  const denied = await explained('/named', { role: secret });
  t.match(denied, {
    reason: 'rule_denied',
    step: 'any_of',
    got: '(1) role another value; (2) tenant missing',
  });
  t.notOk(JSON.stringify(gateway.lines).includes(secret), 'no claim of the token stands in the log');
});
