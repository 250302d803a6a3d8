import t from 'tap';
import { createSample } from '../../src/observe/sample.ts';

/** The places, from 1, of what is kept of so many. */
function kept(isKept: (every: number) => boolean, every: number, of: number): number[] {
  return Array.from({ length: of }, (_, index) => index + 1).filter(() => isKept(every));
}

t.test('one in so many, the first one first', async (t) => {
  t.same(kept(createSample(), 1, 4), [1, 2, 3, 4]);
  t.same(kept(createSample(), 2, 5), [1, 3, 5]);
  t.same(kept(createSample(), 3, 9), [1, 4, 7]);
});

t.test('a reload takes effect at once, whatever was left to wait for', async (t) => {
  const isKept = createSample();
  t.same(kept(isKept, 1_000_000, 3), [1]);
  t.same(kept(isKept, 3, 6), [1, 4], 'more often');
  t.same(kept(isKept, 5, 11), [1, 6, 11], 'less often');
  t.same(kept(isKept, 1, 2), [1, 2]);
});
