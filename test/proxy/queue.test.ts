import fc from 'fast-check';
import t from 'tap';
import { FairQueue } from '../../src/proxy/queue.ts';

interface Request {
  readonly network: string;
}

const from = (network: string): Request => ({ network });

/** Takes the next request out and gives it a connection, as a pool does. */
function serve(queue: FairQueue<Request>): Request | null {
  const next = queue.next();
  if (next === null) return null;
  queue.delete(next);
  queue.took(next.network);
  return next;
}

t.test('the client that holds the fewest connections is served first', async (t) => {
  const queue = new FairQueue<Request>(Number.POSITIVE_INFINITY);
  for (const network of ['a', 'a', 'a', 'b']) queue.took(network);
  const [a1, a2, b1, c1] = [from('a'), from('a'), from('b'), from('c')];
  for (const request of [a1, a2, b1, c1]) queue.add(request);
  t.equal(serve(queue), c1, 'c holds none');
  t.equal(serve(queue), b1, 'b holds one');
  t.equal(serve(queue), a1, 'within one client the first that came');
  t.equal(serve(queue), a2);
  t.equal(serve(queue), null);
});

t.test('clients that hold equally many take turns, whoever has more requests waiting', async (t) => {
  const queue = new FairQueue<Request>(Number.POSITIVE_INFINITY);
  for (const network of ['a', 'a', 'a', 'b', 'b']) queue.add(from(network));
  const served = Array.from({ length: 5 }, () => serve(queue)?.network);
  t.same(served, ['a', 'b', 'a', 'b', 'a']);
});

t.test('a connection that is given back counts no more', async (t) => {
  const queue = new FairQueue<Request>(Number.POSITIVE_INFINITY);
  for (const network of ['a', 'a', 'b']) queue.took(network);
  queue.add(from('b'));
  queue.add(from('a'));
  queue.gave('a');
  queue.gave('a');
  t.equal(serve(queue)?.network, 'a');
});

t.test('a client that has its share is passed over until it gives a connection back', async (t) => {
  const queue = new FairQueue<Request>(2);
  for (const network of ['a', 'a', 'b', 'b']) queue.took(network);
  t.equal(queue.admits('a'), false);
  t.equal(queue.admits('c'), true);
  queue.add(from('a'));
  queue.add(from('b'));
  t.equal(queue.next(), null);
  queue.gave('b');
  t.equal(serve(queue)?.network, 'b');
  t.equal(queue.next(), null);
  queue.gave('a');
  t.equal(serve(queue)?.network, 'a');
});

t.test('the client with the most requests waiting makes room for another', async (t) => {
  const queue = new FairQueue<Request>(Number.POSITIVE_INFINITY);
  const crowd = [from('a'), from('a'), from('a')];
  for (const request of [from('b'), ...crowd]) queue.add(request);
  t.equal(queue.crowding('c'), crowd[2], 'its last request');
  t.equal(queue.crowding('a'), null, 'for itself it makes none');
  t.equal(queue.crowding('b'), crowd[2]);
  queue.delete(crowd[2] as Request);
  t.equal(queue.crowding('b'), null, 'nobody would gain');
});

t.test('property: always the oldest request of a client that holds the fewest', async () => {
  const networks = ['a', 'b', 'c', 'd'];
  const step = fc.record({
    what: fc.constantFrom('add', 'serve', 'gave', 'leave'),
    network: fc.constantFrom(...networks),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200 }),
      fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
      (steps, share) => {
        const queue = new FairQueue<Request>(share);
        const waiting: Request[] = [];
        const held = new Map(networks.map((network) => [network, 0]));
        const holds = (network: string) => held.get(network) as number;
        for (const { what, network } of steps) {
          if (what === 'add') {
            const request = from(network);
            waiting.push(request);
            queue.add(request);
          } else if (what === 'leave') {
            const at = waiting.findIndex((each) => each.network === network);
            if (at >= 0) queue.delete(waiting.splice(at, 1)[0] as Request);
          } else if (what === 'gave' && holds(network) > 0) {
            held.set(network, holds(network) - 1);
            queue.gave(network);
          } else if (what === 'serve') {
            const allowed = waiting.filter((each) => holds(each.network) < share);
            const fewest = Math.min(...allowed.map((each) => holds(each.network)));
            const next = serve(queue);
            if (next === null) {
              if (allowed.length > 0) return false;
              continue;
            }
            if (holds(next.network) !== fewest) return false;
            if (waiting.find((each) => each.network === next.network) !== next) return false;
            waiting.splice(waiting.indexOf(next), 1);
            held.set(next.network, holds(next.network) + 1);
          }
          if (queue.size !== waiting.length) return false;
          if (networks.some((each) => queue.held(each) !== holds(each))) return false;
        }
        return true;
      },
    ),
  );
});
