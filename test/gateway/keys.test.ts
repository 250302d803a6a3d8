import { Writable } from 'node:stream';
import t from 'tap';
import { completeConfig } from '../../src/config/complete.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createServer } from '../../src/server.ts';
import { type FakeIssuer, type Responder, startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { holdClock } from './held-clock.ts';
import { assertRefused, bearer, startScene } from './scene.ts';

const trust = ({ issuer, audience }: FakeIssuer) => ({ issuer, audience });
const fetchesOf = (issuer: FakeIssuer, trigger: string, result = 'success') =>
  `jwks_sidecar_jwks_fetches_total{issuer="${issuer.issuer}",result="${result}",trigger="${trigger}"}`;

t.test('an issuer that is down when the gateway starts', async (t) => {
  const down: Responder = (_request, response) => response.writeHead(503).end();
  const alone = await startFakeIssuer(t);
  alone.respond(down);
  const { gateway, echo } = await startScene(t, { failureLimit: { max: 1 }, issuers: [trust(alone)] });
  const ready = () => request(gateway.admin, { path: '/readyz' });
  const before = await ready();
  t.equal(before.status, 503);
  t.match(before.json(), { reasons: [{ code: 'keys_unavailable', issuer: alone.issuer }] }, 'and says why');
  t.equal((await request(gateway.admin, { path: '/livez' })).status, 200, 'which is no reason to restart it');
  for (let i = 0; i < 3; i++) {
    const answer = await gateway.get('/', alone.mint());
    assertRefused(t, 'nobody knows, so nobody is to blame', answer, 'keys_unavailable');
  }
  assertRefused(t, 'what needs no keys', await gateway.get('/', 'junk'), 'token_malformed');
  t.equal(echo.seen.length, 0);

  alone.respond();
  await gateway.lineWhere(({ msg }) => msg === 'keys changed');
  t.equal((await ready()).status, 200, 'ready once they are there');
  t.equal(
    (await request(gateway.url, { headers: bearer(alone.mint()), localAddress: '127.0.0.2' })).status,
    200,
  );
});

t.test('readiness with two issuers', async (t) => {
  const up = await startFakeIssuer(t);
  const slow = await startFakeIssuer(t);
  let release = () => {};
  slow.respond((_request, response) => {
    release = () => response.writeHead(500).end();
  });
  for (const readiness of ['any', 'all'] as const) {
    const { config } = completeConfig({
      upstream: 'http://127.0.0.1:1',
      issuers: [trust(up), trust(slow)],
      readiness,
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
    });
    let loaded = () => {};
    const upLoaded = new Promise<void>((resolve) => {
      loaded = resolve;
    });
    const destination = new Writable({
      write(chunk, _encoding, done) {
        if (JSON.parse(chunk).msg === 'keys changed') loaded();
        done();
      },
    });
    const server = createServer(config, { logger: createLogger({ level: 'info', destination }) });
    t.teardown(() => server.close());
    const asked = slow.fetches.metadata;
    const started = server.start();
    await Promise.all([slow.fetched('metadata', asked + 1), upLoaded]);
    t.notOk(server.readiness().ready, `${readiness}: not before each was tried`);
    // Discovery tries a second address when the first has no document.
    release();
    await slow.fetched('metadata', asked + 2);
    release();
    await started;
    t.equal(server.readiness().ready, readiness === 'any', `${readiness}: one has keys, the other failed`);
    const reasons = readiness === 'any' ? [] : [{ code: 'keys_unavailable', issuer: slow.issuer }];
    t.match(server.readiness().reasons, reasons);
    t.equal(server.readiness().reasons.length, reasons.length);
  }
});

t.test('a flood of unknown key ids', async (t) => {
  const clock = holdClock();
  const { issuer, gateway, ...scene } = await startScene(t, { failureLimit: null }, { clock });
  let made = 0;
  const unknown = () => issuer.mint({ header: { kid: `unknown-${++made}` } });
  const flood = async (count: number) => {
    const sent = Array.from({ length: count }, () => gateway.get('/', unknown()));
    const honest = Array.from({ length: 10 }, () => gateway.get('/', issuer.mint()));
    for (const answer of await Promise.all(sent)) t.equal(answer.status, 401);
    for (const answer of await Promise.all(honest)) t.equal(answer.status, 200, 'honest clients are unhurt');
  };
  t.equal(issuer.fetches.jwks, 1);
  for (let i = 0; i < 8; i++) await flood(15);
  t.equal(issuer.fetches.jwks, 6, 'five fetches at once, and no more');
  clock.advance(30_000);
  await flood(15);
  await flood(15);
  t.equal(issuer.fetches.jwks, 7, 'then one a cooldown');
  t.equal(await gateway.metric(fetchesOf(issuer, 'unknown_key')), 6);

  await issuer.rotate();
  await scene.refuses(t, 'a new key within the cooldown', { headers: bearer(issuer.mint()) }, 'key_unknown');
  clock.advance(30_000);
  await scene.allows(t, 'and after it', { headers: bearer(issuer.mint()) });
});

t.test('an unknown key while its issuer is down', async (t) => {
  const clock = holdClock();
  const other = await startFakeIssuer(t);
  const { issuer, gateway, ...scene } = await startScene(
    t,
    { failureLimit: { max: 1 } },
    { clock, others: [trust(other)] },
  );
  const known = { headers: bearer(issuer.mint()) };
  issuer.respond((_request, response) => response.writeHead(503).end());
  await scene.allows(t, 'the keys at hand serve', known);
  t.equal(await gateway.metric(`jwks_sidecar_jwks_stale{issuer="${issuer.issuer}"}`), 0);
  await issuer.rotate();
  const next = () => ({ headers: bearer(issuer.mint()) });
  for (let i = 0; i < 5; i++) await scene.refuses(t, 'who knows', next(), 'keys_unavailable');
  await scene.refuses(t, 'nobody asks again so soon', next(), 'key_unknown');
  t.equal(await gateway.metric(fetchesOf(issuer, 'unknown_key', 'failure')), 5);
  t.equal(await gateway.metric(`jwks_sidecar_jwks_stale{issuer="${issuer.issuer}"}`), 1);
  await scene.allows(t, 'verified tokens serve on', known);

  const elsewhere = { localAddress: '127.0.0.2' };
  await scene.allows(t, 'another issuer is not touched', { headers: bearer(other.mint()), ...elsewhere });
  clock.advance(24 * 3_600_000 + 1);
  const late = issuer.mint({ key: issuer.keys[1]!, claims: { exp: Math.floor(clock.now() / 1000) + 300 } });
  await scene.refuses(t, 'a day later', { headers: bearer(late), ...elsewhere }, 'keys_unavailable');
  t.ok(gateway.server.readiness().ready, 'which makes nobody unready');
});
