import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

export interface AdminLimits {
  /** Most connections at a time. Default 64. */
  readonly connections?: number;
  /**
   * Milliseconds in which a connection must finish its first request, and after each answer the next one. Everything
   * counts: the silence before it, its head, its body, and the reading of its answer. Default 10 s.
   */
  readonly requestTime?: number;
  /** Milliseconds that a connection stays open after an answer that closes it, for the client to read it. Default 1 s. */
  readonly lingerTime?: number;
}

/** Most requests of one connection that wait for their answers. */
const maxPipelined = 8;
/** Bytes of answers that clients leave unread, in all: with thousands of rules the metrics are large. */
const maxUnread = 32 * 1024 * 1024;
/** Most header lines of a request, as `listen.maxHeaders` has it for clients. */
export const maxHeaderLines = 100;

interface Connection {
  /** Ends the time of the request that is due. */
  timer: NodeJS.Timeout;
  /** Those that have not ended. */
  readonly answers: Set<ServerResponse>;
  /** Its last answer says close: whatever comes after that is not looked at (RFC 9112 section 9.6). */
  closing: boolean;
  /** Bytes at the end of the last answer. */
  read: number;
  written: number;
}

/** What the admin port makes of a request before anything of it is looked at. */
export type Entered = 'served' | 'dropped' | 'too many headers';

/**
 * The connections of the admin port. No client can hold what a probe or Prometheus needs: a new connection is always
 * taken. If there are too many then, another one makes room: one that only waits for its end, else the oldest that has
 * finished no request, else the one whose last finished request is the oldest. Those that have finished a request
 * leave at least half of the places to those that have not, because one finished request is cheap to make.
 */
export class AdminConnections {
  readonly #limit: number;
  readonly #requestTime: number;
  readonly #lingerTime: number;
  readonly #all = new Map<Socket, Connection>();
  /** Have finished no request; the oldest first. */
  readonly #fresh = new Set<Socket>();
  /** Have finished one; the one that did so longest ago first. */
  readonly #served = new Set<Socket>();
  /** Have had their last answer. */
  readonly #ended = new Set<Socket>();

  constructor({ connections = 64, requestTime = 10_000, lingerTime = 1000 }: AdminLimits = {}) {
    this.#limit = connections;
    this.#requestTime = requestTime;
    this.#lingerTime = lingerTime;
  }

  watch(server: Server): void {
    // One more than are served, so that a request with too many is seen to have them: Node leaves out the rest in silence.
    server.maxHeadersCount = maxHeaderLines + 1;
    server.on('connection', (socket: Socket) => this.#open(socket));
    // Node would ask for the body before anybody has decided whether it is wanted.
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      server.emit('request', request, response);
    });
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      server.emit('request', request, response);
    });
  }

  /** Takes a request in. One that is `dropped` gets no answer: its connection has ended, or is about to. */
  enter(request: IncomingMessage, response: ServerResponse, readsBody: boolean): Entered {
    const { socket } = request;
    const connection = this.#all.get(socket);
    if (connection === undefined || connection.closing || socket.destroyed) return 'dropped';
    if (connection.answers.size >= maxPipelined) {
      socket.destroy();
      return 'dropped';
    }
    this.#limitUnread();
    connection.answers.add(response);
    response.once('finish', () => {
      connection.answers.delete(response);
      this.#finish(socket);
    });
    const tooMany = request.rawHeaders.length > 2 * maxHeaderLines;
    if (tooMany || (hasBody(request) && !readsBody)) connection.closing = true;
    return tooMany ? 'too many headers' : 'served';
  }

  /** Whether the answer to a request ends its connection, since a part of its body would come after it. */
  endsWith(request: IncomingMessage): boolean {
    const connection = this.#all.get(request.socket);
    if (connection === undefined) return true;
    if (hasBody(request) && !request.complete) connection.closing = true;
    return connection.closing;
  }

  /** Says no to bytes that have not become a request, and ends their connection. */
  refuse(socket: Socket, status: 400 | 408 | 431): void {
    const connection = this.#all.get(socket);
    // Its last answer is said, or about to be.
    if (status !== 408 && (connection?.closing || this.#ended.has(socket))) return;
    // In the middle of an answer these bytes would pass for a part of it.
    const answering = connection !== undefined && socket.bytesWritten !== connection.written;
    if (connection === undefined || answering || connection.closing || !socket.writable) {
      socket.destroy();
      return;
    }
    connection.closing = true;
    socket.write(rawAnswer(status));
    this.#linger(socket);
  }

  #open(socket: Socket): void {
    this.#all.set(socket, {
      timer: this.#limitTime(socket),
      answers: new Set(),
      closing: false,
      read: 0,
      written: 0,
    });
    this.#fresh.add(socket);
    socket.once('close', () => this.#forget(socket));
    // Node calls this to end a connection after its last answer. Closed with unread bytes at once, the connection would
    // be reset, and a client that is still sending would lose the answer.
    socket.destroySoon = () => this.#linger(socket);
    if (this.#all.size > this.#limit) this.#makeRoom();
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#all.get(socket)?.timer);
    this.#all.delete(socket);
    for (const group of [this.#fresh, this.#served, this.#ended]) group.delete(socket);
  }

  #finish(socket: Socket): void {
    const connection = this.#all.get(socket);
    if (connection === undefined || this.#ended.has(socket)) return;
    connection.read = socket.bytesRead;
    connection.written = socket.bytesWritten;
    clearTimeout(connection.timer);
    connection.timer = this.#limitTime(socket);
    this.#fresh.delete(socket);
    this.#served.delete(socket);
    this.#served.add(socket);
  }

  #linger(socket: Socket): void {
    const connection = this.#all.get(socket);
    if (connection === undefined || this.#ended.has(socket)) return;
    clearTimeout(connection.timer);
    this.#fresh.delete(socket);
    this.#served.delete(socket);
    this.#ended.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.#lingerTime).unref();
    socket.once('close', () => clearTimeout(timer));
    socket.once('end', () => socket.destroy());
    socket.end();
    // The rest of a body is not even read. Node resumes reading after an answer, in order to drop that rest.
    if (connection.closing) setImmediate(() => socket.pause());
  }

  #limitTime(socket: Socket): NodeJS.Timeout {
    const expire = () => {
      const silent = socket.bytesRead === this.#all.get(socket)?.read;
      if (silent) socket.destroy();
      else this.refuse(socket, 408);
    };
    return setTimeout(expire, this.#requestTime).unref();
  }

  /** Ends the connections that leave most unread, while all of them together leave too much. */
  #limitUnread(): void {
    const unread = [...this.#all].map(([socket, { answers }]) => ({ socket, bytes: bytesOf(answers) }));
    let total = unread.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total <= maxUnread) return;
    for (const { socket, bytes } of unread.sort((one, other) => other.bytes - one.bytes)) {
      if (total <= maxUnread) return;
      total -= bytes;
      socket.destroy();
    }
  }

  #makeRoom(): void {
    const [ended] = this.#ended;
    const [oldest] = this.#fresh;
    const [leastRecent] = this.#served;
    const inTurn = this.#fresh.size > this.#limit / 2 || leastRecent === undefined ? oldest : leastRecent;
    const socket = ended ?? inTurn;
    if (socket === undefined) return;
    this.#forget(socket);
    socket.destroy();
  }
}

function bytesOf(answers: ReadonlySet<ServerResponse>): number {
  let bytes = 0;
  for (const { writableLength } of answers) bytes += writableLength;
  return bytes;
}

function rawAnswer(status: number): string {
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ type: 'about:blank', title, status });
  return (
    `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncache-control: no-store\r\n` +
    `content-type: application/problem+json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

/** Whether a request announces a body, RFC 9112 section 6.3. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || !/^0*$/.test(headers['content-length'] ?? '');
}
