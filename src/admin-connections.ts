import type { IncomingMessage, Server, ServerResponse } from 'node:http';
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

/** Most requests of one connection that wait for their answers: each of these can be as large as the metrics. */
const maxPipelined = 8;
/** Most header lines of a request, as `listen.maxHeaders` has it for clients. */
export const maxHeaderLines = 100;

interface Connection {
  readonly timer: NodeJS.Timeout;
  /** Requests that wait for the end of their answers. */
  waiting: number;
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
  #trimming = false;

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
    if (connection.waiting >= maxPipelined) {
      socket.destroy();
      return 'dropped';
    }
    connection.waiting++;
    response.once('finish', () => this.#finish(socket));
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

  #open(socket: Socket): void {
    const timer = setTimeout(() => this.#expire(socket), this.#requestTime).unref();
    this.#all.set(socket, { timer, waiting: 0, closing: false, read: 0, written: 0 });
    this.#fresh.add(socket);
    socket.once('close', () => this.#forget(socket));
    // Node calls this to end a connection after its last answer. Closed with unread bytes at once, the connection would
    // be reset, and a client that is still sending would lose the answer.
    socket.destroySoon = () => this.#linger(socket);
    this.#trimLater();
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#all.get(socket)?.timer);
    this.#all.delete(socket);
    for (const group of [this.#fresh, this.#served, this.#ended]) group.delete(socket);
  }

  #finish(socket: Socket): void {
    const connection = this.#all.get(socket);
    if (connection === undefined) return;
    connection.waiting--;
    if (this.#ended.has(socket)) return;
    connection.read = socket.bytesRead;
    connection.written = socket.bytesWritten;
    connection.timer.refresh();
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

  #expire(socket: Socket): void {
    const connection = this.#all.get(socket);
    if (connection === undefined) return;
    const silent = socket.bytesRead === connection.read;
    // In the middle of an answer these bytes would pass for a part of it.
    const answering = socket.bytesWritten !== connection.written;
    if (silent || answering || !socket.writable) {
      socket.destroy();
      return;
    }
    connection.closing = true;
    socket.write(timedOut);
    this.#linger(socket);
  }

  /**
   * Makes room once what has arrived by now is read: connections are taken by the hundred, and the oldest of them may
   * be a probe whose request has come with it.
   */
  #trimLater(): void {
    if (this.#trimming || this.#all.size <= this.#limit) return;
    this.#trimming = true;
    setImmediate(() => {
      setImmediate(() => {
        this.#trimming = false;
        for (let extra = this.#all.size - this.#limit; extra > 0; extra--) this.#makeRoom();
      });
    });
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

const timedOutBody = JSON.stringify({ type: 'about:blank', title: 'Request Timeout', status: 408 });
const timedOut =
  'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncache-control: no-store\r\n' +
  `content-type: application/problem+json\r\ncontent-length: ${timedOutBody.length}\r\n\r\n${timedOutBody}`;

/** Whether a request announces a body, RFC 9112 section 6.3. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || !/^0*$/.test(headers['content-length'] ?? '');
}
