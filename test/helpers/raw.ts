import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Test } from 'tap';
import { withDeadline } from './deadline.ts';
import { type Ending, parseResponse, type RawResponse } from './parse-response.ts';

export type { Ending, RawResponse } from './parse-response.ts';

export interface RawOptions {
  /** Another address of the loopback network, to be another client. */
  readonly localAddress?: string;
  /** PEM that an https server's certificate is checked against. */
  readonly ca?: string | Buffer;
  /** Milliseconds that each wait for the open connection may last before it fails the test. Default 10,000. */
  readonly deadline?: number;
}

/** Opens a connection that sends exactly the bytes it is given. A string stands for its latin1 bytes. */
export async function connectRaw(
  t: Pick<Test, 'teardown'>,
  origin: string,
  options: RawOptions = {},
): Promise<RawConnection> {
  const { protocol, hostname, port } = new URL(origin);
  const { localAddress, ca, deadline } = options;
  const address = {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port),
    allowHalfOpen: true,
    ...(localAddress && { localAddress }),
  };
  const secure = protocol === 'https:';
  const socket = secure ? connectTls({ ...address, ...(ca && { ca }) }) : connect(address);
  t.teardown(() => socket.destroy());
  await withDeadline(once(socket, secure ? 'secureConnect' : 'connect'), 'a connection');
  socket.setNoDelay(true);
  return new RawConnection(socket, deadline);
}

/** Sends bytes over a connection of their own and collects every answer until the server closes it. */
export async function exchange(
  t: Pick<Test, 'teardown'>,
  origin: string,
  bytes: string | Buffer,
  options?: RawOptions,
): Promise<RawResponse[]> {
  const connection = await connectRaw(t, origin, options);
  await connection.send(bytes);
  return connection.responses();
}

export class RawConnection {
  readonly socket: Socket;
  readonly #deadline: number | undefined;
  /** Not the socket, whose `error` would end a wait before what arrived is read. */
  readonly #progress = new EventEmitter();
  #unread: Buffer = Buffer.alloc(0);
  #ending: Ending | undefined;

  constructor(socket: Socket, deadline?: number) {
    this.socket = socket;
    this.#deadline = deadline;
    socket.on('data', (chunk: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
      this.#progress.emit('progress');
    });
    const finish = (ending: Ending) => {
      this.#ending ??= ending;
      this.#progress.emit('progress');
    };
    socket.on('end', () => finish('end'));
    socket.on('error', () => finish('reset'));
    socket.on('close', () => finish('destroyed'));
  }

  /** Resolves once the system has the bytes, or will never take them since the server closed: reading shows that. */
  send(bytes: string | Uint8Array): Promise<void> {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    const sent = new Promise<void>((resolve) => this.socket.write(data, () => resolve()));
    return withDeadline(sent, 'the server to read', this.#deadline);
  }

  /** Sends each piece as a segment of its own, with a turn of the event loop between two. */
  async sendPieces(pieces: Iterable<string | Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      await this.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Says that no more bytes will come; answers can still be read. */
  halfClose(): void {
    this.socket.end();
  }

  /** Breaks off with a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** The next response, an interim one too. `head` where it answers a HEAD. Rejects where the connection ends first. */
  async response({ head = false } = {}): Promise<RawResponse> {
    const response = await this.#next(head);
    if (response === undefined) throw new Error(`The connection ended (${this.#ending}) with no response`);
    return response;
  }

  /** Every response until the server closes the connection. Rejects where other bytes come. */
  async responses(): Promise<RawResponse[]> {
    const responses: RawResponse[] = [];
    for (;;) {
      const response = await this.#next(false);
      if (response === undefined) break;
      responses.push(response);
    }
    const rest = this.#take(this.#unread.length);
    if (rest.length > 0)
      throw new Error(`After the responses came ${JSON.stringify(rest.toString('latin1'))}`);
    return responses;
  }

  /** Exactly so many bytes, unread so far: what follows a 101. */
  async bytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#unread.length >= count, `${count} bytes`);
    if (this.#unread.length < count)
      throw new Error(`The connection ended (${this.#ending}) before ${count} bytes`);
    return this.#take(count);
  }

  /** All that is unread when the server has closed the connection. */
  async rest(): Promise<Buffer> {
    await this.closed();
    return this.#take(this.#unread.length);
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<Ending> {
    await this.#until(() => false, 'the connection to close');
    return this.#ending ?? 'destroyed';
  }

  async #next(head: boolean): Promise<RawResponse | undefined> {
    const parse = () => parseResponse(this.#unread, { head, ending: this.#ending });
    await this.#until(() => parse() !== undefined, 'a response');
    const parsed = parse();
    if (parsed === undefined) return undefined;
    this.#take(parsed.length);
    return parsed.response;
  }

  /** Waits until a condition holds or the connection has ended. */
  async #until(holds: () => boolean, what: string): Promise<void> {
    while (!holds() && this.#ending === undefined) {
      await withDeadline(once(this.#progress, 'progress'), what, this.#deadline);
    }
  }

  #take(count: number): Buffer {
    const taken = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(count);
    return taken;
  }
}
