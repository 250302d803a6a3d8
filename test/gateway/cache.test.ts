import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { holdClock } from './held-clock.ts';
import type { Refused } from './refusals.ts';
import { bearer, type Scene, startScene } from './scene.ts';

const hits = 'jwks_sidecar_token_cache_hits_total';
const misses = 'jwks_sidecar_token_cache_misses_total';
const entries = 'jwks_sidecar_token_cache_entries';

const lasting = { exp: Math.floor(Date.now() / 1000) + 7200 };

t.test('one token twenty times', async (t) => {
  const { issuer, ...scene } = await startScene(t);
  const headers = bearer(issuer.mint());
  for (let i = 0; i < 20; i++) {
    const seen = await scene.allows(t, `time ${i}`, { headers });
    t.equal(seen.header('x-verified-subject'), 'subject');
    t.match(await scene.gateway.line(seen.header('x-request-id')), { cached: i > 0 });
  }
  t.equal(await scene.gateway.metric(misses), 1);
  t.equal(await scene.gateway.metric(hits), 19);
});

t.test('two tokens that differ in one letter', async (t) => {
  const { issuer, ...scene } = await startScene(t, { failureLimit: null });
  for (const first of ['good', 'bad']) {
    const token = issuer.mint();
    // The letter before the last: every bit of it belongs to the signature.
    const twin = `${token.slice(0, -2)}${token.at(-2) === 'A' ? 'B' : 'A'}${token.slice(-1)}`;
    const good = () => scene.allows(t, `${first} first: the good one`, { headers: bearer(token) });
    const bad = () =>
      scene.refuses(t, `${first} first: its twin`, { headers: bearer(twin) }, 'signature_invalid');
    for (let i = 0; i < 3; i++) {
      if (first === 'good') await good();
      await bad();
      if (first === 'bad') await good();
    }
  }
});

/** What each path says of a token of ours, by path. */
const verdicts: Readonly<Record<string, Refused | 'ok'>> = {
  '/read': 'ok',
  '/write': 'scope_insufficient',
  '/role': 'rule_denied',
  '/nested': 'ok',
  '/other': 'issuer_unknown',
  '/tenants/acme/x': 'ok',
  '/tenants/evil/x': 'rule_denied',
  '/optional': 'ok',
  '/': 'ok',
};

async function startNeeds(
  t: Test,
  token: ConfigInput['token'] = {},
): Promise<{ scene: Scene; other: FakeIssuer }> {
  const other = await startFakeIssuer(t);
  const rules: ConfigInput['rules'] = [
    { path: '/read', scopes: ['orders:read'] },
    { path: '/write', scopes: ['orders:write'] },
    { path: '/role', claims: { role: { equals: 'admin' } } },
    { path: '/nested', claims: { 'realm_access["x.y"]': { oneOf: ['admin'] } } },
    { path: '/other', issuers: [other.issuer] },
    { path: '/tenants/:tenant/*', claims: { tenant: { equals: '{tenant}' } } },
    { path: '/optional', auth: 'optional' },
  ];
  const others = [{ issuer: other.issuer, audience: other.audience }];
  return { scene: await startScene(t, { rules, token, failureLimit: null }, { others }), other };
}

const caches = [
  { name: 'with room', token: {}, kept: 4 },
  { name: 'for one token', token: { cache: { maxEntries: 1 } }, kept: 1 },
  { name: 'of no size', token: { cache: { maxBytes: 1 } }, kept: 0 },
  { name: 'switched off', token: { cache: { maxEntries: 0 } }, kept: 0 },
];
for (const { name, token, kept } of caches) {
  t.test(`one token on rules with different needs, in both orders, cache ${name}`, async (t) => {
    const { scene, other } = await startNeeds(t, token);
    for (const order of [Object.keys(verdicts), Object.keys(verdicts).reverse()]) {
      const headers = bearer(
        scene.issuer.mint({ claims: { tenant: 'acme', realm_access: { 'x.y': 'admin' } } }),
      );
      const between = { path: '/other', headers: bearer(other.mint()) };
      for (const path of [...order, ...order]) {
        const verdict = verdicts[path] ?? 'ok';
        if (verdict === 'ok') await scene.allows(t, path, { path, headers });
        else await scene.refuses(t, path, { path, headers }, verdict);
        await scene.allows(t, 'another token between', between);
      }
    }
    t.equal(await scene.gateway.metric(entries), kept, 'verdicts kept');
  });
}

t.test('a cached token grows old', async (t) => {
  const clock = holdClock();
  const { issuer, ...scene } = await startScene(t, { failureLimit: null }, { clock });
  const now = clock.now() / 1000;
  const short = { headers: bearer(issuer.mint({ claims: { nbf: now, exp: now + 60 } })) };
  const long = { headers: bearer(issuer.mint({ claims: lasting })) };
  await scene.allows(t, 'young', short);
  await scene.allows(t, 'young', long);
  clock.advance(64_999);
  await scene.allows(t, 'in the last millisecond of the tolerance', short);
  t.equal(await scene.gateway.metric(misses), 2);
  clock.advance(1);
  await scene.refuses(t, 'and from then on', short, 'token_expired');
  await scene.allows(t, 'another token is not touched', long);
  t.equal(await scene.gateway.metric(misses), 3, 'nor verified anew');
  clock.advance(235_000);
  await scene.allows(t, 'at maxAge', long);
  t.equal(await scene.gateway.metric(misses), 4, 'it is');
  clock.step(-3_600_000);
  await scene.refuses(t, 'the clock set back', short, 'token_not_yet_valid');
  clock.step(2 * 7_200_000);
  await scene.refuses(t, 'the clock set forth', long, 'token_expired');
});

t.test('a cached token dies with its key', async (t) => {
  const { issuer, ...scene } = await startScene(t, { failureLimit: null });
  const old = { headers: bearer(issuer.mint()) };
  const [before] = issuer.keys;
  await scene.allows(t, 'before', old);
  await issuer.rotate();
  await scene.allows(t, 'a token of the next key', { headers: bearer(issuer.mint()) });
  await scene.allows(t, 'both are published', old);
  await issuer.rotate({ keepOld: false });
  await scene.allows(t, 'what makes the gateway look again', { headers: bearer(issuer.mint()) });
  t.equal(await scene.gateway.metric(entries), 1, 'the verdicts of withdrawn keys are gone');
  await scene.refuses(t, 'a withdrawn key', old, 'key_unknown');
  issuer.publish([before!.publicJwk]);
  await scene.allows(t, 'the key published once more', old);
});

t.test('a refusal is not remembered', async (t) => {
  const { issuer, ...scene } = await startScene(t, { failureLimit: null });
  const [published] = issuer.keys;
  const next = await issuer.rotate();
  const early = { headers: bearer(issuer.mint()) };
  issuer.publish([published!.publicJwk]);
  await scene.refuses(t, 'signed before its key is published', early, 'key_unknown');
  issuer.publish([published!.publicJwk, next.publicJwk]);
  await scene.allows(t, 'and after', early);
});

t.test('keys too old to serve keep no cached token alive', async (t) => {
  const clock = holdClock();
  const keys = { refresh: '5m', maxStale: '10m' };
  const { issuer, ...scene } = await startScene(
    t,
    { token: { cache: { maxAge: '1h' } } },
    { clock, trust: { keys } },
  );
  const cached = { headers: bearer(issuer.mint({ claims: lasting })) };
  await scene.allows(t, 'fresh', cached);
  issuer.respond((_request, response) => response.writeHead(500).end());
  clock.advance(10 * 60_000);
  await scene.allows(t, 'at maxStale', cached);
  clock.advance(1);
  await scene.refuses(t, 'beyond it', cached, 'keys_unavailable');
});
