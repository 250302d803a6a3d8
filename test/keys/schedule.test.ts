import t from 'tap';
import { scheduleTimer } from '../../src/keys/schedule.ts';

t.test('runs once, unless cancelled', async (t) => {
  const runs: string[] = [];
  const cancel = scheduleTimer(() => runs.push('cancelled'), 0);
  cancel();
  // Holds the process open for the timer, which does not.
  const hold = setInterval(() => {}, 1000);
  await new Promise<void>((resolve) => scheduleTimer(resolve, 1));
  clearInterval(hold);
  t.same(runs, []);
});

t.test('a delay beyond the longest of Node does not run at once', async (t) => {
  const warnings: Error[] = [];
  const keep = (warning: Error) => warnings.push(warning);
  process.on('warning', keep);
  t.teardown(() => process.off('warning', keep));
  const cancel = scheduleTimer(() => t.fail('it ran'), 60 * 24 * 3600 * 1000);
  await new Promise((resolve) => setImmediate(resolve));
  cancel();
  t.same(warnings, []);
});
