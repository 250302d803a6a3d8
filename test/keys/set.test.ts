import t, { type Test } from 'tap';
import { isRefusal } from '../../src/errors.ts';
import type { FetchedJson } from '../../src/keys/fetch.ts';
import type { Found } from '../../src/keys/set.ts';
import { startFakeIssuer } from '../helpers/fake-issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { minute, second, type TestOptions, testKeySet } from './key-set.ts';

/** An issuer with one ES256 key, and a key set that has fetched it. */
async function startPair(t: Test, options: TestOptions = {}) {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const pair = { issuer, ...testKeySet(t, { issuer: issuer.issuer, jwksUri: issuer.jwksUri, ...options }) };
  await pair.set.start();
  return pair;
}

t.test('before the first fetch has ended nothing waits', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { kid } = issuer.signingKey;
  const { set, time } = testKeySet(t, { jwksUri: issuer.jwksUri });
  const refusal = { refused: 'keys_unavailable', issuer: 'https://idp.example.com', retryAfter: 1, kid };
  t.same(set.find('ES256', kid), refusal, 'not started');
  t.notOk(set.usable());
  issuer.respond(() => {});
  const started = set.start();
  await issuer.fetched('jwks', 1);
  t.same(set.find('ES256', kid), refusal, 'while it runs');
  const { kid: _kid, ...nameless } = refusal;
  t.same(set.find('ES256', undefined), nameless, 'without kid');
  t.notOk(set.tried());
  time.advance(5 * second);
  await started;
  t.ok(set.tried());
  t.equal(set.status().lastError?.code, 'timeout');
  t.match(set.find('ES256', kid), { refused: 'keys_unavailable', retryAfter: 1 }, 'after it failed');
  t.equal(issuer.fetches.jwks, 1, 'requests cause no fetch');
});

t.test('retryAfter says when the next attempt comes', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  issuer.respond((_request, response) => response.writeHead(500).end());
  const { set, time, advanceToFetch } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  for (let failures = 1; failures < 8; failures += 1) await advanceToFetch(minute);
  t.match(set.find('ES256', 'any'), { retryAfter: 45 });
  time.advance(20.5 * second);
  t.match(set.find('ES256', 'any'), { retryAfter: 25 }, 'whole seconds, rounded up');
});

t.test('the keys at hand answer at once', async (t) => {
  const { issuer, set } = await startPair(t);
  const { kid } = issuer.signingKey;
  const found = set.find('ES256', kid) as Found;
  t.notOk(found instanceof Promise || isRefusal(found));
  t.match(found, [{ kid }]);
  const unfit = set.find('RS256', kid);
  t.same(unfit, { refused: 'key_unknown', issuer: issuer.issuer, kid }, 'known, and for another algorithm');
  t.equal(issuer.fetches.jwks, 1);
});

t.test('a kid whose key is skipped causes no fetch', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const weak = await makeKey('RS256', { kid: 'weak', bits: 1024 });
  issuer.publish([weak.publicJwk, issuer.publicJwk()]);
  const { set } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  t.match(set.find('RS256', 'weak'), { refused: 'key_unknown' });
  t.equal(issuer.fetches.jwks, 1);
});

t.test('without kid, each key that fits', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256', 'RS256'] });
  const [ec, rsa] = issuer.keys;
  const { set, found } = testKeySet(t, { jwksUri: issuer.jwksUri, algorithms: ['ES256', 'RS256', 'ES384'] });
  await set.start();
  t.equal(await found('ES256', undefined), ec?.kid);
  t.equal(await found('RS256', undefined), rsa?.kid);
  t.same(set.find('ES384', undefined), { refused: 'key_unknown', issuer: 'https://idp.example.com' }, 'none');
  await issuer.rotate({ alg: 'ES256' });
  await set.refresh('reload');
  t.equal(
    await found('ES256', undefined),
    issuer.keys
      .filter(({ alg }) => alg === 'ES256')
      .map(({ kid }) => kid)
      .join(' '),
    'two',
  );
  t.equal(issuer.fetches.jwks, 2, 'no fetch but the one asked for');
  const { kid: _kid, ...nameless } = issuer.publicJwk();
  issuer.publish([nameless]);
  await set.refresh('reload');
  t.equal(await found('ES256', undefined), '-', 'a key without kid');
  t.equal(await found('ES256', 'named'), 'key_unknown', 'which answers to no name');
});

t.test('every key of a kid that fits is found', async (t) => {
  const keys = await Promise.all(
    ['ES256', 'ES256', 'RS256'].map((alg) => makeKey(alg as 'ES256', { kid: 'same' })),
  );
  const { set, found } = testKeySet(t, { jwks: { keys: keys.map((key) => key.publicJwk) } });
  await set.start();
  t.equal(await found('ES256', 'same'), 'same same');
  t.equal(await found('RS256', 'same'), 'same');
});

t.test('of more than four keys that fit none is tried, and nobody is to blame', async (t) => {
  const keys = await Promise.all(Array.from({ length: 5 }, (_, n) => makeKey('ES256', { kid: `k${n}` })));
  const publish = (count: number, kid?: string) => ({
    jwks: { keys: keys.slice(0, count).map(({ publicJwk }) => ({ ...publicJwk, ...(kid && { kid }) })) },
  });
  for (const kid of [undefined, 'same']) {
    const four = testKeySet(t, publish(4, kid));
    await four.set.start();
    t.equal((await four.found('ES256', kid)).split(' ').length, 4, `four, kid ${kid}`);
    const five = testKeySet(t, publish(5, kid));
    await five.set.start();
    const refusal = { refused: 'key_unknown', issuer: 'https://idp.example.com', uncounted: true };
    t.same(five.set.find('ES256', kid), { ...refusal, ...(kid && { kid }) }, `five, kid ${kid}`);
    t.same(five.set.peek('ES256', kid), { ...refusal, ...(kid && { kid }) }, 'at hand, too');
  }
});

t.test('a key without kid that is not fetched answers to every name that no other key has', async (t) => {
  const [nameless, named] = await Promise.all([makeKey('ES256'), makeKey('ES256', { kid: 'named' })]);
  const { kid: _kid, ...bare } = nameless.publicJwk;
  const { set, found } = testKeySet(t, { jwks: { keys: [bare, named.publicJwk] } });
  await set.start();
  t.equal(await found('ES256', 'whatever'), '-');
  t.equal(await found('ES256', 'named'), 'named');
  t.equal(await found('RS256', 'whatever'), 'key_unknown', 'if it fits');
});

t.test('an unknown kid waits for one fetch that all share', async (t) => {
  const { issuer, set, fetched, found } = await startPair(t);
  const before = set.find('ES256', issuer.signingKey.kid);
  const { kid } = await issuer.rotate();
  const answers = await Promise.all(
    [...Array(50).fill(kid), ...Array(50).fill('nobody')].map((id) => found('ES256', id)),
  );
  t.same(new Set(answers.slice(0, 50)), new Set([kid]));
  t.same(new Set(answers.slice(50)), new Set(['key_unknown']));
  t.equal(issuer.fetches.jwks, 2);
  t.match(fetched[1], { trigger: 'unknown_key', result: 'success' });
  const after = set.find('ES256', issuer.keys[1]?.kid);
  t.equal((after as object[])[0], (before as object[])[0], 'the key from before stays the same object');
});

t.test('when that fetch fails, nobody knows', async (t) => {
  const { issuer, set, found } = await startPair(t);
  issuer.respond((_request, response) => response.writeHead(500).end());
  const refusals = await Promise.all(Array.from({ length: 20 }, (_, n) => set.find('ES256', `new-${n}`)));
  for (const refusal of refusals) t.match(refusal, { refused: 'keys_unavailable', retryAfter: 1 });
  t.equal(issuer.fetches.jwks, 2);
  t.equal(await found('ES256', issuer.signingKey.kid), issuer.signingKey.kid, 'the keys at hand serve on');
});

t.test('a flood of random kids', async (t) => {
  for (const outcome of ['success', 'failure'] as const) {
    const { issuer, set, time, found } = await startPair(t);
    const { kid } = issuer.signingKey;
    if (outcome === 'failure') issuer.respond((_request, response) => response.writeHead(500).end());
    const flood = async () => {
      for (let n = 0; n < 20; n += 1) {
        await Promise.all(Array.from({ length: 10 }, () => set.find('ES256', crypto.randomUUID())));
        t.equal(await found('ES256', kid), kid);
      }
    };
    await flood();
    t.equal(issuer.fetches.jwks - 1, 5, `${outcome}: five at once`);
    const refused = set.find('ES256', 'random');
    t.match(
      refused,
      { refused: 'key_unknown', issuer: issuer.issuer, kid: 'random', uncounted: true, retryAfter: Number },
      'the rest at once: nobody has looked, so it does not count, and may be tried again',
    );
    t.match(set.peek('ES256', 'random'), refused, 'as whoever only looks is told too');
    // Short of any refresh of the set's own after a failure, which has its own pace.
    const attempts = () => issuer.fetches.jwks;
    for (let cooldowns = 1; cooldowns <= 3; cooldowns += 1) {
      time.advance(29 * second);
      await set.refresh('reload');
      const before = attempts();
      await flood();
      t.equal(attempts(), before, `${outcome}: none before the cooldown`);
      time.advance(second);
      await set.refresh('reload');
      const due = attempts();
      await flood();
      t.equal(attempts(), due + 1, `${outcome}: one after it`);
    }
  }
});

t.test('rotation every second under a flood', async (t) => {
  const { issuer, time, found } = await startPair(t, { keys: { cooldown: 200 } });
  for (let rotations = 0; rotations < 20; rotations += 1) {
    for (let n = 0; n < 10; n += 1) await found('ES256', `forged-${n}`);
    const { kid: old } = issuer.signingKey;
    const { kid } = await issuer.rotate({ keepOld: false });
    t.equal(await found('ES256', kid), 'key_unknown', 'the flood has spent the budget');
    time.advance(200);
    t.equal(await found('ES256', kid), kid, 'accepted within one cooldown');
    t.equal(await found('ES256', old), 'key_unknown', 'withdrawn with the same fetch');
    time.advance(800);
  }
});

t.test('a fetch under way that lacks the key does not settle it', async (t) => {
  const old = await makeKey('ES256', { kid: 'old' });
  const next = await makeKey('ES256', { kid: 'next' });
  const waiting: ((fetched: FetchedJson) => void)[] = [];
  const fetchJson = () => new Promise<FetchedJson>((resolve) => waiting.push(resolve));
  const answer = (...keys: (typeof old)[]) =>
    waiting.shift()?.({ document: { keys: keys.map((key) => key.publicJwk) } });
  const { set, found, fetched } = testKeySet(t, { jwksUri: 'https://idp.example.com/jwks', fetchJson });
  const started = set.start();
  answer(old);
  await started;

  const refreshed = set.refresh('refresh');
  await Promise.resolve();
  t.equal(waiting.length, 1);
  const answers = Promise.all(['next', 'next', 'nobody'].map((kid) => found('ES256', kid)));
  t.equal(waiting.length, 1, 'it is awaited first');
  answer(old);
  await refreshed;
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(waiting.length, 1, 'then one more is asked for, by all');
  answer(old, next);
  t.same(await answers, ['next', 'next', 'key_unknown']);
  t.same(
    fetched.map(({ trigger }) => trigger),
    ['startup', 'refresh', 'unknown_key'],
  );
});

t.test('a fetch under way that brings the key costs the budget nothing', async (t) => {
  const { issuer, set, found, fetched } = await startPair(t);
  const { kid } = await issuer.rotate();
  const refreshed = set.refresh('refresh');
  await Promise.resolve();
  t.equal(await found('ES256', kid), kid);
  await refreshed;
  t.equal(issuer.fetches.jwks, 2);
  t.match(fetched[1], { trigger: 'refresh' });
});

t.test('a key withdrawn by the fetch for another is gone with it', async (t) => {
  const { issuer, found } = await startPair(t);
  const { kid: old } = issuer.signingKey;
  const { kid } = await issuer.rotate({ keepOld: false });
  t.equal(await found('ES256', kid), kid);
  t.equal(await found('ES256', old), 'key_unknown');
});

t.test('sets without an address never fetch for a kid', async (t) => {
  const key = await makeKey('ES256', { kid: 'known' });
  const document = { keys: [key.publicJwk] };
  const jwksFile = `${t.testdir({ 'jwks.json': JSON.stringify(document) })}/jwks.json`;
  for (const options of [{ jwks: document }, { jwksFile }]) {
    const { set, found, fetched } = testKeySet(t, options);
    await set.start();
    t.equal(await found('ES256', 'known'), 'known');
    t.same(set.find('ES256', 'other'), {
      refused: 'key_unknown',
      issuer: 'https://idp.example.com',
      kid: 'other',
    });
    const underway = set.refresh('refresh');
    await Promise.resolve();
    t.match(set.find('ES256', 'other'), { refused: 'key_unknown' }, 'nor wait for one');
    await underway;
    t.equal(fetched.length, 2);
  }
});

t.test("one issuer's trouble is its own", async (t) => {
  const [good, bad] = await Promise.all([startPair(t), startPair(t)]);
  const stuck = new Promise<void>((resolve) => bad.issuer.respond(() => resolve()));
  const answer = bad.set.find('ES256', 'unknown');
  await stuck;
  const { kid } = await good.issuer.rotate();
  t.equal(await good.found('ES256', kid), kid);
  t.equal(await good.found('ES256', 'unknown'), 'key_unknown');
  bad.time.advance(5 * second);
  t.match(await answer, { refused: 'keys_unavailable' });
  bad.issuer.respond();
  t.equal(await bad.found('ES256', kid), 'key_unknown', 'nor does it know the keys of another');
});

t.test('a kid is a name, never looked up in an object', async (t) => {
  const { set, issuer } = await startPair(t, { keys: { cooldown: 60 * minute } });
  for (let n = 0; n < 5; n += 1) await set.find('ES256', `spend-${n}`);
  const { fetches } = issuer;
  const before = fetches.jwks;
  const kids = [
    '__proto__',
    'constructor',
    'toString',
    '',
    ' ',
    '../jwks',
    'http://evil.example/jwks',
    'a\u0000b',
    'x'.repeat(10_000),
  ];
  for (const kid of kids)
    t.match(set.find('ES256', kid), { refused: 'key_unknown' }, JSON.stringify(kid.slice(0, 30)));
  for (const alg of ['none', 'HS256', '__proto__', '']) {
    t.match(set.find(alg, issuer.signingKey.kid), { refused: 'key_unknown' }, alg);
    t.match(set.find(alg, undefined), { refused: 'key_unknown' }, alg);
  }
  t.equal(fetches.jwks, before);
});
