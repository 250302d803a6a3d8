import fc from 'fast-check';
import t from 'tap';
import { buildConnector } from 'undici';
import { type Connection, ConnectionPool, type Waiter } from '../../src/proxy/pool.ts';
import { defaults } from './front.ts';

/** One that keeps whatever it is given. */
class Taker implements Waiter {
  connection: Connection | null = null;
  refused: string | null = null;
  readonly network: string;
  constructor(network: string) {
    this.network = network;
  }
  onConnected(connection: Connection) {
    this.connection = connection;
  }
  onNotConnected(reason: string) {
    this.refused = reason;
  }
}

function startPool(options: Partial<typeof defaults> = {}) {
  const pool = new ConnectionPool('http://127.0.0.1:1', { ...defaults, ...options }, buildConnector({}));
  const take = (network = 'a') => {
    const taker = new Taker(network);
    pool.take(taker);
    return taker;
  };
  return { pool, take };
}

t.test('connections are used again, the last one first', async (t) => {
  const { pool, take } = startPool();
  const [one, two] = [take(), take()];
  t.not(one.connection, two.connection);
  pool.keep(one.connection!);
  pool.keep(two.connection!);
  t.equal(take().connection, two.connection);
  t.equal(take().connection, one.connection);
  pool.destroy();
});

t.test('who finds none free waits, in order, and may leave', async (t) => {
  const { pool, take } = startPool({ connections: 1 });
  const [first, second, third, fourth] = [take(), take(), take(), take()];
  t.equal(second.connection, null);
  pool.leave(second);
  pool.keep(first.connection!);
  t.equal(second.connection, null);
  t.equal(third.connection, first.connection);
  pool.drop(third.connection!);
  t.ok(fourth.connection, 'a place that fell free by a failure is filled too');
  t.not(fourth.connection, third.connection, 'by a connection of its own');
  pool.destroy();
});

t.test('so many wait, no more', async (t) => {
  const { pool, take } = startPool({ connections: 1 });
  take();
  const waiting = Array.from({ length: 1024 }, () => take());
  t.equal(take().refused, 'overloaded');
  t.ok(waiting.every(({ refused }) => refused === null));
  pool.destroy();
  t.ok(waiting.every(({ refused }) => refused === 'upstream_unreachable'));
});

t.test('another client is served before the one that holds more, and has room to wait', async (t) => {
  const { pool, take } = startPool({ connections: 2 });
  const [first, second] = [take(), take()];
  const crowd = Array.from({ length: 1024 }, () => take());
  const other = take('b');
  t.equal(other.refused, null, 'the crowd makes room');
  t.equal(crowd.at(-1)?.refused, 'overloaded');
  t.equal(crowd.filter(({ refused }) => refused !== null).length, 1);
  pool.keep(first.connection!);
  t.equal(other.connection, first.connection);
  pool.drop(second.connection!);
  t.ok(crowd[0]?.connection, 'then the first of the crowd');
  pool.destroy();
});

t.test('a client never has more than its share, though connections are free', async (t) => {
  const { pool, take } = startPool({ connections: 4, connectionsPerClient: 2 });
  const [one, two, three, four] = [take(), take(), take(), take()];
  t.ok(one.connection && two.connection);
  t.equal(three.connection, null);
  const other = take('b');
  t.ok(other.connection, 'another client is served at once');
  pool.keep(other.connection!);
  t.equal(three.connection, null, 'a connection of another client is not its own');
  pool.renew(one.connection!, one);
  t.equal(three.connection, null, 'a second try is the same request');
  pool.keep(two.connection!);
  t.equal(three.connection, two.connection);
  pool.drop(one.connection!);
  t.ok(four.connection);
  pool.destroy();
});

t.test('nobody waits for ever', async (t) => {
  const { pool } = startPool({ connections: 1, headersTimeout: 10 });
  pool.take(new Taker('a'));
  const refused = await new Promise<string>((resolve) => {
    pool.take({ network: 'a', onConnected: () => resolve('connected'), onNotConnected: resolve });
  });
  t.equal(refused, 'overloaded');
  pool.destroy();
});

t.test('a renewed connection takes the place of the old one', async (t) => {
  const { pool, take } = startPool({ connections: 1 });
  const first = take();
  const again = new Taker('a');
  pool.renew(first.connection!, again);
  t.not(again.connection, first.connection);
  const waiting = take();
  t.equal(waiting.connection, null);
  pool.drop(first.connection!);
  t.equal(waiting.connection, null, 'what is gone cannot be given back');
  pool.keep(again.connection!);
  t.equal(waiting.connection, again.connection);
  pool.destroy();
});

t.test('closing waits for what is taken, and serves what still comes', async (t) => {
  const { pool, take } = startPool();
  const [one, two] = [take(), take()];
  pool.keep(one.connection!);
  let closed = false;
  const closing = pool.close().then(() => {
    closed = true;
  });
  const straggler = take();
  t.ok(straggler.connection);
  pool.keep(two.connection!);
  await Promise.resolve();
  t.equal(closed, false);
  pool.keep(straggler.connection!);
  await closing;
  await pool.close();
});

t.test('property: never more than the limit, nobody forgotten, nobody served twice', async () => {
  const step = fc.constantFrom('take', 'leave', 'keep', 'drop', 'renew');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, fc.nat(50)), { maxLength: 100 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, connections) => {
        const { pool, take } = startPool({ connections });
        const all: Taker[] = [];
        const left = new Set<Taker>();
        const holding = () => all.filter(({ connection }) => connection !== null);
        const waiting = () => all.filter((each) => each.connection === null && !left.has(each));
        const release = (taker: Taker): Connection => {
          const { connection } = taker;
          all.splice(all.indexOf(taker), 1);
          return connection as Connection;
        };
        let right = true;
        for (const [what, pick] of steps) {
          const holder = holding()[pick % Math.max(1, holding().length)];
          const waiter = waiting()[pick % Math.max(1, waiting().length)];
          if (what === 'take') all.push(take(pick % 2 ? 'a' : 'b'));
          else if (what === 'leave' && waiter) {
            left.add(waiter);
            pool.leave(waiter);
          } else if (what === 'keep' && holder) pool.keep(release(holder));
          else if (what === 'drop' && holder) pool.drop(release(holder));
          else if (what === 'renew' && holder) pool.renew(holder.connection as Connection, holder);
          const held = holding().map(({ connection }) => connection);
          right &&= held.length <= connections && new Set(held).size === held.length;
          right &&= waiting().length === 0 || held.length === connections;
          right &&= [...left].every(({ connection }) => connection === null);
        }
        pool.destroy();
        return right;
      },
    ),
  );
});
