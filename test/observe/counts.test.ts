import { Counter, Registry } from 'prom-client';
import t from 'tap';
import { Counts } from '../../src/observe/counts.ts';

const name = 'x_total';
const labelNames = ['rule', 'status'] as const;

t.test('is what prom-client makes of the same events', async (t) => {
  const ours = new Registry();
  const theirs = new Registry();
  const counts = new Counts({ name, help: 'X.', labelNames, registry: ours });
  const counter = new Counter({ name, help: 'X.', labelNames: [...labelNames], registers: [theirs] });
  for (const [rule, status] of [
    ['a', '200'],
    ['200', 'a'],
    ['a', '404'],
    ['__proto__', 'constructor'],
    ['a', '200'],
    ['', '"\n\\'],
  ] as const) {
    counts.of(rule, status).value++;
    counter.inc({ rule, status });
  }
  t.equal(await ours.metrics(), await theirs.metrics());
  t.equal(counts.of('a', '200'), counts.of('a', '200'), 'one line for the same labels');
});

t.test('a line stands at 0 once it was asked for', async (t) => {
  const registry = new Registry();
  new Counts({ name, help: 'X.', labelNames: ['rule'], registry }).of('a');
  t.match(await registry.metrics(), /x_total\{rule="a"\} 0\n/);
});
