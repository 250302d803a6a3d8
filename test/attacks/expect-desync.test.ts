import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';

t.test('after a refusal instead of 100 Continue nothing is taken for body or request', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/open', auth: 'none' }],
  });
  const next = 'GET /open HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const length of [1, next.length, 1000]) {
    const raw = await gateway.raw();
    await raw.send(
      `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    const answer = await raw.response();
    t.equal(answer.status, 401);
    t.equal(answer.header('connection'), 'close', `${length} bytes announced`);
    await raw.send(next);
    t.equal((await raw.rest()).length, 0, 'the connection has ended');
  }
  t.equal(echo.seen.length, 0);
});
