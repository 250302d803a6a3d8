import t from 'tap';
import { estimateQuantiles } from '../../src/observe/quantiles.ts';

t.test('quantiles from buckets', async (t) => {
  const bounds = [0.001, 0.01, 0.1, Number.POSITIVE_INFINITY];
  const cases = [
    { name: 'no values', counts: [0, 0, 0, 0], expected: null },
    { name: 'no buckets yet', counts: [], expected: null },
    { name: 'all in the first', counts: [100, 0, 0, 0], expected: { p50: 0.5, p95: 0.95, p99: 0.99 } },
    {
      name: 'spread within the bucket',
      counts: [0, 100, 0, 0],
      expected: { p50: 5.5, p95: 9.55, p99: 9.91 },
    },
    { name: 'over two', counts: [50, 50, 0, 0], expected: { p50: 1, p95: 9.1, p99: 9.82 } },
    { name: 'beyond the last bound', counts: [0, 0, 0, 7], expected: { p50: 100, p95: 100, p99: 100 } },
    { name: 'one value', counts: [0, 0, 1, 0], expected: { p50: 55, p95: 95.5, p99: 99.1 } },
  ];
  for (const { name, counts, expected } of cases) {
    t.strictSame(estimateQuantiles(bounds, counts), expected, name);
  }
});
