import fc from 'fast-check';
import t from 'tap';
import { VerifiedTokens } from '../../src/limit/verified-tokens.ts';
import { digestOf } from '../../src/token/fingerprint.ts';

function addTo(set: VerifiedTokens, from: number, to: number): void {
  for (let i = from; i < to; i++) set.add(digestOf(`token ${i}`));
}

function countIn(set: VerifiedTokens, from: number, to: number): number {
  let found = 0;
  for (let i = from; i < to; i++) if (set.has(digestOf(`token ${i}`))) found++;
  return found;
}

t.test('a set knows the tokens that were added and no others', async (t) => {
  const set = new VerifiedTokens(1000);
  t.equal(set.size, 0);
  t.equal(countIn(set, 0, 100), 0);
  addTo(set, 0, 1000);
  t.equal(set.size, 1000);
  t.equal(countIn(set, 0, 1000), 1000);
  t.equal(countIn(set, 1000, 11_000), 0);
});

t.test('a token that is added for ever takes one place', async (t) => {
  const set = new VerifiedTokens(100);
  addTo(set, 0, 100);
  for (let i = 0; i < 1000; i++) addTo(set, 0, 100);
  t.equal(set.size, 100);
  t.equal(countIn(set, 0, 100), 100);
});

t.test('the last tokens up to the capacity are always known, and never a quarter more', async (t) => {
  for (const capacity of [1, 3, 10, 100, 1000]) {
    const set = new VerifiedTokens(capacity);
    for (let i = 0; i < 5 * capacity; i++) {
      addTo(set, i, i + 1);
      if (countIn(set, Math.max(0, i + 1 - capacity), i + 1) < Math.min(capacity, i + 1))
        t.fail(`after ${i}`);
      const most = 5 * Math.ceil(capacity / 4);
      if (set.size > most) t.fail(`${set.size} of ${capacity}`);
    }
    t.equal(countIn(set, 0, capacity), 0, `${capacity}: the oldest are forgotten`);
  }
});

t.test('another set takes over what it may hold', async (t) => {
  const small = new VerifiedTokens(100);
  addTo(small, 0, 100);
  const large = new VerifiedTokens(1000, small);
  t.equal(countIn(large, 0, 100), 100);
  addTo(large, 100, 1000);
  t.equal(countIn(large, 0, 1000), 1000);
  const less = new VerifiedTokens(100, large);
  t.equal(countIn(less, 900, 1000), 100, 'the youngest');
  t.ok(less.size <= 400, 'and not much more than that');
});

t.test('digests that differ in any of their first 64 bits are two', async () => {
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(
      fc.uniqueArray(digest, { maxLength: 50, selector: (each) => each.slice(0, 8).join() }),
      (digests) => {
        const set = new VerifiedTokens(100);
        const half = digests.length >> 1;
        for (const each of digests.slice(0, half)) set.add(each);
        const zero = (each: Uint8Array) =>
          each.slice(0, 8).every((byte, at) => byte === 0 || (at === 7 && byte === 1));
        return digests.every((each, at) => zero(each) || set.has(each) === at < half);
      },
    ),
  );
});

t.test('a digest that begins with 64 zeros is a digest like any other', async (t) => {
  const set = new VerifiedTokens(100);
  const zeros = new Uint8Array(32);
  t.notOk(set.has(zeros));
  set.add(zeros);
  t.ok(set.has(zeros));
  t.equal(set.size, 1);
});
