import t from 'tap';
import { makeKey } from '../helpers/key.ts';
import { holdClock, holdKeys, now, publish, reasonOf, type Setup, setUp, sign } from './fixture.ts';

const rsa = await makeKey('RS256', { kid: 'rsa' });

async function verified(rest: Setup = {}, claims: object = {}) {
  const clock = holdClock();
  const key = publish(rsa.publicKey, 'rsa');
  const keys = holdKeys([key]);
  const verifier = setUp({ clock, keys, ...rest });
  const token = sign(rsa, claims);
  const outcome = reasonOf(await verifier.verify(token, null));
  return { clock, key, keys, token, outcome, ...verifier };
}

t.test('a token that came twenty times had one verification', async (t) => {
  const { keys, token, cached, stats } = await verified();
  for (let time = 0; time < 20; time++) t.equal(cached(token)?.claims.sub, 'user-1');
  t.equal(keys.asked.length, 1);
  t.match(stats(), { entries: 1, hits: 20, misses: 0 });
});

t.test('a token that differs in the last character is another one', async (t) => {
  const { token, cached, verify } = await verified();
  const last = token.at(-1) === 'A' ? 'Q' : 'A';
  const twin = token.slice(0, -1) + last;
  t.equal(cached(twin), undefined);
  t.not(reasonOf(await verify(twin, null)), 'ok');
  t.ok(cached(token), 'and takes nothing from the good one');
});

t.test('a cached token past exp is refused', async (t) => {
  const { clock, token, cached, verify } = await verified({}, { exp: now + 10 });
  clock.wall = (now + 15) * 1000 - 1;
  t.ok(cached(token), 'within the tolerance');
  clock.wall += 1;
  t.equal(cached(token), undefined);
  t.equal(reasonOf(await verify(token, null)), 'token_expired');
});

t.test('a clock that steps back before nbf refuses it', async (t) => {
  const { clock, token, cached, verify } = await verified({}, { nbf: now });
  clock.wall -= 5001;
  t.equal(cached(token), undefined);
  t.equal(reasonOf(await verify(token, null)), 'token_not_yet_valid');
});

t.test('a cached token whose key was withdrawn is refused from then on', async (t) => {
  const { key, token, cached, verify, dropWithdrawn, stats } = await verified();
  key.withdrawn = true;
  t.equal(cached(token), undefined);
  t.equal(reasonOf(await verify(token, null)), 'key_unknown');
  dropWithdrawn();
  t.equal(stats().entries, 0);
});

t.test('withdrawn verdicts leave memory without being asked for', async (t) => {
  const { key, dropWithdrawn, stats } = await verified();
  key.withdrawn = true;
  dropWithdrawn();
  t.match(stats(), { entries: 0, bytes: 0, evictions: 1, misses: 0 });
});

t.test('while the keys are older than maxStale the cache serves nothing of the issuer', async (t) => {
  const { keys, token, cached } = await verified();
  keys.isUsable = false;
  t.equal(cached(token), undefined);
  keys.isUsable = true;
  t.ok(cached(token));
});

t.test('a cache that is switched off serves nothing, and verification goes on', async (t) => {
  const cache = { maxEntries: 0, maxBytes: 1000, maxAge: 1000 };
  const { keys, token, outcome, cached, verify, stats } = await verified({ cache });
  t.equal(outcome, 'ok');
  t.equal(cached(token), undefined);
  t.equal(reasonOf(await verify(token, null)), 'ok');
  t.equal(keys.asked.length, 2);
  t.equal(stats().entries, 0);
});

t.test('a verdict is taken to weigh at least its token and its claims', async (t) => {
  const { token, stats } = await verified();
  t.ok(stats().bytes > token.length + (token.split('.')[1] ?? '').length);
});

t.test('any number of distinct tokens stays within the bounds', async (t) => {
  const cache = { maxEntries: 20, maxBytes: 20_000, maxAge: 1000 };
  const { cached, verify, stats } = await verified({ cache });
  for (let id = 0; id < 50; id++) {
    const token = sign(rsa, { jti: String(id) });
    t.equal(reasonOf(await verify(token, null)), 'ok');
    t.ok(cached(token));
    t.ok(stats().entries <= 20 && stats().bytes <= 20_000);
  }
  t.ok(stats().evictions > 30);
});
