import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { startScene } from './scene.ts';

const token = 'token-for-the-issuer-alone';

/** What each issuer was shown, by path. */
function watch(...issuers: FakeIssuer[]) {
  const shown: Record<string, string | undefined>[] = issuers.map(() => ({}));
  for (const [index, issuer] of issuers.entries()) {
    issuer.respond((request, _response, next) => {
      (shown[index] as Record<string, string | undefined>)[request.url ?? ''] = request.headers.authorization;
      next();
    });
  }
  return shown;
}

/** An issuer that publishes its metadata in one place and its keys in another. */
async function startPair(t: Test) {
  const [issuer, elsewhere] = await Promise.all([startFakeIssuer(t), startFakeIssuer(t)]);
  elsewhere.publish([issuer.publicJwk()]);
  const bearerTokenFile = join(t.testdir({ token: `${token}\n` }), 'token');
  return { issuer, elsewhere, bearerTokenFile };
}

t.test('the token goes to the issuer: its metadata, and its keys on the same origin', async (t) => {
  const { issuer, bearerTokenFile } = await startPair(t);
  const [shown] = watch(issuer);
  const issuers = [{ issuer: issuer.issuer, audience: issuer.audience, keys: { bearerTokenFile } }];
  const { gateway } = await startScene(t, { issuers });
  t.equal((await gateway.get('/', issuer.mint())).status, 200);
  t.same(shown, { '/.well-known/openid-configuration': `Bearer ${token}`, '/jwks': `Bearer ${token}` });
});

t.test('no other host that the metadata name gets it', async (t) => {
  const { issuer, elsewhere, bearerTokenFile } = await startPair(t);
  const places = {
    'another port': elsewhere.jwksUri,
    'another name of the same machine': issuer.jwksUri.replace('127.0.0.1', 'localhost'),
    'another host with the name of the issuer in it': elsewhere.jwksUri.replace(
      '127.0.0.1',
      '127.0.0.1.localhost',
    ),
  };
  for (const [name, jwksUri] of Object.entries(places)) {
    const seen: (string | undefined)[] = [];
    elsewhere.respond((request, _response, next) => {
      seen.push(request.headers.authorization);
      next();
    });
    issuer.respond((request, response, next) => {
      if (request.url === '/jwks') seen.push(request.headers.authorization);
      if (request.url === '/jwks') next();
      else response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: jwksUri }));
    });
    const issuers = [{ issuer: issuer.issuer, audience: issuer.audience, keys: { bearerTokenFile } }];
    const { gateway } = await startScene(t, { issuers });
    t.ok(seen.length > 0 || name.startsWith('another host'), `${name}: the keys were asked for`);
    t.same([...new Set(seen)], seen.length > 0 ? [undefined] : [], `${name}: without the token`);
    t.notMatch(JSON.stringify(gateway.lines), token);
  }
});

t.test('where the other host wants one, the error says what to set', async (t) => {
  const { issuer, elsewhere, bearerTokenFile } = await startPair(t);
  elsewhere.respond((request, response, next) => {
    if (request.headers.authorization === `Bearer ${token}`) next();
    else response.writeHead(401).end();
  });
  issuer.respond(
    (_request, response) =>
      void response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: elsewhere.jwksUri })),
  );
  const trust = { issuer: issuer.issuer, audience: issuer.audience, keys: { bearerTokenFile } };
  const { gateway } = await startScene(t, { issuers: [trust] });
  const line = await gateway.lineWhere(({ msg }) => msg === 'keys not fetched');
  t.match(line.error, {
    code: 'status',
    message: /answered 401 \(bearerTokenFile was not sent.*set jwksUri/,
  });
  t.match(JSON.stringify(line), `${elsewhere.jwksUri} answered 401`);

  await gateway.reload({ upstream: gateway.url, issuers: [{ ...trust, jwksUri: elsewhere.jwksUri }] });
  const fetched = `jwks_sidecar_jwks_fetches_total{issuer="${issuer.issuer}",result="success",trigger="reload"}`;
  t.equal(await gateway.metric(fetched), 1, 'an explicit jwksUri gets it');
});

t.test('an empty token is not sent', async (t) => {
  const { issuer, bearerTokenFile } = await startPair(t);
  writeFileSync(bearerTokenFile, '\n');
  const issuers = [{ issuer: issuer.issuer, audience: issuer.audience, keys: { bearerTokenFile } }];
  const { gateway } = await startScene(t, { issuers });
  const line = await gateway.lineWhere(({ msg }) => msg === 'keys not fetched');
  t.match(line.error, { code: 'file_unreadable', message: 'bearerTokenFile is empty' });
  t.equal(issuer.fetches.metadata, 0);
});
