import fc from 'fast-check';
import t from 'tap';
import type { Explanation } from '../../src/explain/explain.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';

t.test('whatever the token, the explanation gives the reason that the traffic port gives', async (t) => {
  const [issuer, echo, stranger] = await Promise.all([startFakeIssuer(t), startEcho(t), makeKey('RS256')]);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    failureLimit: null,
    issuers: [
      {
        issuer: issuer.issuer,
        audience: issuer.audience,
        maxLifetime: '1h',
        requiredClaims: ['tid'],
        claims: { azp: { equals: 'web' } },
      },
      {
        issuer: 'https://idp.example.invalid',
        audience: null,
        jwks: { keys: [stranger.publicJwk] },
        algorithms: ['RS256', 'RS512'],
      },
    ],
    rules: [
      { path: '/scoped', scopes: ['write'] },
      { path: '/admin', claims: { roles: { contains: 'admin' } } },
      { path: '/optional', auth: 'optional' },
      { path: '/public', auth: 'none' },
      { path: '/posted', methods: ['POST'], claims: { sub: { prefix: 's' } } },
      { path: '/elsewhere', issuers: ['https://idp.example.invalid'] },
      {
        path: '/either',
        anyOf: [
          { issuers: [issuer.issuer], scopes: ['write'] },
          { issuers: [issuer.issuer], claims: { roles: { contains: 'admin' } } },
        ],
      },
    ],
  });
  const now = Math.floor(Date.now() / 1000);
  const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
  const maybe = <T>(...values: T[]) => rarely(fc.constantFrom(...values));
  const control = '\u001b[2J\u0007\r\n\u202e\u009b31m';
  const cases = fc.record({
    path: fc.constantFrom(
      '/',
      '/scoped',
      '/admin',
      '/optional',
      '/public',
      '/posted',
      '/elsewhere',
      '/either',
      '/a/../b',
    ),
    method: fc.constantFrom('GET', 'GET', 'POST', 'DELETE'),
    key: rarely(fc.constant(stranger)),
    claims: fc.record(
      {
        aud: maybe<unknown>(issuer.audience, 'other', ['a', issuer.audience], [1], {}, control),
        iss: maybe<unknown>(
          issuer.issuer,
          `${issuer.issuer}/`,
          7,
          [issuer.issuer],
          'https://idp.example.invalid',
          control,
        ),
        exp: maybe<unknown>(now + 600, now - 600, now + 9999, 'soon', -1, 1e300),
        nbf: maybe<unknown>(now - 60, now + 600, null),
        iat: maybe<unknown>(now, now - 60, 'now'),
        azp: maybe<unknown>('web', 'app', ''),
        tid: maybe<unknown>('t', null),
        scope: maybe<unknown>('write', 'read write', ['write'], 7),
        roles: maybe<unknown>(['admin'], 'admin', 'administrator'),
        cnf: maybe<unknown>({}),
        events: maybe<unknown>({}),
      },
      { requiredKeys: [] },
    ),
    header: fc.record(
      {
        alg: maybe('RS256', 'RS512', 'none', 'HS256', control),
        typ: maybe<unknown>('JWT', 'logout+jwt', 7, control),
        kid: maybe<unknown>('other', control, 7),
        crit: maybe<unknown>(['exp']),
      },
      { requiredKeys: [] },
    ),
    cut: rarely(fc.nat({ max: 900 })),
    swapped: rarely(fc.record({ at: fc.nat({ max: 900 }), by: fc.constantFrom(...'aZ0-_.+/=~%') })),
  });
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(cases, async ({ path, method, key, claims, header, cut, swapped }) => {
      const ordinary = { iat: now, exp: now + 600, tid: 't', azp: 'web' };
      const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
      const kept = Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
      const whole = issuer.mint({
        claims: { ...ordinary, ...given },
        header: kept,
        ...(key && { key }),
      });
      const altered =
        swapped === undefined ? whole : whole.slice(0, swapped.at) + swapped.by + whole.slice(swapped.at + 1);
      const token = cut === undefined ? altered : altered.slice(0, cut);
      if (token === '') return;
      const explanation = await gateway.server.explain({ token, path, method });
      const { reason, status } = explanation;
      const answer = await gateway.request({ method, path, headers: { authorization: `Bearer ${token}` } });
      const actual = answer.status === 200 ? 'ok' : answer.json().code;
      seen.set(reason, (seen.get(reason) ?? 0) + 1);
      assertSound(explanation, token);
      if (reason !== actual || status !== answer.status) throw new Error(`${reason} is not ${actual}`);
    }),
    { numRuns: 600 },
  );
  t.ok(seen.size >= 14, [...seen].map(([reason, count]) => `${reason} ${count}`).join(', '));
});

/** Steps in order, one that refused at most, and nothing in them that shows the token or drives a terminal. */
function assertSound(explanation: Explanation, token: string): void {
  const outcomes = explanation.steps.map(({ outcome }) => outcome).join(' ');
  const text = JSON.stringify(explanation);
  const shown = token.split('.').some((part) => part.length > 15 && text.includes(part));
  const bare = explanation.steps.flatMap((step) => Object.values(step)).join('');
  if (
    !/^(passed ?)+(failed ?)?(not reached ?)*$/.test(outcomes) ||
    outcomes.includes('failed') === (explanation.reason === 'ok')
  )
    throw new Error(`steps out of order: ${outcomes}`);
  if (shown) throw new Error('the token is shown');
  if (/[\u0000-\u001f\u007f-\u009f\u202e]/.test(bare)) throw new Error('a control character is shown');
}
