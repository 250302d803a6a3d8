import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';

t.test('a client that goes away while its token is verified sends nothing to the upstream', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
  });
  let release = () => {};
  issuer.respond((request, _response, next) => {
    if (request.url === '/jwks') release = next;
    else next();
  });
  await issuer.rotate();
  const fetches = issuer.fetches.jwks;
  const raw = await gateway.raw();
  await raw.send(`GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${issuer.mint()}\r\n\r\n`);
  await issuer.fetched('jwks', fetches + 1);
  raw.reset();
  const line = await gateway.lineWhere(({ msg }) => msg === 'request');
  t.equal(line.status, 499);
  t.equal(line.decision, undefined, 'nobody had decided');
  t.notMatch(await gateway.metrics(), /"internal_error"[^}]*\} [1-9]/, 'and it is no fault of ours');
  release();
  // The key is there now; whatever the first request would have sent is sent before the second one's.
  t.equal((await gateway.get('/after', issuer.mint())).status, 200);
  t.same(
    echo.seen.map(({ url }) => url),
    ['/after'],
  );
  t.equal(gateway.lines.filter(({ msg }) => msg === 'request').length, 2, 'one line a request');
});
