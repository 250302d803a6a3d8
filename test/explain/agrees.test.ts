import fc from 'fast-check';
import t from 'tap';
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
    ],
    rules: [
      { path: '/scoped', scopes: ['write'] },
      { path: '/admin', claims: { roles: { contains: 'admin' } } },
      { path: '/optional', auth: 'optional' },
    ],
  });
  const now = Math.floor(Date.now() / 1000);
  const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
  const maybe = <T>(...values: T[]) => rarely(fc.constantFrom(...values));
  const cases = fc.record({
    path: fc.constantFrom('/', '/scoped', '/admin', '/optional', '/a/../b'),
    key: rarely(fc.constant(stranger)),
    claims: fc.record(
      {
        aud: maybe<unknown>(issuer.audience, 'other', ['a', issuer.audience], [1], {}),
        iss: maybe<unknown>(issuer.issuer, `${issuer.issuer}/`, 7, [issuer.issuer]),
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
      { alg: maybe('RS256', 'none', 'HS256'), typ: maybe<unknown>('JWT', 'logout+jwt', 7) },
      { requiredKeys: [] },
    ),
    cut: rarely(fc.nat({ max: 900 })),
  });
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(cases, async ({ path, key, claims, header, cut }) => {
      const ordinary = { iat: now, exp: now + 600, tid: 't', azp: 'web' };
      const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
      const kept = Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
      const whole = issuer.mint({
        claims: { ...ordinary, ...given },
        header: kept,
        ...(key && { key }),
      });
      const token = cut === undefined ? whole : whole.slice(0, cut);
      if (token === '') return;
      const { reason, status } = await gateway.server.explain({ token, path });
      const answer = await gateway.get(path, token);
      const actual = answer.status === 200 ? 'ok' : answer.json().code;
      seen.set(reason, (seen.get(reason) ?? 0) + 1);
      if (reason !== actual || status !== answer.status) throw new Error(`${reason} is not ${actual}`);
    }),
    { numRuns: 600 },
  );
  t.ok(seen.size >= 12, [...seen].map(([reason, count]) => `${reason} ${count}`).join(', '));
});
