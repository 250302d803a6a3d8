import { Histogram, Registry } from 'prom-client';
import t from 'tap';
import { Durations } from '../../src/observe/durations.ts';

const name = 'x_seconds';
const bounds = [0.001, 0.01, 0.1];

t.test('is what prom-client makes of the same durations', async (t) => {
  const ours = new Registry();
  const theirs = new Registry();
  const durations = new Durations({ name, help: 'X.', labelName: 'rule', bounds, registry: ours });
  const labelNames = ['rule'];
  const histogram = new Histogram({
    name,
    help: 'X.',
    labelNames,
    buckets: [...bounds],
    registers: [theirs],
  });
  for (const [rule, seconds] of [
    ['a', 0],
    ['a', 0.001],
    ['a', 0.0011],
    ['b "quoted"\\\n', 0.1],
    ['b "quoted"\\\n', 0.2],
    ['a', 1e9],
  ] as const) {
    durations.of(rule).observe(seconds);
    histogram.observe({ rule }, seconds);
  }
  t.equal(await ours.metrics(), await theirs.metrics());
});
