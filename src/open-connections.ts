import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** Most requests that one connection may have waiting for their answers. */
const maxPipelined = 100;

interface Connection {
  /** Requests that wait for the end of their answers. */
  waiting: number;
  /** The request that came last, whose answer is the last one too. */
  last: IncomingMessage | null;
  /** Bytes that had been read when it was last seen at rest. */
  readAtRest: number | null;
}

/**
 * The open connections of the traffic port, and what each still has to answer. Node's own notion of an idle connection
 * is of no use to a drain: it takes one for idle whose answer is on its way to a slow reader, and never one that has
 * sent half a head.
 */
export class OpenConnections {
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<Socket, Connection>();

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#connections.set(socket, { waiting: 0, last: null, readAtRest: null });
      socket.once('close', () => this.#connections.delete(socket));
    });
  }

  /**
   * Takes a request in. False: its connection has too many of them waiting. Node reads on for as long as the answers
   * are short, so that one client alone could fill memory while a verification or the upstream takes its time.
   */
  enter(request: IncomingMessage): boolean {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return true;
    connection.last = request;
    return ++connection.waiting <= maxPipelined;
  }

  /** The answer to a request has ended. */
  leave(request: IncomingMessage): void {
    const connection = this.#connections.get(request.socket);
    if (connection !== undefined) connection.waiting--;
  }

  /** Whether no request has come after this one: only its answer may end the connection without losing another. */
  isLast(request: IncomingMessage): boolean {
    const connection = this.#connections.get(request.socket);
    return connection === undefined || connection.last === request;
  }

  /** Requests that wait for the end of their answers, on all connections. */
  get requests(): number {
    let requests = 0;
    for (const { waiting } of this.#connections.values()) requests += waiting;
    return requests;
  }

  /** Ends connections with nothing to answer that have sent nothing since the time before. */
  closeQuiet(): void {
    for (const [socket, connection] of this.#connections) {
      if (connection.waiting > 0) connection.readAtRest = null;
      else if (connection.readAtRest === socket.bytesRead) socket.destroy();
      else connection.readAtRest = socket.bytesRead;
    }
  }

  /** Ends every connection at once, those too that have not got beyond their TLS handshake. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
