import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';

t.test('another spelling of the header that tokens are read from reaches nobody', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    token: { sources: [{ type: 'bearer' }, { type: 'header', name: 'X-Goog-Iap-Jwt-Assertion' }] },
    rules: [
      { path: '/open/*', auth: 'none' },
      { path: '/maybe/*', auth: 'optional' },
    ],
    identity: { forwardToken: true },
  });
  const token = issuer.mint();
  for (const spelling of ['X_Goog_Iap_Jwt_Assertion', 'x-goog_iap-jwt.assertion']) {
    const cases = [
      { path: '/maybe/x', headers: {} },
      { path: '/x', headers: { authorization: `Bearer ${token}` } },
      { path: '/open/x', headers: {} },
    ];
    for (const { path, headers } of cases) {
      const answer = await gateway.request({ path, headers: { ...headers, [spelling]: 'forged' } });
      t.equal(answer.status, 200);
      t.notOk(echo.seen.at(-1)?.rawHeaders.includes('forged'), `${spelling} on ${path}`);
    }
  }
  const headers = { 'X-Goog-Iap-Jwt-Assertion': token };
  t.equal((await gateway.request({ path: '/x', headers })).status, 200);
  t.ok(echo.seen.at(-1)?.rawHeaders.includes(token), 'the one that was verified goes along where it may');
});
