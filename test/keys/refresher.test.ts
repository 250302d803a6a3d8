import { writeFileSync } from 'node:fs';
import t from 'tap';
import type { PublishedKey } from '../../src/keys/key.ts';
import { type Responder, startFakeIssuer } from '../helpers/fake-issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { down, hour, minute, second, testKeySet } from './key-set.ts';

t.test('never, fresh, stale, expired, and fresh again', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { kid } = issuer.signingKey;
  const { set, time, advanceToFetch, found } = testKeySet(t, { jwksUri: issuer.jwksUri });
  const state = () => set.status().state;
  t.equal(state(), 'never');
  await set.start();
  t.equal(state(), 'fresh');
  const key = (set.find('ES256', kid) as object[])[0];

  issuer.respond(down);
  await advanceToFetch(10 * minute);
  t.equal(state(), 'stale');
  t.ok(set.usable());
  t.equal(await found('ES256', kid), kid, 'the last good keys serve');

  time.advance(24 * hour - 10 * minute);
  t.ok(set.usable(), 'until they are maxStale old');
  await set.refresh('refresh');
  time.advance(1);
  t.equal(state(), 'expired');
  t.notOk(set.usable());
  t.equal(await found('ES256', kid), 'keys_unavailable');
  t.equal(await found('ES256', undefined), 'keys_unavailable');
  t.equal(await found('ES256', 'new'), 'keys_unavailable');

  issuer.respond();
  t.ok(await set.refresh('refresh'));
  t.equal(state(), 'fresh');
  t.ok(set.usable());
  t.equal((set.find('ES256', kid) as object[])[0], key, 'the same object as before');
});

t.test('older than two intervals is stale, even without a failure', async (t) => {
  const key = await makeKey('ES256');
  const cases = [
    { name: 'the configured interval', maxAge: 60 * minute, fresh: 20 * minute },
    { name: 'a shorter one of the issuer', maxAge: 2 * minute, fresh: 4 * minute },
  ];
  for (const { name, maxAge, fresh } of cases) {
    const fetchJson = async () => ({ document: { keys: [key.publicJwk] }, maxAge });
    const schedule = () => () => {};
    const { set, time } = testKeySet(t, { jwksUri: 'https://idp.example.com/jwks', fetchJson, schedule });
    await set.start();
    time.advance(fresh);
    t.equal(set.status().state, 'fresh', name);
    time.advance(1);
    t.equal(set.status().state, 'stale', name);
  }
});

t.test('a wall clock that is set back makes no key younger', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { set, time } = testKeySet(t, { jwksUri: issuer.jwksUri, schedule: () => () => {} });
  await set.start();
  time.advance(20 * minute);
  time.step(-3000 * hour);
  t.match(set.status(), { state: 'fresh', ageMs: 20 * minute });
  time.advance(24 * hour - 20 * minute);
  t.ok(set.usable());
  time.advance(1);
  t.notOk(set.usable(), 'the monotonic clock says how old they are');
  t.equal(set.status().state, 'expired');
});

t.test('keys get older while the machine sleeps, and the first request asks for newer ones', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { kid } = issuer.signingKey;
  const { set, time, found, fetchedNext } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  // Timers and the monotonic clock stand still in the meantime.
  time.step(48 * hour);
  t.notOk(set.usable());
  t.match(set.status(), { state: 'expired', ageMs: 48 * hour, nextRefreshMs: 0 });
  t.equal(issuer.fetches.jwks, 1, 'the status asks for nothing');
  const refreshed = fetchedNext();
  t.match(set.find('ES256', kid), { refused: 'keys_unavailable', retryAfter: 1 });
  t.match(await refreshed, { trigger: 'refresh', result: 'success' });
  t.equal(await found('ES256', kid), kid);
  t.equal(issuer.fetches.jwks, 2, 'once');
  t.match(set.status(), { state: 'fresh', ageMs: 0, nextRefreshMs: 10 * minute });
});

t.test('keys that are not fetched get no older while the machine sleeps', async (t) => {
  const key = await makeKey('ES256');
  const { set, time, found } = testKeySet(t, { jwks: { keys: [key.publicJwk] } });
  await set.start();
  time.step(48 * hour);
  t.equal(await found('ES256', key.kid), key.kid);
});

t.test('an issuer that is down at the start is tried again, ever less often', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  issuer.respond(down);
  const { set, fetched, advanceToFetch, time, found } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await t.resolves(set.start(), 'the start does not reject');
  t.ok(set.tried());
  const waits: (number | undefined)[] = [];
  for (let n = 0; n < 8; n += 1) {
    const [wait] = time.planned();
    waits.push(wait);
    await advanceToFetch(wait ?? 0);
  }
  t.same(
    waits,
    [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 0.75 * second),
  );
  t.match(fetched.at(-1), { trigger: 'startup', result: 'failure', error: { code: 'status' } });
  issuer.respond();
  await advanceToFetch(minute);
  t.match(fetched.at(-1), { trigger: 'startup', result: 'success' });
  t.equal(await found('ES256', undefined), issuer.signingKey.kid);
  t.same(time.planned(), [10 * minute]);
  await advanceToFetch(10 * minute);
  t.match(fetched.at(-1), { trigger: 'refresh' });
});

t.test('a failed refresh is retried soon, and counts its failures anew', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { set, advanceToFetch, time } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  for (let outages = 0; outages < 2; outages += 1) {
    issuer.respond(down);
    await advanceToFetch(10 * minute);
    t.same(time.planned(), [0.75 * second]);
    await advanceToFetch(second);
    t.same(time.planned(), [1.5 * second]);
    issuer.respond();
    await advanceToFetch(2 * second);
    t.same(time.planned(), [10 * minute]);
  }
});

t.test('jitter keeps within ten per cent', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  for (const { random, interval } of [
    { random: 0, interval: 9 * minute },
    { random: 0.75, interval: 10.5 * minute },
  ]) {
    const { set, time } = testKeySet(t, { jwksUri: issuer.jwksUri, random: () => random });
    await set.start();
    t.same(time.planned(), [interval]);
  }
});

t.test('a shorter max-age brings the next refresh nearer', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { set, time } = testKeySet(t, { jwksUri: issuer.jwksUri });
  const plan = async (header: string) => {
    issuer.respond((_request, response, next) => {
      response.setHeader('cache-control', header);
      next();
    });
    await set.refresh('refresh');
    return time.planned();
  };
  t.same(await plan('max-age=120'), [2 * minute]);
  t.same(await plan('max-age=1'), [minute]);
  t.same(await plan('max-age=86400'), [10 * minute]);
});

t.test('a rotation', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const kept = await makeKey('ES256', { kid: 'kept' });
  const old = issuer.signingKey;
  issuer.publish([old.publicJwk, kept.publicJwk]);
  const { set, changed, withdrawn, found } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  t.same(
    changed.map(({ added, withdrawn }) => [added.map(({ kid }) => kid), withdrawn]),
    [[[old.kid, 'kept'], []]],
  );
  const at = (kid: string) => set.find('ES256', kid) as readonly PublishedKey[];
  const [before] = at('kept');
  const [gone] = at(old.kid);
  const imported = before?.forAlgorithm('ES256');

  const next = await makeKey('ES256', { kid: 'next' });
  issuer.publish([kept.publicJwk, next.publicJwk]);
  const pending = set.refresh('refresh');
  t.notOk(gone?.withdrawn, 'it serves until the fetch has ended');
  await pending;
  t.ok(gone?.withdrawn, 'and not after it');
  t.same(withdrawn, [gone], 'those who keep verdicts are told');
  t.match(changed[1], { added: [{ kid: 'next' }], withdrawn: [{ kid: old.kid }] });
  t.equal(await found('ES256', old.kid), 'key_unknown');
  t.equal(await found('ES256', 'next'), 'next');
  t.equal(at('kept')[0], before, 'the key that stays is the same object');
  t.equal(at('kept')[0]?.forAlgorithm('ES256'), imported, 'imported once');
  t.notOk(before?.withdrawn);

  issuer.publish([kept.publicJwk, old.publicJwk]);
  await set.refresh('refresh');
  t.ok(gone?.withdrawn, 'a key that comes back does not revive what rested on it');
  t.not(at(old.kid)[0], gone);
  t.notOk(at(old.kid)[0]?.withdrawn);
});

t.test('a key that becomes unusable is withdrawn', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256', 'ES256'] });
  const [first, other] = issuer.keys;
  const { set, skipped, withdrawn } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  t.same(skipped, []);
  issuer.publish([{ ...first?.publicJwk, use: 'enc' }, other?.publicJwk]);
  await set.refresh('refresh');
  await set.refresh('refresh');
  t.match(withdrawn, [{ kid: first?.kid }]);
  t.match(skipped, [{ keys: [{ kid: first?.kid }] }], 'said once');
  t.match(set.status().skipped, [{ kid: first?.kid }]);
  issuer.publish([first?.publicJwk, other?.publicJwk]);
  await set.refresh('refresh');
  t.match(skipped[1], { keys: [] }, 'and that it is over');
});

t.test('a set that cannot be used changes nothing', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { kid } = issuer.signingKey;
  const { set, withdrawn, found, changed } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  const weak = await makeKey('RS256', { bits: 1024 });
  const body =
    (text: string): Responder =>
    (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(text);
  const answers: { name: string; respond?: Responder; publish?: unknown[]; code: string }[] = [
    { name: 'empty', publish: [], code: 'no_usable_key' },
    { name: 'weak keys alone', publish: [weak.publicJwk], code: 'no_usable_key' },
    { name: 'too many', publish: Array(101).fill(issuer.publicJwk()), code: 'too_many_keys' },
    { name: 'too large', publish: [{ padding: 'x'.repeat(300 * 1024) }], code: 'too_large' },
    { name: 'HTML', respond: body('<!doctype html>'), code: 'not_json' },
    { name: 'no set', respond: body('{"error":"x"}'), code: 'not_key_set' },
    {
      name: 'elsewhere',
      respond: (_, response) => response.writeHead(301, { location: '/' }).end(),
      code: 'redirect',
    },
    { name: 'down', respond: down, code: 'status' },
    { name: 'reset', respond: (request) => request.socket.destroy(), code: 'network' },
  ];
  for (const { name, respond, publish, code } of answers) {
    issuer.respond(respond);
    if (publish) issuer.publish(publish);
    t.notOk(await set.refresh('refresh'), name);
    t.equal(set.status().lastError?.code, code, name);
    t.equal(await found('ES256', kid), kid, name);
  }
  t.same(withdrawn, []);
  t.equal(changed.length, 1);
});

t.test('one rotten key among good ones takes none down', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  issuer.publish([
    { kty: 'RSA', n: '!', e: 'AQAB', kid: 'rotten' },
    issuer.publicJwk(),
    { kty: 'oct', k: 'AA', kid: 'oct' },
  ]);
  const { set, found, skipped } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  t.equal(await found('ES256', issuer.signingKey.kid), issuer.signingKey.kid);
  t.match(skipped, [{ keys: [{ kid: 'rotten' }, { kid: 'oct' }] }]);
});

t.test('a hanging issuer is given up after the timeout, and asked again', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { set, time, fetched, advanceToFetch, found } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  issuer.respond((_request, response) => response.writeHead(200).write('{'));
  const refreshed = set.refresh('refresh');
  await issuer.fetched('jwks', 2);
  t.equal(await found('ES256', undefined), issuer.signingKey.kid, 'requests do not wait for it');
  t.equal(set.status().nextRefreshMs, null, 'nothing else is planned meanwhile');
  time.advance(5 * second);
  t.equal(await refreshed, false);
  t.match(fetched.at(-1), { result: 'failure', durationMs: 5 * second, error: { code: 'timeout' } });
  issuer.respond();
  await advanceToFetch(second);
  t.match(fetched.at(-1), { result: 'success' });
});

t.test('refresh sees what was published before the call', async (t) => {
  const jwksFile = `${t.testdir({})}/jwks.json`;
  const [old, next] = await Promise.all([
    makeKey('ES256', { kid: 'old' }),
    makeKey('ES256', { kid: 'next' }),
  ]);
  const write = (key: typeof old) => writeFileSync(jwksFile, JSON.stringify({ keys: [key.publicJwk] }));
  const { set, found, fetched } = testKeySet(t, { jwksFile });
  await set.start();
  t.match(set.status().lastError, { code: 'file_unreadable', message: /ENOENT/ });
  write(old);
  const first = set.refresh('reload');
  await Promise.resolve();
  t.equal(set.status().nextRefreshMs, null, 'one is under way');
  write(next);
  await Promise.all([first, set.refresh('reload'), set.refresh('reload')]);
  t.equal(await found('ES256', 'next'), 'next');
  t.equal(fetched.length, 3, 'two attempts at most, whoever asks');
  t.match(fetched.at(-1), { trigger: 'reload', result: 'success' });
  writeFileSync(jwksFile, '{"keys":');
  t.notOk(await set.refresh('reload'));
  t.equal(set.status().lastError?.code, 'not_json');
  t.equal(await found('ES256', 'next'), 'next', 'a half-written file changes nothing');
});

t.test('after close nothing happens by itself', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { set, time, found } = testKeySet(t, { jwksUri: issuer.jwksUri });
  await set.start();
  const pending = set.refresh('refresh');
  set.close();
  await pending;
  t.same(time.planned(), []);
  t.equal(set.status().nextRefreshMs, null);
  t.equal(await found('ES256', undefined), issuer.signingKey.kid, 'requests of before are still answered');
  const { kid } = await issuer.rotate();
  t.equal(await found('ES256', kid), kid);
  t.same(time.planned(), []);
});

t.test('an error of unknown make is named, not quoted', async (t) => {
  const fetchJson = () => Promise.reject(new RangeError('secret'));
  const { set, fetched } = testKeySet(t, { jwksUri: 'https://idp.example.com/jwks', fetchJson });
  await set.start();
  t.same(fetched[0]?.error, { code: 'internal', message: 'unexpected RangeError' });
});

t.test('status', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const { set, time } = testKeySet(t, { issuer: issuer.issuer, jwksUri: issuer.jwksUri });
  t.same(set.status(), {
    issuer: issuer.issuer,
    state: 'never',
    keys: [],
    skipped: [],
    fromCacheFile: false,
    lastSuccess: null,
    ageMs: null,
    nextRefreshMs: null,
    lastError: null,
  });
  await set.start();
  const fetchedAt = time.clock.now();
  time.advance(minute);
  t.match(set.status(), {
    state: 'fresh',
    keys: [{ kid: issuer.signingKey.kid, type: 'EC', algorithms: ['ES256'], thumbprint: /^[\w-]{43}$/ }],
    fromCacheFile: false,
    lastSuccess: fetchedAt,
    ageMs: minute,
    nextRefreshMs: 9 * minute,
    lastError: null,
  });
  t.notMatch(JSON.stringify(set.status()), issuer.publicJwk().x, 'no key material');
});
