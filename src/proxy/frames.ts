/** Why a peer is to be closed for what it sent, RFC 6455 section 7.4.1: protocol error, message too big. */
export type Violation = 1002 | 1009;

export interface FramesOptions {
  /** Whether the sender must mask: clients do, servers do not (RFC 6455 section 5.1). */
  readonly masked: boolean;
  /** Most bytes of a message, all its fragments together; null: unlimited. */
  readonly maxMessageSize: number | null;
}

export interface Passed {
  /** What may be passed on: whole headers, and payload as it comes. */
  readonly bytes: Buffer;
  /** What is wrong with what follows; nothing after it can be read any more. */
  readonly violation: Violation | null;
}

const none = Buffer.alloc(0);
const mostControlBytes = 125;
const close = 8;
const pong = 10;

/**
 * Follows the frames of one direction, RFC 6455 section 5.2, without looking into their payload: where one ends
 * another may be put in, and what is too large is known before it comes.
 */
export class Frames {
  readonly #masked: boolean;
  readonly #most: number;
  /** The beginning of a header that is not there as a whole. */
  #held: Buffer = none;
  /** Bytes of payload until the end of the frame. */
  #left = 0;
  #fragmented = false;
  #messageSize = 0;
  #closed = false;

  constructor({ masked, maxMessageSize }: FramesOptions) {
    this.#masked = masked;
    this.#most = maxMessageSize ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a frame has been passed on in part. */
  get midFrame(): boolean {
    return this.#left > 0;
  }

  /** Whether a close frame has begun to come. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Follows a chunk. */
  pass(chunk: Buffer): Passed {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = none;
    let at = 0;
    while (at < data.length) {
      if (this.#left > 0) {
        const size = Math.min(this.#left, data.length - at);
        this.#left -= size;
        at += size;
        continue;
      }
      const size = headerSize(data, at);
      if (at + size > data.length) {
        this.#held = Buffer.from(data.subarray(at));
        break;
      }
      const violation = this.#begin(data.subarray(at, at + size));
      if (violation !== null) return { bytes: data.subarray(0, at), violation };
      at += size;
    }
    return { bytes: data.subarray(0, at), violation: null };
  }

  /** Takes from a chunk what belongs to the frame that has been passed on in part. */
  finish(chunk: Buffer): Buffer {
    const size = Math.min(this.#left, chunk.length);
    this.#left -= size;
    return chunk.subarray(0, size);
  }

  #begin(header: Buffer): Violation | null {
    const first = header[0] as number;
    const final = (first & 0x80) !== 0;
    const opcode = first & 0x0f;
    if ((((header[1] as number) & 0x80) !== 0) !== this.#masked) return 1002;
    const length = payloadLength(header);
    if (opcode >= close) {
      if (!final || length > mostControlBytes || opcode > pong) return 1002;
      if (opcode === close) this.#closed = true;
    } else {
      const continues = opcode === 0;
      if (opcode > 2 || continues !== this.#fragmented) return 1002;
      this.#messageSize = length + (continues ? this.#messageSize : 0);
      if (this.#messageSize > this.#most) return 1009;
      this.#fragmented = !final;
    }
    this.#left = length;
    return null;
  }
}

/** 2 where not even that is known. */
function headerSize(data: Buffer, at: number): number {
  if (at + 1 >= data.length) return 2;
  const second = data[at + 1] as number;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  return 2 + extended + ((second & 0x80) !== 0 ? 4 : 0);
}

function payloadLength(header: Buffer): number {
  const short = (header[1] as number) & 0x7f;
  if (short === 126) return header.readUInt16BE(2);
  return short === 127 ? header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6) : short;
}
