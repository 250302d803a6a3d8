import fc from 'fast-check';
import t from 'tap';
import { createBudget } from '../../src/keys/budget.ts';
import { createTestTime } from './time.ts';

const interval = 30_000;

t.test('five at once, then one in each interval', async (t) => {
  const time = createTestTime();
  const budget = createBudget({ burst: 5, interval, clock: time.clock });
  const takeAll = () => {
    let taken = 0;
    while (taken < 100 && budget.take()) taken += 1;
    return taken;
  };
  t.equal(takeAll(), 5);
  t.equal(budget.wait(), interval);
  time.advance(interval - 1);
  t.equal(takeAll(), 0);
  t.equal(budget.wait(), 1);
  time.advance(1);
  t.equal(takeAll(), 1);
  time.advance(3 * interval);
  t.equal(takeAll(), 3);
  time.advance(1000 * interval);
  t.equal(takeAll(), 5, 'it fills up to the burst and no further');
});

t.test('a stepping wall clock gives nothing', async (t) => {
  const time = createTestTime();
  const budget = createBudget({ burst: 1, interval, clock: time.clock });
  t.ok(budget.take());
  time.step(10 * interval);
  t.notOk(budget.take());
});

t.test('never more than the burst and one an interval, whenever asked', async (t) => {
  const steps = fc.array(fc.nat({ max: 10_000 }), { maxLength: 200 });
  const property = fc.property(
    steps,
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 1, max: 5000 }),
    (waits, burst, interval) => {
      const time = createTestTime();
      const budget = createBudget({ burst, interval, clock: time.clock });
      let passed = 0;
      let taken = 0;
      return waits.every((wait) => {
        time.advance(wait);
        passed += wait;
        const due = budget.wait() === 0;
        const got = budget.take();
        taken += got ? 1 : 0;
        return got === due && taken <= burst + passed / interval;
      });
    },
  );
  t.doesNotThrow(() => fc.assert(property));
});
