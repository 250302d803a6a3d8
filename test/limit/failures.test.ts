import fc from 'fast-check';
import t from 'tap';
import { createFailureLimit } from '../../src/limit/failures.ts';

const defaults = {
  max: 3,
  window: 60_000,
  blockFor: 30_000,
  ipv4Prefix: 32,
  ipv6Prefix: 64,
  maxClients: 1000,
};

function begin(options: Partial<typeof defaults> = {}) {
  const time = { elapsed: 1_000_000, now: 0 };
  const limit = createFailureLimit(
    { ...defaults, ...options },
    { now: () => time.now, elapsed: () => time.elapsed },
  );
  const fail = (address: string, ...tokens: string[]) => tokens.map((token) => limit.failed(address, token));
  return { limit, time, fail };
}

t.test('the request after the last counted failure is the first refused', async (t) => {
  const { limit, fail } = begin();
  t.strictSame(fail('192.0.2.1', 'a', 'b'), [false, false]);
  t.equal(limit.blockedFor('192.0.2.1'), 0);
  t.equal(limit.blockedClients(), 0);
  t.strictSame(fail('192.0.2.1', 'c'), [true], 'this one begins the block');
  t.equal(limit.blockedFor('192.0.2.1'), 30);
  t.equal(limit.blockedClients(), 1);
  t.equal(limit.blockedFor('192.0.2.2'), 0, 'nobody else is blocked');
});

t.test('a max of one blocks at the first failure', async (t) => {
  const { fail } = begin({ max: 1 });
  t.strictSame(fail('192.0.2.1', 'a'), [true]);
});

t.test('one token repeated for ever never blocks', async (t) => {
  const { limit, fail, time } = begin();
  for (let i = 0; i < 1000; i++) {
    time.elapsed += 500;
    fail('192.0.2.1', 'a', 'b');
  }
  t.equal(limit.blockedFor('192.0.2.1'), 0);
  t.equal(limit.size, 1);
});

t.test('tokens that differ in one character are distinct', async (t) => {
  const { fail } = begin();
  t.strictSame(fail('192.0.2.1', `${'x'.repeat(700)}a`, `${'x'.repeat(700)}b`, 'x'), [false, false, true]);
});

t.test('a block lasts blockFor, in whole seconds of which the last is one', async (t) => {
  const { limit, fail, time } = begin({ blockFor: 2_500 });
  fail('192.0.2.1', 'a', 'b', 'c');
  const left: number[] = [];
  for (const step of [0, 1, 499, 1_000, 999, 1, 1]) {
    time.elapsed += step;
    left.push(limit.blockedFor('192.0.2.1'));
  }
  t.strictSame(left, [3, 3, 2, 1, 1, 0, 0]);
  t.equal(limit.blockedClients(), 0);
  t.equal(limit.size, 0, 'and is forgotten');
});

t.test('after a block the count is fresh', async (t) => {
  const { limit, fail, time } = begin();
  fail('192.0.2.1', 'a', 'b', 'c');
  time.elapsed += 30_000;
  t.strictSame(fail('192.0.2.1', 'a', 'b', 'c'), [false, false, true]);
  t.equal(limit.blockedFor('192.0.2.1'), 30);
});

t.test('what fails during a block neither lengthens it nor counts', async (t) => {
  const { limit, fail, time } = begin();
  fail('192.0.2.1', 'a', 'b', 'c');
  time.elapsed += 29_000;
  t.strictSame(fail('192.0.2.1', 'd', 'e', 'f', 'g'), [false, false, false, false]);
  t.equal(limit.blockedFor('192.0.2.1'), 1);
  time.elapsed += 1_000;
  t.strictSame(fail('192.0.2.1', 'h', 'i'), [false, false]);
  t.equal(limit.blockedFor('192.0.2.1'), 0);
});

t.test('a count begins anew a window after its first failure', async (t) => {
  const { fail, time } = begin();
  fail('192.0.2.1', 'a');
  time.elapsed += 59_999;
  fail('192.0.2.1', 'b');
  time.elapsed += 1;
  t.strictSame(fail('192.0.2.1', 'c', 'd'), [false, false], 'the first two are forgotten');
  time.elapsed += 59_999;
  t.strictSame(fail('192.0.2.1', 'a'), [true], 'which count again');
});

t.test('the wall clock plays no part', async (t) => {
  const { limit, fail, time } = begin();
  fail('192.0.2.1', 'a', 'b', 'c');
  time.now += 1e12;
  t.equal(limit.blockedFor('192.0.2.1'), 30);
  time.now -= 2e12;
  t.equal(limit.blockedFor('192.0.2.1'), 30);
});

t.test('a client is its network', async (t) => {
  const { limit, fail } = begin({ ipv4Prefix: 24 });
  t.same(
    ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3'].flatMap((each) => fail(each, each)),
    [false, false, true],
  );
  t.equal(limit.blockedFor('2001:db8::ffff:0'), 30, 'hopping inside a /64 does not help');
  t.equal(limit.blockedFor('2001:db8:0:1::1'), 0, 'the next /64 is another');
  t.same(
    ['192.0.2.1', '::ffff:192.0.2.2', '192.0.2.3'].flatMap((each) => fail(each, each)),
    [false, false, true],
  );
  t.equal(limit.blockedFor('::ffff:192.0.2.200'), 30);
  t.equal(limit.blockedFor('192.0.3.1'), 0);
});

t.test('memory stays bounded', async (t) => {
  t.test('over 1,000,000 addresses, and who is blocked stays blocked', async (t) => {
    const { limit, fail } = begin({ maxClients: 1000 });
    fail('198.51.100.1', 'a', 'b', 'c');
    let largest = 0;
    for (let i = 0; i < 1_000_000; i++) {
      limit.failed(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 'token');
      largest = Math.max(largest, limit.size);
    }
    t.equal(largest, 1000);
    t.equal(limit.blockedFor('198.51.100.1'), 30);
  });

  t.test('the oldest count goes first', async (t) => {
    const { limit, fail } = begin({ maxClients: 2 });
    fail('192.0.2.1', 'a', 'b');
    fail('192.0.2.2', 'a', 'b');
    fail('192.0.2.3', 'a');
    t.equal(limit.size, 2);
    t.strictSame(fail('192.0.2.2', 'c'), [true], 'the younger was kept');
    t.strictSame(fail('192.0.2.1', 'c'), [false], 'the oldest was forgotten');
  });

  t.test('a count that began anew is young', async (t) => {
    const { fail, time } = begin({ maxClients: 2, max: 2 });
    fail('192.0.2.1', 'a');
    fail('192.0.2.2', 'a');
    time.elapsed += 60_000;
    fail('192.0.2.1', 'b');
    fail('192.0.2.3', 'a');
    t.strictSame(fail('192.0.2.1', 'c'), [true]);
  });

  t.test('where all are blocked the oldest block goes', async (t) => {
    const { limit, fail } = begin({ maxClients: 2, max: 1 });
    for (const last of [1, 2, 3]) fail(`192.0.2.${last}`, 'a');
    t.strictSame(
      [1, 2, 3].map((last) => limit.blockedFor(`192.0.2.${last}`)),
      [0, 30, 30],
    );
    t.equal(limit.size, 2);
  });

  t.test('ended blocks make room before anybody is forgotten', async (t) => {
    const { limit, fail, time } = begin({ maxClients: 2, max: 2 });
    fail('192.0.2.1', 'a', 'b');
    fail('192.0.2.2', 'a');
    time.elapsed += 30_000;
    fail('192.0.2.3', 'a');
    t.strictSame(fail('192.0.2.2', 'b'), [true]);
    t.equal(limit.size, 2);
  });
});

t.test('agrees with a limit that forgets nothing, while there is room', async () => {
  const event = fc.record({
    address: fc.constantFrom('192.0.2.1', '192.0.2.2'),
    token: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    after: fc.constantFrom(0, 1, 10_000, 29_999, 30_000, 60_000),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const { limit, time } = begin();
      const model = new Map<string, { since: number; tokens: Set<string>; blockedAt?: number }>();
      return events.every(({ address, token, after }) => {
        time.elapsed += after;
        const now = time.elapsed;
        const old = model.get(address);
        const blocked = old?.blockedAt !== undefined && now < old.blockedAt + defaults.blockFor;
        if (limit.blockedFor(address) > 0 !== blocked) return false;
        const fresh = !old || (old.blockedAt === undefined ? now >= old.since + defaults.window : !blocked);
        const state = fresh ? { since: now, tokens: new Set<string>() } : old;
        model.set(address, state);
        if (!blocked) state.tokens.add(token);
        const begins = !blocked && state.tokens.size === defaults.max;
        if (begins) Object.assign(state, { blockedAt: now });
        return limit.failed(address, token) === begins;
      });
    }),
  );
});

t.test('whom it blocks, the latest first', async (t) => {
  const { limit, time, fail } = begin({ max: 1, ipv4Prefix: 24 });
  t.strictSame(limit.latestBlocks(5), []);
  fail('192.0.2.1', 'a');
  time.elapsed += 10_000;
  fail('2001:db8::1', 'b');
  fail('198.51.100.9', 'c');
  const fresh = { ageMs: 0, remainingMs: 30_000 };
  t.strictSame(limit.latestBlocks(2), [
    { address: '198.51.100.0', network: '198.51.100.0/24', ...fresh },
    { address: '2001:db8::', network: '2001:db8::/64', ...fresh },
  ]);
  const oldest = { address: '192.0.2.0', network: '192.0.2.0/24', ageMs: 10_000, remainingMs: 20_000 };
  t.strictSame(limit.latestBlocks(5)[2], oldest);
  t.strictSame(limit.latestBlocks(5, 2), [oldest], 'without the first two');
  time.elapsed += 20_000;
  t.equal(limit.latestBlocks(5).length, 2, 'a block that has ended is none');
});

t.test('a block can be ended before its time', async (t) => {
  const cases = [
    { client: '192.0.2.1', network: '192.0.2.1' },
    { client: '192.0.2.1', network: '192.0.2.1', by: '192.0.2.1/32' },
    { client: '192.0.2.1', network: '192.0.2.0/24', prefixes: { ipv4Prefix: 24 } },
    { client: '192.0.2.1', network: '192.0.2.0/24', by: '192.0.2.200', prefixes: { ipv4Prefix: 24 } },
    { client: '::ffff:192.0.2.1', network: '192.0.2.1' },
    { client: '2001:db8::1', network: '2001:db8::/64' },
    { client: '2001:db8::1', network: '2001:db8::/64', by: '2001:DB8:0:0::77' },
    { client: '2001:db8::1', network: '2001:db8::1', prefixes: { ipv6Prefix: 128 } },
    { client: 'unknown', network: 'unknown' },
  ];
  for (const { client, network, by = network, prefixes } of cases) {
    const { limit, fail } = begin(prefixes);
    fail(client, 'a', 'b', 'c');
    t.equal(limit.latestBlocks(1)[0]?.network, network);
    t.equal(limit.release(by), network, `${by} names ${network}`);
    t.equal(limit.blockedFor(client), 0);
    t.equal(limit.size, 0);
    t.equal(limit.release(by), null, 'once');
    t.strictSame(fail(client, 'a', 'b', 'c'), [false, false, true], 'its count begins anew');
  }
});

t.test('what names no block ends none', async (t) => {
  const { limit, time, fail } = begin();
  fail('192.0.2.1', 'a', 'b', 'c');
  fail('2001:db8::1', 'a', 'b', 'c');
  fail('192.0.2.2', 'a');
  const others = ['192.0.2.2', '192.0.2.3', '192.0.2.1/24', '192.0.2.1/', '192.0.2.1/032', '2001:db8::/48'];
  for (const text of [...others, '2001:db8:0:1::/64', '', '/', 'all', '*', '0.0.0.0/0', 'toString'])
    t.equal(limit.release(text), null, text);
  t.equal(limit.blockedClients(), 2);
  time.elapsed += 30_000;
  t.equal(limit.release('192.0.2.1'), null, 'nor does one that has ended');
});
