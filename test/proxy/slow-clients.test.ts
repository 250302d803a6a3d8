import type { Socket } from 'node:net';
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { SlowClients, type Watched } from '../../src/proxy/slow-clients.ts';
import { holdClock } from '../gateway/held-clock.ts';

/** A transfer of which a test says how far it is. */
class Fake implements Watched {
  readonly network: string;
  readonly bytes = { bytesRead: 0, bytesWritten: 0 };
  readonly socket = this.bytes as Socket;
  waitsFor: Watched['waitsFor'];
  connected = true;
  ended = false;

  constructor(waitsFor: Watched['waitsFor'], network = 'a') {
    this.waitsFor = waitsFor;
    this.network = network;
  }
  get parked() {
    return !this.connected;
  }
  park() {
    this.connected = false;
  }
  giveUp() {
    this.ended = true;
  }
}

interface Scene {
  readonly slow: SlowClients;
  /** Requests that wait for a connection. */
  waiting: number;
  held: Readonly<Record<string, number>>;
  /** What the kernel holds for each client. */
  readonly queues: Map<Socket, number>;
  watch<T extends Fake>(...transfers: T[]): void;
  /** Lets time pass, a quarter of a second at a time. */
  pass(milliseconds: number): Promise<void>;
}

function start(t: Test, limit = 8): Scene {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const clock = holdClock();
  const queues = new Map<Socket, number>();
  const scene: Scene = {
    slow: new SlowClients(
      {
        limit,
        clock,
        waiting: () => scene.waiting,
        held: (network) => scene.held[network] ?? 0,
      },
      async () => queues,
    ),
    waiting: 0,
    held: {},
    queues,
    watch(...transfers) {
      for (const transfer of transfers) scene.slow.watch(transfer);
    },
    async pass(milliseconds) {
      for (let passed = 0; passed < milliseconds; passed += 250) {
        clock.advance(250);
        mock.timers.tick(250);
        // What was asked of the kernel is there.
        for (let turn = 0; turn < 4; turn++) await Promise.resolve();
      }
    },
  };
  return scene;
}

for (const waitsFor of ['body', 'reader'] as const) {
  const count = waitsFor === 'body' ? 'bytesRead' : 'bytesWritten';

  t.test(`one that waits for its client (${waitsFor}) ends after 5 s`, async (t) => {
    const scene = start(t);
    const still = new Fake(waitsFor);
    scene.watch(still);
    await scene.pass(4750);
    t.equal(still.ended, false);
    await scene.pass(250);
    t.equal(still.ended, true);
  });

  t.test(
    `one that moves less than 1 KiB in 5 s (${waitsFor}) ends, one that moves as much goes on`,
    async (t) => {
      const scene = start(t);
      const [trickle, steady] = [new Fake(waitsFor), new Fake(waitsFor)];
      scene.watch(trickle, steady);
      for (let second = 0; second < 12; second++) {
        trickle.bytes[count] += 200;
        steady.bytes[count] += 256;
        await scene.pass(1000);
      }
      t.equal(trickle.ended, true);
      t.equal(steady.ended, false);
    },
  );
}

t.test(
  'an answer that is read counts for one whose body is awaited, but not the other way round',
  async (t) => {
    const scene = start(t);
    const [answered, talks] = [new Fake('body'), new Fake('reader')];
    scene.watch(answered, talks);
    for (let second = 0; second < 10; second++) {
      answered.bytes.bytesWritten += 1024;
      talks.bytes.bytesRead += 1024;
      await scene.pass(1000);
    }
    t.equal(answered.ended, false);
    t.equal(talks.ended, true, 'what a client sends says nothing of what it reads');
  },
);

t.test('one that waits for something else is never meant, and its time begins anew', async (t) => {
  const scene = start(t);
  const transfer = new Fake(null);
  scene.watch(transfer);
  await scene.pass(60_000);
  t.equal(transfer.ended, false);
  transfer.waitsFor = 'reader';
  await scene.pass(4750);
  transfer.waitsFor = null;
  await scene.pass(250);
  transfer.waitsFor = 'reader';
  await scene.pass(5000);
  t.equal(transfer.ended, false);
  await scene.pass(250);
  t.equal(transfer.ended, true);
});

t.test('one that has ended by itself is forgotten', async (t) => {
  const scene = start(t);
  const transfer = new Fake('body');
  scene.watch(transfer);
  scene.slow.forget(transfer);
  await scene.pass(10_000);
  t.equal(transfer.ended, false);
});

t.test('a reader goes on as long as the kernel gets rid of what it holds for it', async (t) => {
  const scene = start(t);
  const [reads, still] = [new Fake('reader'), new Fake('reader')];
  // Each has its own; only of the first the kernel gets rid.
  const kernel = { reads: 1_000_000, still: 1_000_000 };
  scene.watch(reads, still);
  for (let second = 0; second < 20; second++) {
    kernel.reads -= 1024;
    scene.queues.set(reads.socket, kernel.reads).set(still.socket, kernel.still);
    await scene.pass(1000);
    if (second === 4) t.equal(still.ended, true, 'the other one ends');
  }
  t.equal(reads.ended, false);
});

t.test('a reader of whom the kernel says nothing is judged by what is written', async (t) => {
  const scene = start(t);
  const transfer = new Fake('reader');
  scene.watch(transfer);
  await scene.pass(5000);
  t.equal(transfer.ended, true);
});

t.test('while nobody waits for a connection, all of them may stand still for their 5 s', async (t) => {
  const scene = start(t, 8);
  const all = Array.from({ length: 8 }, () => new Fake('body'));
  scene.watch(...all);
  await scene.pass(4500);
  t.ok(all.every(({ connected }) => connected));
});

t.test('while requests wait, those that stand still keep half of the connections', async (t) => {
  const scene = start(t, 8);
  const all = Array.from({ length: 8 }, () => new Fake('body'));
  scene.watch(...all);
  await scene.pass(250);
  scene.waiting = 10;
  scene.slow.relieve();
  t.equal(all.filter(({ connected }) => connected).length, 4);
  await scene.pass(4500);
  t.equal(all.filter(({ connected }) => connected).length, 4, 'and keep it');
  t.ok(
    all.every(({ ended }) => !ended),
    'nobody has been told before the 5 s are over',
  );
  await scene.pass(250);
  t.equal(all.filter(({ ended, connected }) => ended && connected).length, 4);
  await scene.pass(1250);
  t.ok(all.every(({ ended }) => ended));
});

t.test('not before they have stood still for 250 ms, and not those that move', async (t) => {
  const scene = start(t, 4);
  const all = Array.from({ length: 4 }, () => new Fake('body'));
  scene.watch(...all);
  scene.waiting = 1;
  scene.slow.relieve();
  t.ok(
    all.every(({ connected }) => connected),
    'they have just begun',
  );
  for (let turn = 0; turn < 8; turn++) {
    for (const { bytes } of all) bytes.bytesRead += 1024;
    await scene.pass(250);
  }
  t.ok(
    all.every(({ connected }) => connected),
    '4 KiB a second is not standing still',
  );
});

t.test('one that gave its connection up is told as soon as its client moves', async (t) => {
  const scene = start(t, 2);
  const [first, second] = [new Fake('body'), new Fake('body')];
  scene.watch(first, second);
  scene.waiting = 1;
  await scene.pass(500);
  const parked = first.connected ? second : first;
  t.equal(parked.connected, false);
  parked.bytes.bytesRead += 1024;
  await scene.pass(250);
  t.equal(parked.ended, true);
});

t.test(
  'the client that holds the most gives up first, then who never moved, then who stands still longest',
  async (t) => {
    const scene = start(t, 2);
    const moved = new Fake('body', 'a');
    const never = new Fake('body', 'a');
    const other = new Fake('body', 'b');
    scene.watch(other, moved, never);
    moved.bytes.bytesRead += 1024;
    await scene.pass(250);
    await scene.pass(250);
    scene.held = { a: 2, b: 1 };
    scene.waiting = 1;
    scene.slow.relieve();
    t.same([other.connected, moved.connected, never.connected], [true, false, false], 'b is left alone');
  },
);

t.test('a pool of one connection is left to its 5 s', async (t) => {
  const scene = start(t, 1);
  const only = new Fake('body');
  scene.watch(only);
  scene.waiting = 1;
  scene.slow.relieve();
  await scene.pass(4750);
  t.equal(only.connected, true);
  await scene.pass(250);
  t.equal(only.ended, true);
});
