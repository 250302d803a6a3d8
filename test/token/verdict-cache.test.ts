import fc from 'fast-check';
import t from 'tap';
import { type CacheOptions, VerdictCache } from '../../src/token/cache.ts';
import { holdClock, now } from './fixture.ts';

const roomy: CacheOptions = { maxEntries: 1000, maxBytes: 1_000_000, maxAge: 60_000 };

function setUp(options: Partial<CacheOptions> = {}) {
  const clock = holdClock();
  const cache = new VerdictCache<{ name: string; notBefore: number; expiresAt: number }>(
    { ...roomy, ...options },
    clock,
  );
  const key = { withdrawn: false };
  const keys = { isUsable: true, usable: () => keys.isUsable };
  function store(
    name: string,
    { bytes = 1, by = key, notBefore = 0, expiresAt = now * 1000 + 3_600_000 } = {},
  ) {
    cache.set(name, { token: { name, notBefore, expiresAt }, key: by, keys, bytes });
  }
  function held(names: string): string {
    return [...names].filter((name) => cache.get(name)?.name === name).join('');
  }
  return { cache, clock, key, keys, store, held };
}

t.test('gives back what was stored, by the exact token', async (t) => {
  const { cache, store } = setUp();
  store('abc');
  t.equal(cache.get('abc')?.name, 'abc');
  t.equal(cache.get('abd'), undefined);
  t.equal(cache.get('ABC'), undefined);
  t.strictSame(cache.stats(), { entries: 1, bytes: 1, hits: 1, misses: 2, evictions: 0 });
});

t.test('a verdict ends with its token', async (t) => {
  const { cache, clock, store } = setUp();
  store('a', { expiresAt: now * 1000 + 10 });
  clock.wall += 9;
  t.ok(cache.get('a'));
  clock.wall += 1;
  t.equal(cache.get('a'), undefined);
  t.strictSame(cache.stats(), { entries: 0, bytes: 0, hits: 1, misses: 1, evictions: 1 });
  clock.wall -= 10;
  t.equal(cache.get('a'), undefined, 'a clock that steps back revives nothing');
});

t.test('a clock that steps back before nbf hides the verdict, until it is back', async (t) => {
  const { cache, clock, store } = setUp();
  store('a', { notBefore: now * 1000 });
  clock.wall -= 1;
  t.equal(cache.get('a'), undefined);
  clock.wall += 1;
  t.ok(cache.get('a'));
});

t.test('a verdict ends at maxAge, whatever the wall clock says', async (t) => {
  const { cache, clock, store } = setUp({ maxAge: 1000 });
  store('a');
  clock.age += 999;
  clock.wall -= 5000;
  t.ok(cache.get('a'));
  clock.age += 1;
  t.equal(cache.get('a'), undefined);
  t.equal(cache.stats().evictions, 1);
});

t.test('a verdict ends with its key, and only its own', async (t) => {
  const { cache, key, store, held } = setUp();
  store('a');
  store('b', { by: { withdrawn: false } });
  key.withdrawn = true;
  t.equal(held('ab'), 'b');
  t.equal(cache.stats().entries, 1);
});

t.test('withdrawn verdicts can be dropped at once', async (t) => {
  const { cache, key, store, held } = setUp();
  store('a');
  store('b', { by: { withdrawn: false } });
  store('c');
  cache.dropWithdrawn();
  t.equal(cache.stats().entries, 3, 'nothing was withdrawn yet');
  key.withdrawn = true;
  cache.dropWithdrawn();
  t.strictSame(cache.stats(), { entries: 1, bytes: 1, hits: 0, misses: 0, evictions: 2 });
  key.withdrawn = false;
  t.equal(held('abc'), 'b', 'and do not come back');
});

t.test('nothing is stored on a withdrawn key', async (t) => {
  const { cache, key, store } = setUp();
  key.withdrawn = true;
  store('a');
  key.withdrawn = false;
  t.equal(cache.get('a'), undefined);
  t.equal(cache.stats().entries, 0);
});

t.test(
  'while the keys of the issuer are too old nothing is served, and all when they are back',
  async (t) => {
    const { cache, keys, store } = setUp();
    store('a');
    keys.isUsable = false;
    t.equal(cache.get('a'), undefined);
    keys.isUsable = true;
    t.ok(cache.get('a'));
  },
);

t.test('maxEntries 0 switches it off', async (t) => {
  const { cache, store } = setUp({ maxEntries: 0 });
  store('a');
  t.equal(cache.get('a'), undefined);
  t.equal(cache.stats().entries, 0);
});

t.test('maxEntries 1 holds the last one', async (t) => {
  const { store, held } = setUp({ maxEntries: 1 });
  store('a');
  t.equal(held('a'), 'a');
  store('b');
  t.equal(held('ab'), 'b');
});

t.test('the oldest makes room', async (t) => {
  const { cache, store, held } = setUp({ maxEntries: 3 });
  for (const name of 'abcd') store(name);
  t.equal(cache.stats().evictions, 1);
  t.equal(held('abcd'), 'bcd');
});

t.test('what is in use is spared once', async (t) => {
  const { cache, store, held } = setUp({ maxEntries: 3 });
  for (const name of 'abc') store(name);
  cache.get('a');
  store('d');
  t.equal(cache.stats().entries, 3);
  store('e');
  store('f');
  t.equal(held('abcdef'), 'def', 'a was spared for b and c, and then was the oldest again');
});

t.test('a flood of tokens seen once leaves those in use', async (t) => {
  const { cache, store, held } = setUp({ maxEntries: 10 });
  for (const name of 'abc') store(name);
  for (let flood = 0; flood < 1000; flood++) {
    t.equal(held('abc'), 'abc');
    store(`flood ${flood}`);
  }
  t.equal(cache.stats().entries, 10);
});

t.test('where all are in use, room is still made, after a bounded look', async (t) => {
  const { cache, store, held } = setUp({ maxEntries: 500 });
  const names = Array.from({ length: 500 }, (_, at) => String.fromCodePoint(0x4e00 + at));
  for (const name of names) store(name);
  t.equal(held(names.join('')).length, 500);
  store('a');
  t.ok(cache.get('a'));
  t.strictSame([cache.stats().entries, cache.stats().evictions], [500, 1]);
  t.equal(held(names[32] as string), '', 'the first that found no chance left');
});

t.test('an expired verdict has no second chance', async (t) => {
  const { cache, clock, store, held } = setUp({ maxEntries: 2 });
  store('a', { expiresAt: now * 1000 + 10 });
  store('b');
  cache.get('a');
  clock.wall += 10;
  store('c');
  t.equal(held('abc'), 'bc');
});

t.test('bytes make room too', async (t) => {
  const { cache, store, held } = setUp({ maxBytes: 10 });
  store('a', { bytes: 4 });
  store('b', { bytes: 4 });
  store('c', { bytes: 2 });
  t.equal(cache.stats().bytes, 10);
  store('d', { bytes: 5 });
  t.equal(cache.stats().bytes, 7);
  t.equal(held('abcd'), 'cd');
});

t.test('what is larger than all the room is not stored, and pushes nothing out', async (t) => {
  const { cache, store, held } = setUp({ maxBytes: 10 });
  store('a', { bytes: 4 });
  store('b', { bytes: 11 });
  t.equal(held('ab'), 'a');
  store('c', { bytes: 10 });
  t.strictSame([held('abc'), cache.stats().bytes], ['c', 10]);
});

t.test('a token verified twice at the same time is stored once', async (t) => {
  const { cache, store } = setUp();
  store('a', { bytes: 3 });
  store('a', { bytes: 3 });
  t.strictSame(cache.stats(), { entries: 1, bytes: 3, hits: 0, misses: 0, evictions: 0 });
});

t.test('whatever happens, the bounds hold and the books balance', async () => {
  const step = fc.record({
    does: fc.constantFrom('get', 'set', 'drop', 'age', 'tick'),
    name: fc.constantFrom(...'abcdefghij'),
    bytes: fc.integer({ min: 1, max: 30 }),
    by: fc.constantFrom(0, 1),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { cache, clock, store } = setUp({ maxEntries: 5, maxBytes: 60, maxAge: 20 });
      const signers = [{ withdrawn: false }, { withdrawn: false }];
      const weights = new Map<string, number>();
      for (const { does, name, bytes, by } of steps) {
        if (does === 'get') cache.get(name);
        else if (does === 'tick') clock.wall += 1;
        else if (does === 'age') clock.age += 1;
        else if (does === 'set') {
          store(name, { bytes, by: signers[by] as (typeof signers)[number], expiresAt: clock.wall + bytes });
          weights.set(name, bytes);
        } else {
          (signers[by] as (typeof signers)[number]).withdrawn = true;
          signers[by] = { withdrawn: false };
          cache.dropWithdrawn();
        }
        const stats = cache.stats();
        if (stats.entries > 5 || stats.bytes > 60 || stats.bytes < stats.entries) return false;
      }
      const { bytes } = cache.stats();
      // Reading drops what is over; what can still be read is all that is left.
      const left = [...'abcdefghij'].filter((name) => cache.get(name) !== undefined);
      const weight = left.reduce((sum, name) => sum + (weights.get(name) ?? 0), 0);
      const after = cache.stats();
      return after.entries === left.length && after.bytes === weight && after.bytes <= bytes;
    }),
  );
});
