import t from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import type { RequestOptions } from '../helpers/request.ts';
import { holdClock } from './held-clock.ts';
import type { Refused } from './refusals.ts';
import { assertRefused, bearer, startScene } from './scene.ts';
import { ask } from './wire.ts';

const limit = { max: 3, window: '60s', blockFor: '90s' };
const blocks = 'jwks_sidecar_failure_limit_blocks_total';
const blocked = 'jwks_sidecar_failure_limit_blocked_clients';
const verifications = 'jwks_sidecar_verification_duration_seconds_count{source="signature"}';

t.test('after so many forged tokens, no further one is looked at', async (t) => {
  const clock = holdClock();
  const { issuer, ...scene } = await startScene(
    t,
    {
      rules: [
        { path: '/open/*', auth: 'none' },
        { path: '/optional/*', auth: 'optional' },
      ],
      failureLimit: limit,
    },
    { clock },
  );
  const { gateway } = scene;
  const stranger = await makeKey();
  const forged = () => ({
    headers: bearer(issuer.mint({ header: { kid: issuer.signingKey.kid }, key: stranger })),
  });
  const fresh = () => ({ headers: bearer(issuer.mint()) });
  const verified = fresh();
  await scene.allows(t, 'a good token', verified);

  const same = forged();
  for (let i = 0; i < 10; i++)
    await scene.refuses(t, 'one forged token ten times', same, 'signature_invalid');
  await scene.refuses(t, 'the second', forged(), 'signature_invalid');
  await scene.allows(t, 'a good one between', fresh());
  await scene.refuses(t, 'the third is still told why', forged(), 'signature_invalid');
  t.equal(await gateway.metric(blocked), 1);

  const fetches = issuer.fetches.jwks;
  const verifiedSoFar = await gateway.metric(verifications);
  const refused = await scene.refuses(t, 'the fourth', forged(), 'client_blocked');
  t.equal(refused.header('retry-after'), '90', 'and when to come back');
  await scene.refuses(t, 'a good one not seen before', fresh(), 'client_blocked');
  await scene.refuses(t, 'where a token is optional', { ...fresh(), path: '/optional/x' }, 'client_blocked');
  const unknown = { headers: bearer(issuer.mint({ header: { kid: 'unknown' } })) };
  await scene.refuses(t, 'a key that nobody knows', unknown, 'client_blocked');
  t.equal(issuer.fetches.jwks, fetches, 'no keys were asked for');
  t.equal(await gateway.metric(verifications), verifiedSoFar, 'and no signature was looked at');

  await scene.allows(t, 'a token that was verified before', verified);
  await scene.refuses(t, 'no token', {}, 'token_missing');
  await scene.allows(t, 'no token where it is optional', { path: '/optional/x' });
  await scene.allows(t, 'a rule that looks at none', { ...forged(), path: '/open/x' });
  await scene.allows(t, 'another client', { ...fresh(), localAddress: '127.0.0.2' });
  t.equal(await gateway.metric(blocks), 1);

  clock.advance(89_001);
  const late = await scene.refuses(t, 'in the last second', fresh(), 'client_blocked');
  t.equal(late.header('retry-after'), '1');
  clock.advance(999);
  await scene.allows(t, 'and then no longer', fresh());
  t.equal(await gateway.metric(blocked), 0);
});

t.test('failures are counted for the time of a window', async (t) => {
  const clock = holdClock();
  const { issuer, ...scene } = await startScene(t, { failureLimit: limit }, { clock });
  const forged = () => ({ headers: bearer(`${issuer.mint()}=`) });
  const first = forged();
  await scene.refuses(t, 'one', first, 'token_malformed');
  await scene.refuses(t, 'two', forged(), 'token_malformed');
  clock.advance(60_000);
  await scene.refuses(t, 'the first again, a window later', first, 'token_malformed');
  await scene.refuses(t, 'two in this window', forged(), 'token_malformed');
  await scene.allows(t, 'are not three', { headers: bearer(issuer.mint()) });
  await scene.refuses(t, 'three', forged(), 'token_malformed');
  await scene.refuses(t, 'are', forged(), 'client_blocked');
});

t.test('what is forged or broken counts, and nothing else does', async (t) => {
  const down = await startFakeIssuer(t);
  down.respond((_request, response) => response.writeHead(503).end());
  const other = await startFakeIssuer(t);
  const { issuer, ...scene } = await startScene(
    t,
    {
      token: { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] },
      rules: [
        { path: '/scoped', scopes: ['none:such'] },
        { path: '/claimed', claims: { role: { equals: 'admin' } } },
        { path: '/other', issuers: [other.issuer] },
        { path: '/*' },
      ],
      failureLimit: { max: 1 },
    },
    {
      trust: { maxLifetime: '1h', claims: { tenant: { equals: 'acme' } } },
      others: [other, down].map(({ issuer, audience }) => ({ issuer, audience })),
    },
  );
  const stranger = await makeKey();
  const { kid } = issuer.signingKey;
  const mint = (claims: object = {}, header: object = {}) =>
    bearer(issuer.mint({ claims: { tenant: 'acme', ...claims }, header: { ...header } }));
  const forged: { [R in Refused]?: RequestOptions } = {
    token_malformed: { headers: bearer('x') },
    token_too_large: { headers: bearer('x'.repeat(17_000)) },
    algorithm_not_allowed: { headers: mint({}, { alg: 'HS256' }) },
    header_not_supported: { headers: mint({}, { crit: [] }) },
    issuer_unknown: { headers: mint({ iss: 'https://evil.example' }) },
    key_unknown: { headers: mint({}, { kid: 'unknown' }) },
    signature_invalid: { headers: bearer(issuer.mint({ header: { kid }, key: stranger })) },
  };
  const honest: { [R in Refused]?: RequestOptions } = {
    path_ambiguous: { path: '/a/../b', headers: bearer('x') },
    method_not_allowed: { method: 'TRACE', headers: bearer('x') },
    token_missing: {},
    token_ambiguous: { headers: { cookie: 'session=x; session=y' } },
    csrf_rejected: { method: 'POST', headers: { cookie: 'session=x' } },
    type_mismatch: { headers: mint({}, { typ: 'logout+jwt' }) },
    keys_unavailable: { headers: bearer(down.mint()) },
    token_expired: { headers: mint({ exp: 1, iat: 0 }) },
    token_not_yet_valid: { headers: mint({ nbf: 4e9 }) },
    token_lifetime_exceeded: { headers: mint({ iat: 1 }) },
    audience_mismatch: { headers: mint({ aud: 'api://other' }) },
    claim_missing: { headers: mint({ tenant: '' }) },
    claim_mismatch: { headers: mint({ tenant: 'evil' }) },
    binding_mismatch: { headers: mint({ cnf: {} }) },
    scope_insufficient: { path: '/scoped', headers: mint() },
    rule_denied: { path: '/claimed', headers: mint() },
  };
  let clients = 0;
  const cases = [
    ...Object.entries(forged).map(([reason, request]) => ({ reason, request, counts: true })),
    ...Object.entries(honest).map(([reason, request]) => ({ reason, request, counts: false })),
  ];
  for (const { reason, request, counts } of cases) {
    const localAddress = `127.0.2.${++clients}`;
    await scene.refuses(t, reason, { ...request, localAddress }, reason as Refused);
    const next = { headers: mint(), localAddress };
    if (counts) await scene.refuses(t, `the one after ${reason}`, next, 'client_blocked');
    else await scene.allows(t, `the one after ${reason}`, next);
  }
  const signed: Readonly<Record<string, object>> = {
    'a subject that is a number': { sub: 12_345 },
    'a date in quotes': { exp: String(Math.floor(Date.now() / 1000) + 60) },
    'an audience of numbers': { aud: [1] },
    'an integer that is too large': { role: 2 ** 60 },
  };
  for (const [name, claims] of Object.entries(signed)) {
    const localAddress = `127.0.3.${++clients}`;
    await scene.refuses(t, name, { headers: mint(claims), localAddress }, 'token_malformed');
    await scene.allows(t, `the one after ${name}`, { headers: mint(), localAddress });
  }
  const elsewhere = { path: '/other', localAddress: '127.0.4.1' };
  const passing = { headers: mint(), localAddress: '127.0.4.1' };
  const name = 'an issuer that this rule does not accept';
  await scene.refuses(t, name, { ...elsewhere, headers: mint() }, 'issuer_unknown');
  await scene.allows(t, 'the one after it', passing);
  await scene.refuses(t, `${name}, from the cache`, { ...passing, path: '/other' }, 'issuer_unknown');
  await scene.allows(t, 'the one after that', { ...passing, headers: mint() });
});

t.test('a token that was verified once passes a block however long ago that was', async (t) => {
  const clock = holdClock();
  const failureLimit = { max: 1, blockFor: '500h' };
  for (const maxEntries of [0, 1, 10_000]) {
    const config = { failureLimit, token: { cache: { maxEntries, maxAge: '1m' } } } as const;
    const trust = { keys: { maxStale: '500h' } };
    const { issuer, ...scene } = await startScene(t, config, { clock, trust });
    const mint = (claims: object = {}) => {
      const exp = Math.floor(clock.now() / 1000) + 86_400;
      return { headers: bearer(issuer.mint({ claims: { exp, ...claims } })) };
    };
    const verified = [mint(), mint(), mint()];
    for (const each of verified) await scene.allows(t, `cache of ${maxEntries}: verified`, each);
    const unscoped = mint({ aud: 'other' });
    await scene.refuses(t, 'a token of another audience', unscoped, 'audience_mismatch');
    clock.advance(7_200_000);
    await scene.refuses(t, 'a forgery', { headers: bearer('junk') }, 'token_malformed');
    await scene.refuses(t, 'a good token that is new', mint(), 'client_blocked');
    await scene.refuses(t, 'one that was refused before', unscoped, 'client_blocked');
    for (const each of verified) {
      await scene.allows(t, `cache of ${maxEntries}: verified two hours ago`, each);
      clock.advance(61_000);
      await scene.allows(t, 'and again', each);
    }
    const altered = `${verified[0]?.headers.authorization}`.slice(0, -2);
    await scene.refuses(
      t,
      'a verified one that is altered',
      { headers: { authorization: altered } },
      'client_blocked',
    );
    clock.advance(86_400_000);
    for (const each of verified) await scene.refuses(t, 'once it has expired', each, 'token_expired');
    t.equal(await scene.gateway.metric(blocks), 1);
  }
});

t.test('a reload forgets neither a block nor whom it spares', async (t) => {
  const clock = holdClock();
  const { issuer, gateway, echo } = await startScene(t, { failureLimit: { max: 1 } }, { clock });
  const token = issuer.mint();
  t.equal((await gateway.get('/', token)).status, 200);
  assertRefused(t, 'a forgery', await gateway.get('/', 'junk'), 'token_malformed');
  const trust = { issuer: issuer.issuer, audience: issuer.audience };
  const next = { upstream: echo.url, failureLimit: { max: 1 }, rules: [{ path: '/new' }] };
  const settings = [{}, { cache: { maxEntries: 50_000 } }, { cache: { maxEntries: 0 } }];
  for (const settingsOfToken of settings) {
    await gateway.reload({ ...next, issuers: [trust], token: settingsOfToken });
    t.equal((await gateway.get('/', token)).status, 200, 'the token that was verified');
    assertRefused(t, 'another one', await gateway.get('/', issuer.mint()), 'client_blocked');
  }
  await gateway.reload({ ...next, issuers: [{ ...trust, audience: 'other' }] });
  assertRefused(t, 'where it is not accepted any more', await gateway.get('/', token), 'audience_mismatch');
});

t.test('a blocked client causes no fetch, with a token that was verified once either', async (t) => {
  const clock = holdClock();
  const { issuer, gateway } = await startScene(t, { failureLimit: { max: 1, blockFor: '1h' } }, { clock });
  const token = issuer.mint();
  t.equal((await gateway.get('/', token)).status, 200);
  await issuer.rotate({ keepOld: false });
  assertRefused(
    t,
    'a token of the next key, which makes the gateway fetch',
    await gateway.get('/', issuer.mint({ claims: { exp: 1 } })),
    'token_expired',
  );
  assertRefused(t, 'a forgery', await gateway.get('/', 'junk'), 'token_malformed');
  const fetches = issuer.fetches.jwks;
  const answer = await gateway.get('/', token);
  t.match(answer.json(), { code: 'key_unknown' }, 'its key has been withdrawn');
  t.equal(answer.header('retry-after'), '3600');
  t.equal(issuer.fetches.jwks, fetches);
});

t.test('an unknown key counts only after the fetch that was allowed', async (t) => {
  const clock = holdClock();
  const { issuer, ...scene } = await startScene(
    t,
    { failureLimit: { max: 7 } },
    { clock, trust: { keys: { cooldown: '20s' } } },
  );
  const { gateway } = scene;
  const guess = (kid: string) => gateway.get('/', issuer.mint({ header: { kid } }));
  for (let i = 0; i < 5; i++) {
    const answer = await guess(`made up ${i}`);
    t.match(answer.json(), { code: 'key_unknown' });
    t.equal(answer.header('retry-after'), undefined, 'the issuer was asked');
  }
  await issuer.rotate();
  const fetches = issuer.fetches.jwks;
  for (let i = 0; i < 25; i++) {
    const answer = await gateway.get('/', issuer.mint());
    t.match(answer.json(), { code: 'key_unknown' }, 'an honest user right after a rotation');
    t.equal(answer.status, 401);
    t.equal(answer.header('retry-after'), '20');
  }
  t.equal(issuer.fetches.jwks, fetches, 'the issuer was not asked');
  const explained = await gateway.server.explain({ token: issuer.mint() });
  t.match(
    explained.steps.find(({ outcome }) => outcome === 'failed'),
    { check: 'key', reason: 'key_unknown', hint: /keys\.cooldown allows the next fetch in 20 s/ },
    'an explanation says so too',
  );
  clock.advance(19_001);
  t.equal((await gateway.get('/', issuer.mint())).header('retry-after'), '1');
  clock.advance(1000);
  await scene.allows(t, 'none of them is blocked, and the key has come', { headers: bearer(issuer.mint()) });
  t.equal(await gateway.metric(blocks), 0);
});

t.test('who a client is', async (t) => {
  const failureLimit = { max: 1, ipv4Prefix: 24, ipv6Prefix: 64, maxClients: 8 };
  const direct = await startScene(t, { failureLimit, listen: { trustedProxies: ['10.0.0.0/8'] } });
  const from = (scene: typeof direct, address: string, token = scene.issuer.mint()) => ({
    headers: { ...bearer(token), 'x-forwarded-for': address },
  });
  await direct.refuses(t, 'a forgery', from(direct, '198.51.100.7', 'x'), 'token_malformed');
  await direct.refuses(
    t,
    'whatever a stranger says of its address',
    from(direct, '203.0.113.9'),
    'client_blocked',
  );
  const neighbor = { headers: bearer(direct.issuer.mint()), localAddress: '127.0.0.77' };
  await direct.refuses(t, 'its neighbor in the network', neighbor, 'client_blocked');
  await direct.allows(t, 'the next network', { ...neighbor, localAddress: '127.0.1.1' });

  const behind = await startScene(t, {
    failureLimit,
    listen: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  });
  await behind.refuses(t, 'a forgery', from(behind, '198.51.100.7', 'x'), 'token_malformed');
  await behind.refuses(t, 'the same client', from(behind, '198.51.100.7'), 'client_blocked');
  await behind.refuses(t, 'as a mapped address', from(behind, '::ffff:198.51.100.7'), 'client_blocked');
  await behind.refuses(t, 'through another proxy', from(behind, '198.51.100.7, 10.1.2.3'), 'client_blocked');
  await behind.refuses(
    t,
    'with a lie before it',
    from(behind, '203.0.113.9, 198.51.100.7'),
    'client_blocked',
  );
  await behind.allows(t, 'another client', from(behind, '203.0.113.9'));
  await behind.allows(t, 'that one, with the lie before', from(behind, '198.51.100.7, 203.0.113.9'));
  await behind.allows(t, 'the proxy itself', { headers: bearer(behind.issuer.mint()) });
  await behind.refuses(t, 'an IPv6 forgery', from(behind, '2001:db8::1', 'x'), 'token_malformed');
  await behind.refuses(t, 'from all of its /64', from(behind, '2001:db8::ffff:1'), 'client_blocked');
  await behind.allows(t, 'and not from the next', from(behind, '2001:db8:0:1::1'));

  for (let net = 0; net < 30; net++) {
    const answer = await behind.gateway.request(from(behind, `192.0.${net}.1`, `x${net}`));
    assertRefused(t, `network ${net}`, answer, 'token_malformed');
  }
  t.ok((await behind.gateway.metric(blocked)) <= 8, 'no more of them are remembered than allowed');
});

const max = 20;

t.test('of forged tokens that come all at once, only as many as are counted are verified', async (t) => {
  const stranger = await makeKey();
  const start = async () => {
    const { issuer, ...scene } = await startScene(t, { failureLimit: { max } });
    const forge = (header: object = {}) =>
      issuer.mint({ header: { kid: issuer.signingKey.kid, ...header }, key: stranger });
    return { issuer, forge, ...scene };
  };
  const count = (reasons: readonly unknown[], reason: string) =>
    reasons.filter((each) => each === reason).length;

  await t.test('in one packet', async (t) => {
    const { gateway, forge, issuer, echo } = await start();
    const raw = await gateway.raw();
    const tokens = [...Array.from({ length: 100 }, () => forge()), issuer.mint()];
    await raw.send(tokens.map((token) => ask('GET /', `Authorization: Bearer ${token}`)).join(''));
    const reasons: unknown[] = [];
    for (const _ of tokens) reasons.push(JSON.parse((await raw.response()).text).code);
    t.equal(count(reasons, 'signature_invalid'), max);
    t.equal(count(reasons, 'client_blocked'), 101 - max, 'the rest, the good one behind them too');
    t.equal(await gateway.metric(verifications), max, 'no further signature was looked at');
    t.equal(echo.seen.length, 0);
  });

  await t.test('over many connections', async (t) => {
    const { gateway, forge, echo, issuer, ...scene } = await start();
    const answers = await Promise.all(Array.from({ length: 100 }, () => gateway.get('/', forge())));
    const reasons = answers.map((answer) => (answer.json() as { code: string }).code);
    t.equal(count(reasons, 'signature_invalid'), max);
    t.equal(count(reasons, 'client_blocked'), 100 - max);
    t.equal(await gateway.metric(verifications), max);
    t.equal(await gateway.metric(blocks), 1, 'they begin one block');
    t.equal(echo.seen.length, 0);
    await scene.refuses(t, 'which then holds', { headers: bearer(issuer.mint()) }, 'client_blocked');
  });

  await t.test('while they wait for the keys', async (t) => {
    const { gateway, forge, issuer, echo } = await start();
    const verified = issuer.mint();
    t.equal((await gateway.get('/', verified)).status, 200);
    const before = await gateway.metric(verifications);
    const next = await makeKey();
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      issuer.respond((request, _response, pass) => {
        if (request.url !== '/jwks') return pass();
        answer = pass;
        resolve();
      });
    });
    issuer.publish([next.publicJwk]);
    const forged = Array.from({ length: 100 }, () => forge({ kid: next.kid }));
    const raw = await gateway.raw();
    await raw.send(forged.map((token) => ask('GET /', `Authorization: Bearer ${token}`)).join(''));
    await asked;
    // All hundred have been read by the time that another request of theirs is answered.
    t.equal((await gateway.get('/nothing')).status, 401);
    answer();
    const reasons: unknown[] = [];
    for (const _ of forged) reasons.push(JSON.parse((await raw.response()).text).code);
    t.equal(count(reasons, 'signature_invalid'), max);
    t.equal(count(reasons, 'client_blocked'), 100 - max);
    t.equal(await gateway.metric(verifications), before + max);
    t.equal(echo.seen.length, 1);
  });
});

t.test('no limit', async (t) => {
  const { issuer, ...scene } = await startScene(t, { failureLimit: null });
  for (let i = 0; i < 30; i++)
    await scene.refuses(t, 'a forgery', { headers: bearer(`x${i}`) }, 'token_malformed');
  await scene.allows(t, 'after thirty of them', { headers: bearer(issuer.mint()) });
});
