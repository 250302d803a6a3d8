import fc from 'fast-check';
import t from 'tap';
import { closeFrame } from '../../src/proxy/close-frame.ts';
import { Frames } from '../../src/proxy/frames.ts';

interface FrameOptions {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly masked?: boolean;
  readonly size?: number;
  /** How the length is written; default: as short as it can be. */
  readonly form?: 7 | 16 | 64;
}

/** A frame of zeros. */
function frame({ opcode = 2, final = true, masked = true, size = 3, form }: FrameOptions = {}): Buffer {
  const length = form ?? (size < 126 ? 7 : size < 65_536 ? 16 : 64);
  const head = Buffer.alloc(length === 7 ? 2 : length === 16 ? 4 : 10);
  head[0] = (final ? 0x80 : 0) | opcode;
  head[1] = (masked ? 0x80 : 0) | (length === 7 ? size : length === 16 ? 126 : 127);
  if (length === 16) head.writeUInt16BE(size, 2);
  if (length === 64) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), Buffer.alloc(size)]);
}

const limits = { masked: true, maxMessageSize: 1000 };

t.test('what a client may send', async (t) => {
  const cases: Readonly<Record<string, readonly FrameOptions[]>> = {
    text: [{ opcode: 1 }],
    'an empty one': [{ size: 0 }],
    'as large as may be': [{ size: 1000 }],
    'fragments, with a ping between them': [
      { final: false },
      { opcode: 9 },
      { opcode: 0, final: false },
      { opcode: 0 },
      { opcode: 1 },
    ],
    'fragments as large as may be': [{ final: false, size: 500 }, { opcode: 0, size: 500 }, { size: 1000 }],
    'a length longer than it need be': [{ form: 64 }, { form: 16 }],
    'ping, pong and close': [{ opcode: 9, size: 125 }, { opcode: 10 }, { opcode: 8 }],
  };
  for (const [name, list] of Object.entries(cases)) {
    const bytes = Buffer.concat(list.map(frame));
    const frames = new Frames(limits);
    t.same(frames.pass(bytes), { bytes, violation: null }, name);
    t.notOk(frames.midFrame, name);
    t.equal(
      frames.closed,
      list.some(({ opcode }) => opcode === 8),
      name,
    );
  }
});

t.test('what it may not', async (t) => {
  const cases: Readonly<
    Record<string, { readonly list: readonly FrameOptions[]; readonly violation?: number }>
  > = {
    'without a mask': { list: [{ masked: false }] },
    'a large ping': { list: [{ opcode: 9, size: 126 }] },
    'a ping in fragments': { list: [{ opcode: 9, final: false }] },
    'an opcode for data that nobody knows': { list: [{ opcode: 3 }] },
    'one for control': { list: [{ opcode: 11 }] },
    'a fragment of nothing': { list: [{ opcode: 0 }] },
    'a message within another': { list: [{ final: false }, {}] },
    'too large': { list: [{ size: 1001 }], violation: 1009 },
    'too large in fragments': {
      list: [
        { final: false, size: 999 },
        { opcode: 0, size: 2 },
      ],
      violation: 1009,
    },
  };
  for (const [name, { list, violation = 1002 }] of Object.entries(cases)) {
    const good = frame({ size: 200 });
    const before = list.slice(0, -1).map(frame);
    const passed = new Frames(limits).pass(Buffer.concat([good, ...before, ...list.slice(-1).map(frame)]));
    t.same(passed, { bytes: Buffer.concat([good, ...before]), violation }, name);
  }
  const huge = Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
  t.equal(new Frames(limits).pass(huge).violation, 1009);
  t.equal(new Frames({ masked: true, maxMessageSize: null }).pass(huge).violation, null, 'unlimited');
  t.equal(new Frames({ ...limits, masked: false }).pass(frame()).violation, 1002, 'a server that masks');
});

t.test('however the bytes come, the same is passed on', async () => {
  const options = fc.record({
    opcode: fc.constantFrom(0, 1, 2, 8, 9, 10, 11),
    final: fc.boolean(),
    masked: fc.constantFrom(true, true, true, true, false),
    size: fc.constantFrom(0, 1, 125, 126, 700),
  });
  fc.assert(
    fc.property(fc.array(options, { maxLength: 6 }), fc.array(fc.nat({ max: 40 })), (list, cuts) => {
      const bytes = Buffer.concat(list.map(frame));
      const whole = new Frames(limits).pass(bytes);
      const frames = new Frames(limits);
      const passed: Buffer[] = [];
      let violation: number | null = null;
      for (let at = 0, n = 0; at < bytes.length && violation === null; n++) {
        const end = at + 1 + (cuts[n % (cuts.length || 1)] ?? 30);
        const piece = frames.pass(bytes.subarray(at, end));
        passed.push(piece.bytes);
        violation = piece.violation;
        at = end;
      }
      return violation === whole.violation && Buffer.concat(passed).equals(whole.bytes);
    }),
  );
});

t.test('the rest of a frame', async (t) => {
  const frames = new Frames(limits);
  const [one, other] = [frame({ size: 10 }), frame({ size: 20 })];
  frames.pass(one.subarray(0, 10));
  t.ok(frames.midFrame);
  t.equal(frames.finish(one.subarray(10, 12)).length, 2);
  t.ok(frames.midFrame);
  t.equal(frames.finish(Buffer.concat([one.subarray(12), other])).length, one.length - 12);
  t.notOk(frames.midFrame);
  t.equal(frames.pass(other).bytes.length, other.length, 'what follows is read as it begins');
});

t.test('a close frame', async (t) => {
  t.same(closeFrame(1001, '', false), Buffer.from([0x88, 2, 0x03, 0xe9]));
  const masked = closeFrame(4401, 'token expired', true);
  t.same(new Frames(limits).pass(masked), { bytes: masked, violation: null });
  const mask = masked.subarray(2, 6);
  const payload = masked.subarray(6).map((byte, index) => byte ^ (mask[index % 4] as number));
  t.equal(Buffer.from(payload).readUInt16BE(), 4401);
  t.equal(Buffer.from(payload).toString('latin1', 2), 'token expired');
});
