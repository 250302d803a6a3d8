import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { isWebSocket } from '../proxy/handshake.ts';
import { isEnding } from '../proxy/last-request.ts';
import type { WebSockets } from '../proxy/websockets.ts';

/** What a client sends after its request, before it is answered, in bytes. */
const mostEarly = 64 * 1024;

/** A request that waits for its upgrade. */
export interface Waiting {
  readonly client: Socket;
  /** What the client has sent already; nothing is read any more once this is asked for. */
  take(): readonly Buffer[];
}

const asked = Symbol('upgrade');
const ignored = Symbol('ignored upgrade');

/**
 * Node's request, an upgrade only where no body belongs to it: what follows the head is then handed over as it came,
 * in every version of Node.
 */
export class Incoming extends IncomingMessage {
  declare [asked]: boolean | null;

  get upgrade(): boolean {
    return this[asked] === true && (this.method === 'CONNECT' || !hasBody(this));
  }

  set upgrade(value: boolean | null) {
    this[asked] = value;
  }
}

/** Behind an upgrade with a body Node's parser drops what shares a segment with it; the client must know. */
export function losesTheNext(request: IncomingMessage): boolean {
  return (request as Incoming)[asked] === true;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/** The answer that Node sends on a connection, if it is in the midst of one. */
type Answering = Socket & {
  readonly _httpMessage?: ServerResponse | null;
  /** The protocol that the request which is read once more asked for. */
  [ignored]?: string | undefined;
};

/**
 * Receives every request with an `Upgrade`. Node has taken its connection off the parser, since what follows may be of
 * another protocol. A request for a WebSocket goes the way of all requests; it has one answer, after which the
 * connection closes. Any other `Upgrade` is ignored, as RFC 9110 section 7.8 permits: Node reads the request once more
 * without it, and then whatever came behind.
 *
 * @param enabled - whether WebSockets are served
 * @returns the connection of a request for a WebSocket; undefined for any other request
 */
export function receiveUpgrades(
  app: FastifyInstance,
  webSockets: WebSockets,
  enabled: boolean,
): (request: IncomingMessage) => Waiting | undefined {
  const waiting = new WeakMap<IncomingMessage, Waiting>();
  // Node's own, which is the first: it gives a connection a parser.
  const [parse] = app.server.listeners(
    app.server instanceof TlsServer ? 'secureConnection' : 'connection',
  ) as [(this: Server, client: Socket) => void];
  app.server.on('upgrade', (request: IncomingMessage, client: Answering, head: Buffer) => {
    const onError = () => client.destroy();
    const onDrain = () => client._httpMessage?.emit('drain');
    // Node does not look after this connection any more, but what it is told here is still true.
    client.on('error', onError).on('drain', onDrain);
    if (isEnding(client)) return afterAnswers(client, () => client.destroy());
    const early = readEarly(client, head);
    if (!enabled || !isWebSocket(request)) {
      afterAnswers(client, () => {
        client.off('error', onError).off('drain', onDrain).removeAllListeners('timeout');
        client.pause();
        client.unshift(Buffer.concat([withoutUpgrade(request), ...early.take()]));
        client[ignored] = request.headers.upgrade;
        parse.call(app.server, client);
        client.resume();
      });
      return;
    }
    webSockets.hold(client);
    client.on('timeout', () => app.server.emit('timeout', client));
    waiting.set(request, early);
    afterAnswers(client, () => {
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(client);
      response.on('finish', () => client.end(() => client.destroy()));
      app.routing(request, response);
    });
  });
  // Whoever asked for an upgrade is known for it by the stages, although nothing comes of it.
  app.server.prependListener('request', (request) => {
    const socket: Answering = request.socket;
    if (socket[ignored] === undefined) return;
    request.headers.upgrade = socket[ignored];
    socket[ignored] = undefined;
  });
  return (request) => waiting.get(request);
}

/** The head of a request as it came, but for `Upgrade`: what the parser took apart has no line breaks in it. */
function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.toLowerCase() !== 'upgrade') head += `${name}: ${rawHeaders[i + 1]}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, 'latin1');
}

/** A request that came before those ahead of it were answered waits its turn; Node lets it have no socket until then. */
function afterAnswers(client: Answering, run: () => void): void {
  const { _httpMessage: answer } = client;
  if (answer) answer.once('close', () => afterAnswers(client, run));
  else if (client.writable) run();
  else client.destroy();
}

/** Reads on, since else nobody would notice that the client goes. */
function readEarly(client: Socket, head: Buffer): Waiting {
  const early: Buffer[] = [head];
  let size = head.length;
  const onData = (chunk: Buffer): void => {
    early.push(chunk);
    size += chunk.length;
    if (size > mostEarly) client.pause();
  };
  const onEnd = (): void => void client.destroy();
  client.on('data', onData);
  client.on('end', onEnd);
  return {
    client,
    take() {
      client.off('data', onData);
      client.off('end', onEnd);
      return early;
    },
  };
}
