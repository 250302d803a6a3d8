import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { createFifo, type Held } from '../src/fifo.ts';

const keysOf = (held: readonly Held<number>[]) => held.map(({ key }) => key);

t.test('an empty fifo', async (t) => {
  const fifo = createFifo<number>();
  t.equal(fifo.size, 0);
  t.equal(fifo.oldest(), undefined);
  t.strictSame(fifo.youngest(1), []);
  t.equal(fifo.get('a'), undefined);
  fifo.delete('a');
  t.equal(fifo.size, 0);
});

t.test('does what an insertion-ordered map does, in any order of calls', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const call = fc.oneof(
    fc.record({ verb: fc.constant('add' as const), key }),
    fc.record({ verb: fc.constant('delete' as const), key }),
    fc.record({ verb: fc.constant('shift' as const), key }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const fifo = createFifo<number>();
      const model = new Map<string, number>();
      calls.forEach(({ verb, key }, index) => {
        if (verb === 'add') {
          fifo.add(key, index);
          model.delete(key);
          model.set(key, index);
        } else {
          const gone = verb === 'delete' ? key : (fifo.oldest()?.key ?? key);
          fifo.delete(gone);
          model.delete(gone);
        }
        const [first] = model;
        const oldest = fifo.oldest();
        const agree =
          fifo.size === model.size &&
          oldest?.key === first?.[0] &&
          oldest?.value === first?.[1] &&
          isDeepStrictEqual(keysOf(fifo.youngest(2)), [...model.keys()].reverse().slice(0, 2)) &&
          [...'abcde'].every((each) => fifo.get(each) === model.get(each));
        if (!agree) throw new Error(`differs after ${verb} ${key}`);
      });
    }),
  );
});
