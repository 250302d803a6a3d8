import { mock } from 'node:test';
import t from 'tap';
import { runAt } from '../../src/proxy/expiry.ts';
import { holdClock } from '../gateway/held-clock.ts';

const minute = 60_000;

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
t.afterEach(() => mock.timers.reset());

/** A moment some time ahead, and whether it has come. */
function plan(ahead: number) {
  const clock = holdClock();
  let runs = 0;
  const cancel = runAt(clock.now() + ahead, clock, () => {
    runs++;
  });
  const pass = (milliseconds: number) => {
    clock.advance(milliseconds);
    mock.timers.tick(milliseconds);
  };
  return { clock, cancel, pass, runs: () => runs };
}

t.test('runs when the moment has come, once', async (t) => {
  const { pass, runs } = plan(3.5 * minute);
  for (const each of [1, 1, 1]) pass(each * minute);
  t.equal(runs(), 0);
  pass(0.5 * minute);
  t.equal(runs(), 1);
  pass(10 * minute);
  t.equal(runs(), 1);
});

t.test('at once, when it is over', async (t) => {
  t.equal(plan(0).runs(), 1);
  t.equal(plan(-1e12).runs(), 1);
});

t.test('a clock that is set is believed within a minute', async (t) => {
  const later = plan(60 * minute);
  later.clock.step(60 * minute);
  later.pass(minute);
  t.equal(later.runs(), 1, 'forward, as after a sleep');
  const earlier = plan(1 * minute);
  earlier.clock.step(-2 * minute);
  earlier.pass(minute);
  t.equal(earlier.runs(), 0, 'backward');
  earlier.pass(minute);
  earlier.pass(minute);
  t.equal(earlier.runs(), 1);
});

t.test('never, for what is never over', async (t) => {
  const { pass, runs } = plan(Number.POSITIVE_INFINITY);
  for (let i = 0; i < 10; i++) pass(minute);
  t.equal(runs(), 0);
});

t.test('called off', async (t) => {
  const { pass, runs, cancel } = plan(1000);
  cancel();
  pass(minute);
  t.equal(runs(), 0);
});
