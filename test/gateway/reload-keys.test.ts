import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { issuer as issuerSchema } from '../../src/config/schema-issuer.ts';
import { createGateway } from '../../src/create-gateway.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, type Responder, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { request } from '../helpers/request.ts';
import { holdClock } from './held-clock.ts';
import type { Refused } from './refusals.ts';
import { assertRefused, bearer } from './scene.ts';

type IssuerInput = NonNullable<ConfigInput['issuers']>[number];

const down: Responder = (_request, response) => response.writeHead(503).end();
const files = t.testdir({ token: 'token' });
const rsa = await makeKey('RS256');
const long = await makeKey('RS256', { bits: 3072 });
const ec = await makeKey('ES256');

const fetchesOf = ({ issuer }: FakeIssuer, trigger: string, result: string) =>
  `jwks_sidecar_jwks_fetches_total{issuer="${issuer}",result="${result}",trigger="${trigger}"}`;

async function startScene(t: Test, more: Partial<IssuerInput> = {}) {
  const clock = holdClock();
  const [issuer, echo] = await Promise.all([startFakeIssuer(t, { keys: [rsa, long, ec] }), startEcho(t)]);
  const trust: IssuerInput = { issuer: issuer.issuer, audience: issuer.audience, ...more };
  const config: ConfigInput = { upstream: echo.url, issuers: [trust], unmatched: 'required' };
  const gateway = await startGateway(t, config, { clock });
  const state = async () => {
    const status = (await request(gateway.admin, { path: '/api/status' })).json() as {
      issuers: { state: string; ageMs: number; lastError: object | null }[];
    };
    return status.issuers[0];
  };
  /** Puts another issuer's settings in force, and a rule with them, so that the reload shows. */
  const change = (patch: Partial<IssuerInput>, rule = `/r${Math.random()}`) =>
    gateway.reload({ ...config, issuers: [{ ...trust, ...patch }], rules: [{ path: rule, auth: 'none' }] });
  return { clock, issuer, trust, config, gateway, state, change };
}

type Scene = Awaited<ReturnType<typeof startScene>>;

/** What a change of each setting does to a token that was good before. */
interface Effect {
  /** What is changed. */
  readonly patch: Partial<IssuerInput>;
  /** What is in force before it. */
  readonly before?: Partial<IssuerInput>;
  token?(scene: Scene): string;
  /** Why the token is refused afterwards; null: it is still good. */
  readonly refused: Refused | null;
}

const mint = (options: Parameters<FakeIssuer['mint']>[0]) => (scene: Scene) => scene.issuer.mint(options);
const short = { refresh: '2s', timeout: '1s' } as const;
const seconds = (scene: Scene) => Math.floor(scene.clock.now() / 1000);

const ofTokens: Readonly<Record<string, Effect>> = {
  audience: { patch: { audience: 'api://others' }, refused: 'audience_mismatch' },
  algorithms: { patch: { algorithms: ['ES256'] }, refused: 'algorithm_not_allowed' },
  'algorithms, of a key that was skipped before': {
    before: { algorithms: ['RS256'] },
    patch: { algorithms: ['RS256', 'ES256'] },
    token: mint({ key: ec }),
    refused: null,
  },
  minRsaBits: { patch: { minRsaBits: 3072 }, refused: 'key_unknown' },
  'minRsaBits, of a key that is long enough': {
    patch: { minRsaBits: 3072 },
    token: mint({ key: long }),
    refused: null,
  },
  tokenType: {
    patch: { tokenType: 'at+jwt' },
    token: mint({ header: { typ: 'JWT' } }),
    refused: 'type_mismatch',
  },
  clockTolerance: {
    before: { clockTolerance: '1m' },
    patch: { clockTolerance: '1s' },
    token: (scene) => scene.issuer.mint({ claims: { exp: seconds(scene) - 20 } }),
    refused: 'token_expired',
  },
  maxLifetime: { patch: { maxLifetime: '1m' }, refused: 'token_lifetime_exceeded' },
  requiredClaims: { patch: { requiredClaims: ['tenant'] }, refused: 'claim_missing' },
  claims: { patch: { claims: { client_id: { equals: 'other' } } }, refused: 'claim_mismatch' },
};

const ofKeys: Readonly<Record<string, Effect>> = {
  refresh: { patch: { keys: { refresh: '1m' } }, refused: null },
  cooldown: { patch: { keys: { cooldown: '1s' } }, refused: null },
  timeout: { patch: { keys: { timeout: '1s' } }, refused: null },
  maxStale: { patch: { keys: { ...short, maxStale: '2s' } }, refused: null },
  maxSize: { patch: { keys: { maxSize: '1MiB' } }, refused: null },
  maxKeys: { patch: { keys: { maxKeys: 3 } }, refused: null },
  cacheFile: { patch: { keys: { cacheFile: '/nowhere/at/all' } }, refused: null },
  caFile: { patch: { keys: { caFile: import.meta.filename } }, refused: null },
  bearerTokenFile: { patch: { keys: { bearerTokenFile: join(files, 'token') } }, refused: null },
  allowInsecureHttp: { patch: { keys: { allowInsecureHttp: true } }, refused: null },
};

/** Those that say where the keys come from, and the issuer itself: below. */
const ofSource = ['issuer', 'discovery', 'jwksUri', 'jwksFile', 'jwks', 'keys'];

t.test('no setting of an issuer is forgotten here', async (t) => {
  const { properties } = issuerSchema as unknown as {
    properties: Record<string, { properties?: Record<string, unknown> }>;
  };
  const tested = Object.keys(ofTokens).filter((name) => !name.includes(','));
  t.same(Object.keys(properties).sort(), [...tested, ...ofSource].sort());
  t.same(Object.keys(properties.keys?.properties ?? {}).sort(), Object.keys(ofKeys).sort());
});

t.test('while an issuer is down, whatever is not the source of its keys changes at once', async (t) => {
  for (const [name, { before = {}, patch, token = mint({}), refused }] of Object.entries({
    ...ofTokens,
    ...ofKeys,
  })) {
    const scene = await startScene(t, before);
    const { issuer, gateway, change } = scene;
    const good = token(scene);
    const wasGood = (await gateway.get('/x', good)).status;
    issuer.respond(down);
    await change(patch, '/open');
    t.equal((await gateway.get('/open')).status, 200, `${name}: the rule beside it is in force`);
    const answer = await gateway.get('/x', good);
    if (refused === null) t.equal(answer.status, 200, `${name}: a token is good`);
    else {
      t.equal(wasGood, 200, `${name}: the token was good`);
      assertRefused(t, name, answer, refused);
    }
    t.equal(
      await gateway.metric(fetchesOf(issuer, 'startup', 'success')),
      1,
      `${name}: nothing counts as a start`,
    );
  }
});

t.test('a set with other settings fetches with them at once, in the background', async (t) => {
  const { issuer, gateway, change } = await startScene(t);
  let reloads = 0;
  for (const [name, { patch }] of Object.entries(ofKeys)) {
    if (name === 'caFile') continue;
    const { jwks } = issuer.fetches;
    await change(patch);
    await issuer.fetched('jwks', jwks + 1);
    t.equal(await gateway.metric(fetchesOf(issuer, 'startup', 'success')), 1, name);
    reloads += 1;
  }
  t.equal(issuer.fetches.jwks, reloads + 1, 'once each');
});

t.test('the keys at hand keep their age', async (t) => {
  const { clock, issuer, gateway, change, state } = await startScene(t);
  issuer.respond(down);
  clock.advance(3_600_000);
  const get = async () =>
    gateway.get('/x', issuer.mint({ claims: { exp: Math.floor(clock.now() / 1000) + 300 } }));
  await change({ keys: { cooldown: '1s' } });
  t.match(await state(), { ageMs: 3_600_000 });
  t.equal((await get()).status, 200);
  await change({ keys: { maxStale: '30m' } });
  assertRefused(t, 'older than is allowed now', await get(), 'keys_unavailable');
  await change({ keys: { maxStale: '2h' } });
  t.equal((await get()).status, 200, 'and allowed again');
  t.match(await state(), { state: 'stale', ageMs: 3_600_000 });
});

t.test('a key that is withdrawn after a reload stops serving', async (t) => {
  const { issuer, gateway, change } = await startScene(t);
  const token = issuer.mint();
  await change({ keys: { cooldown: '1s' } });
  await issuer.fetched('jwks', 2);
  t.equal((await gateway.get('/x', token)).status, 200);
  const next = await issuer.rotate({ keepOld: false });
  t.equal((await gateway.get('/x', issuer.mint({ key: next }))).status, 200, 'the new key comes');
  assertRefused(t, 'the old one is gone', await gateway.get('/x', token), 'key_unknown');
});

t.test('an answer to a fetch of before the reload changes nothing after it', async (t) => {
  const { issuer, gateway, change } = await startScene(t);
  const token = issuer.mint();
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    issuer.respond((_request, response) => {
      answer = () => void response.end(JSON.stringify({ keys: [ec.publicJwk] }));
      resolve();
    });
  });
  const waiting = gateway.get('/x', issuer.mint({ header: { kid: 'unknown' } }));
  await asked;
  issuer.respond();
  await change({ keys: { cooldown: '1s' }, algorithms: ['RS256', 'ES256'] });
  answer();
  await waiting;
  t.equal((await gateway.get('/x', token)).status, 200, 'it lacks the key, and is not the set in force');
});

t.test('a new issuer that hangs holds no reload', async (t) => {
  const { gateway, config, trust, issuer } = await startScene(t);
  const other = await startFakeIssuer(t);
  const held: (() => void)[] = [];
  other.respond((_request, _response, next) => void held.push(next));
  const issuers = [trust, { issuer: other.issuer, audience: other.audience, keys: { timeout: '10m' } }];
  await gateway.reload({ ...config, issuers, rules: [{ path: '/first', auth: 'none' }] });
  t.equal((await gateway.get('/first')).status, 200, 'the rules beside it are in force');
  t.equal((await gateway.get('/x', issuer.mint())).status, 200, 'other issuers serve');
  assertRefused(t, 'it has no keys yet', await gateway.get('/x', other.mint()), 'keys_unavailable');
  await gateway.reload({ ...config, issuers, rules: [{ path: '/second', auth: 'none' }] });
  t.equal((await gateway.get('/second')).status, 200, 'nor does it hold the next one');
  t.ok((await request(gateway.admin, { path: '/readyz' })).status === 200);

  other.respond();
  for (const next of held) next();
  await gateway.lineWhere(({ msg, issuer }) => msg === 'keys changed' && issuer === other.issuer);
  t.equal((await gateway.get('/x', other.mint())).status, 200, 'its keys come when they come');
  t.equal(await gateway.metric(fetchesOf(other, 'reload', 'success')), 1);
  t.equal(await gateway.metric(fetchesOf(other, 'startup', 'success')), 0);
});

t.test('nor does an issuer that hangs at the start', async (t) => {
  const [issuer, other, echo] = await Promise.all([startFakeIssuer(t), startFakeIssuer(t), startEcho(t)]);
  const asked = new Promise<void>((resolve) => other.respond(() => resolve()));
  const trust = { issuer: issuer.issuer, audience: issuer.audience };
  const hangs = { issuer: other.issuer, audience: other.audience, keys: { timeout: '10m' } };
  const gateway = createGateway({
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    upstream: echo.url,
    issuers: [trust, hangs],
  });
  t.teardown(() => gateway.close());
  // It settles when the issuer has been tried, or when the gateway is closed.
  const started = gateway.start().catch(() => {});
  await asked;
  await gateway.reload({ upstream: echo.url, issuers: [trust], rules: [{ path: '/open', auth: 'none' }] });
  const url = `http://127.0.0.1:${gateway.ports()?.port}`;
  t.equal((await request(url, { path: '/open' })).status, 200);
  t.equal((await request(url, { path: '/x', headers: bearer(issuer.mint()) })).status, 200);
  t.ok(gateway.readiness().ready, 'the one that hangs is gone');
  other.respond();
  await other.close();
  await started;
});

t.test('a new issuer that is down is tried again, because of the reload', async (t) => {
  const { gateway, config, trust, clock } = await startScene(t);
  const other = await startFakeIssuer(t);
  other.respond(down);
  await gateway.reload({ ...config, issuers: [trust, { issuer: other.issuer, audience: other.audience }] });
  const token = () => other.mint({ claims: { exp: Math.floor(clock.now() / 1000) + 300 } });
  assertRefused(t, 'down', await gateway.get('/x', token()), 'keys_unavailable');
  other.respond();
  clock.advance(60_000);
  await gateway.get('/x', token());
  await gateway.lineWhere(({ msg, issuer }) => msg === 'keys changed' && issuer === other.issuer);
  t.equal((await gateway.get('/x', token())).status, 200);
  t.equal(await gateway.metric(fetchesOf(other, 'startup', 'success')), 0);
  t.equal(await gateway.metric(fetchesOf(other, 'startup', 'failure')), 0);
  t.equal(await gateway.metric(fetchesOf(other, 'reload', 'success')), 1);
});

t.test('another source of an issuer that has keys is waited for, and no keys are lost to it', async (t) => {
  const { gateway, issuer, change } = await startScene(t);
  const elsewhere = await startFakeIssuer(t, { keys: [long] });
  const token = issuer.mint();
  elsewhere.respond(down);
  const sources: Partial<IssuerInput>[] = [
    { jwksUri: elsewhere.jwksUri },
    { jwks: { keys: [ec.publicJwk] } },
    { jwksFile: join(t.testdir({ file: 'garbage' }), 'file') },
  ];
  for (const source of sources) {
    await t.rejects(change(source, '/open'), { code: 'keys_unavailable' }, `${Object.keys(source)[0]}`);
    t.not((await gateway.get('/open')).status, 200, 'nothing of that config is in force');
    t.equal((await gateway.get('/x', token)).status, 200, 'the keys at hand serve on');
  }
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    elsewhere.respond((_request, _response, next) => {
      answer = next;
      resolve();
    });
  });
  const reloading = change({ jwksUri: elsewhere.jwksUri }, '/open');
  await asked;
  elsewhere.respond();
  t.equal((await gateway.get('/x', token)).status, 200, 'until the other one answers');
  answer();
  await reloading;
  assertRefused(t, 'its keys are in force', await gateway.get('/x', token), 'key_unknown');
  t.equal((await gateway.get('/x', issuer.mint({ key: long }))).status, 200);
});

t.test('algorithms for which the issuer has no key are said, and not taken', async (t) => {
  const { gateway, issuer, change } = await startScene(t);
  issuer.publish([rsa.publicJwk]);
  await change({ keys: { cooldown: '1s' } });
  await issuer.fetched('jwks', 2);
  await gateway.lineWhere(
    ({ msg, withdrawn }) => msg === 'keys changed' && (withdrawn as object[]).length > 0,
  );
  const expected = { message: /would lose its keys: .*its keys are RS256; algorithms is \[ES384\]/ };
  await t.rejects(change({ algorithms: ['ES384'] }), expected);
  t.equal((await gateway.get('/x', issuer.mint())).status, 200);
});

t.test('keys of a config and of a file follow their settings too', async (t) => {
  const file = join(
    t.testdir({ 'jwks.json': JSON.stringify({ keys: [rsa.publicJwk, ec.publicJwk] }) }),
    'jwks.json',
  );
  for (const source of [{ jwksFile: file }, { jwks: { keys: [rsa.publicJwk, ec.publicJwk] } }]) {
    const { gateway, issuer, change } = await startScene(t, source);
    t.equal((await gateway.get('/x', issuer.mint())).status, 200);
    await change({ algorithms: ['ES256'] });
    assertRefused(t, 'RS256', await gateway.get('/x', issuer.mint()), 'algorithm_not_allowed');
    t.equal((await gateway.get('/x', issuer.mint({ key: ec }))).status, 200);
    t.equal(await gateway.metric(fetchesOf(issuer, 'reload', 'success')), 1);
  }
});
