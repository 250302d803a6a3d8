import t from 'tap';
import { createReported } from '../../src/observe/reported.ts';

function begin(most?: number) {
  const time = { now: 0 };
  const reported = createReported({ now: () => time.now, elapsed: () => 0 }, most);
  const add = (who: string, reason = 'token_missing') =>
    reported.add({ rule: 'default', reason, issuer: 'none', who });
  return { time, reported, add };
}

t.test('rows of one kind are one, the last seen first', async (t) => {
  const { time, reported, add } = begin();
  add('a');
  add('b');
  time.now = 60_000;
  add('a');
  add('a', 'token_expired');
  t.strictSame(
    reported.rows().map(({ who, reason, count, lastSeen }) => [who, reason, count, lastSeen]),
    [
      ['a', 'token_expired', 1, '1970-01-01T00:01:00.000Z'],
      ['a', 'token_missing', 2, '1970-01-01T00:01:00.000Z'],
      ['b', 'token_missing', 1, '1970-01-01T00:00:00.000Z'],
    ],
  );
  t.equal(reported.forgotten, 0);
});

t.test('no text runs into the next', async (t) => {
  const { reported } = begin();
  reported.add({ rule: 'a', reason: 'b","c', issuer: 'd', who: 'e' });
  reported.add({ rule: 'a', reason: 'b', issuer: 'c","d', who: 'e' });
  t.equal(reported.rows().length, 2);
});

t.test('what was not seen for longest makes room, and is counted', async (t) => {
  const { reported, add } = begin(3);
  for (const who of ['a', 'b', 'c', 'a', 'd', 'e']) add(who);
  t.strictSame(
    reported.rows().map(({ who }) => who),
    ['e', 'd', 'a'],
  );
  t.equal(reported.forgotten, 2);
});
