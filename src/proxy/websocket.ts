import type { Socket } from 'node:net';
import { closeFrame } from './close-frame.ts';
import { Frames } from './frames.ts';

export interface WebSocketOptions {
  readonly client: Socket;
  readonly upstream: Socket;
  /** What the client has sent already. */
  readonly early: readonly Buffer[];
  /** Bytes; null: unlimited. */
  readonly maxMessageSize: number | null;
  /** Milliseconds without a byte in either direction; 0: no limit. */
  readonly idleTimeout: number;
}

/** Milliseconds that a peer has to answer a close frame of the gateway's. */
const patience = 5000;
/** The same for one of the other peer's, and to take what is still for it: as long as the `ws` package waits. */
const lingering = 30_000;
const goingAway = 1001;

/** One direction: its frames, and what is to end it. */
interface Lane {
  readonly from: Socket;
  readonly to: Socket;
  readonly frames: Frames;
  /** Waits for the end of the frame under way. */
  last: Buffer | null;
  /** Nothing goes through any more; what comes is only looked at for a close frame. */
  over: boolean;
  /** What comes cannot be read. */
  broken: boolean;
}

/**
 * A WebSocket between a client and an upstream, both past their handshakes. Frames pass as they are, with their masks,
 * extensions and fragments, pings and close codes included, and with backpressure. Where one end goes, the other does.
 */
export class WebSocketRelay {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #up: Lane;
  readonly #down: Lane;
  #bytes = 0;
  #closing: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;

  constructor({ client, upstream, early, maxMessageSize, idleTimeout }: WebSocketOptions) {
    this.#client = client;
    this.#upstream = upstream;
    const lane = (from: Socket, to: Socket, masked: boolean): Lane => ({
      from,
      to,
      frames: new Frames({ masked, maxMessageSize }),
      last: null,
      over: false,
      broken: false,
    });
    this.#up = lane(client, upstream, true);
    this.#down = lane(upstream, client, false);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('end', this.#onEnd);
      socket.on('close', this.#onEnd);
    }
    // Each byte of either direction goes through this one.
    client.setTimeout(idleTimeout, this.#onIdle);
    for (const chunk of early) this.#pass(this.#up, chunk);
    client.on('data', (chunk: Buffer) => this.#pass(this.#up, chunk));
    upstream.on('data', (chunk: Buffer) => this.#pass(this.#down, chunk));
    client.resume();
    upstream.resume();
  }

  /** Bytes passed on to the client. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Tells both ends to close, and goes when they have, or soon. The upstream is only told that the client goes away. */
  close(code: number, reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = setTimeout(() => this.destroy(), patience).unref();
    this.#finish(this.#down, closeFrame(code, reason, false));
    this.#finish(this.#up, closeFrame(goingAway, reason, true));
  }

  /** Ends both connections at once. */
  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  #pass(lane: Lane, chunk: Buffer): void {
    if (lane.over) return this.#await(lane, chunk);
    if (lane.last !== null) {
      const rest = lane.frames.finish(chunk);
      this.#write(lane, rest);
      if (lane.frames.midFrame) return;
      this.#end(lane, lane.last);
      return this.#await(lane, chunk.subarray(rest.length));
    }
    const { bytes, violation } = lane.frames.pass(chunk);
    this.#write(lane, bytes);
    if (lane.frames.closed) this.#linger();
    if (violation === null) return;
    lane.broken = true;
    this.#fail(lane, violation);
  }

  /** Whoever sent what may not pass is told why; the other one only that it is over. */
  #fail(lane: Lane, violation: number): void {
    const reason = violation === 1009 ? 'message too big' : 'protocol error';
    if (lane.from === this.#client) return this.close(violation, reason);
    if (this.#closing !== undefined) return;
    this.#closing = setTimeout(() => this.destroy(), patience).unref();
    this.#finish(this.#up, closeFrame(violation, reason, true));
    this.#finish(this.#down, closeFrame(1011, 'upstream error', false));
  }

  #finish(lane: Lane, frame: Buffer): void {
    if (lane.frames.midFrame) lane.last = frame;
    else this.#end(lane, frame);
  }

  #end(lane: Lane, frame: Buffer): void {
    lane.over = true;
    // One that the other end has closed already must get no second close frame.
    if (!lane.frames.closed && lane.to.writable) lane.to.write(frame);
    lane.from.resume();
    if (this.#answerOf(lane).frames.closed) this.#leave(lane.to);
  }

  /** A peer that was told to close has only its own close frame left to say. */
  #await(lane: Lane, chunk: Buffer): void {
    if (!lane.broken) lane.broken = lane.frames.pass(chunk).violation !== null;
    if (lane.frames.closed) this.#leave(lane.from);
  }

  #answerOf(lane: Lane): Lane {
    return lane === this.#up ? this.#down : this.#up;
  }

  #write({ from, to }: Lane, bytes: Buffer): void {
    if (bytes.length === 0 || !to.writable) return;
    if (to === this.#client) this.#bytes += bytes.length;
    if (to.write(bytes)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  #leave(socket: Socket): void {
    socket.destroySoon();
  }

  readonly #onIdle = (): void => this.close(goingAway, 'idle');

  /** One end is gone: the other one is let go, once it has taken what is still for it. */
  readonly #onEnd = (): void => {
    this.#linger();
    this.#client.end();
    this.#upstream.end();
    if (!this.#client.destroyed || !this.#upstream.destroyed) return;
    clearTimeout(this.#closing);
    clearTimeout(this.#lingering);
  };

  #linger(): void {
    this.#lingering ??= setTimeout(() => this.destroy(), lingering).unref();
  }
}
