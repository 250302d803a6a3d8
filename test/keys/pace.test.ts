import t from 'tap';
import { jitter, refreshInterval, retryDelay } from '../../src/keys/pace.ts';

const second = 1000;
const minute = 60 * second;

t.test('the interval of a set', async (t) => {
  const cases = [
    {
      name: 'without max-age, as configured',
      refresh: 10 * minute,
      maxAge: undefined,
      interval: 10 * minute,
    },
    { name: 'a shorter max-age wins', refresh: 10 * minute, maxAge: 2 * minute, interval: 2 * minute },
    {
      name: 'a longer one does not lengthen',
      refresh: 10 * minute,
      maxAge: 60 * minute,
      interval: 10 * minute,
    },
    { name: 'none under a minute is believed', refresh: 10 * minute, maxAge: 5 * second, interval: minute },
    { name: 'nor is 0', refresh: 10 * minute, maxAge: 0, interval: minute },
    { name: 'configured below a minute, it stays', refresh: second, maxAge: 5 * minute, interval: second },
  ];
  for (const { name, refresh, maxAge, interval } of cases) {
    t.equal(refreshInterval(refresh, maxAge), interval, name);
  }
});

t.test('jitter is ten per cent to either side', async (t) => {
  t.equal(
    jitter(1000, () => 0),
    900,
  );
  t.equal(
    jitter(1000, () => 0.5),
    1000,
  );
  t.ok(jitter(1000, () => 1 - Number.EPSILON) <= 1100);
});

t.test('retries double from a second to a minute, the upper half at random', async (t) => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map(
    (failures) => retryDelay(failures, 10 * minute, () => 1) / second,
  );
  t.same(longest, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  t.equal(
    retryDelay(3, 10 * minute, () => 0),
    2 * second,
  );
  t.equal(
    retryDelay(9, 5 * second, () => 1),
    5 * second,
    'never longer than the interval',
  );
});
