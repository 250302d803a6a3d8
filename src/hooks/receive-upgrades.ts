import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { isWebSocket } from '../proxy/handshake.ts';
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

/**
 * Node's request, an upgrade only where it asks for a WebSocket. Any other is an ordinary request, as RFC 9110
 * section 7.8 lets us, and Node's parser goes on to read its body and the requests after it. Nothing else tells
 * versions of Node before 24.9.
 */
export class Incoming extends IncomingMessage {
  declare [asked]: boolean | null;

  get upgrade(): boolean {
    return this[asked] === true && (this.method === 'CONNECT' || isWebSocket(this));
  }

  set upgrade(value: boolean | null) {
    this[asked] = value;
  }
}

/** The answer that Node sends on a connection, if it is in the midst of one. */
type Answering = Socket & { readonly _httpMessage?: ServerResponse | null };

/**
 * Sends requests for a WebSocket the way of all requests: Node has taken their connections off its parser, so that each
 * has one answer, and closes after it.
 *
 * @returns the connection of a request for a WebSocket; undefined for any other request
 */
export function receiveUpgrades(
  app: FastifyInstance,
  webSockets: WebSockets,
): (request: IncomingMessage) => Waiting | undefined {
  const waiting = new WeakMap<IncomingMessage, Waiting>();
  app.server.on('upgrade', (request: IncomingMessage, client: Answering, head: Buffer) => {
    webSockets.hold(client);
    client.on('error', () => client.destroy());
    // Node does not look after this connection any more, but what it is told here is still true.
    client.on('drain', () => client._httpMessage?.emit('drain'));
    client.on('timeout', () => app.server.emit('timeout', client));
    waiting.set(request, readEarly(client, head));
    afterAnswers(client, () => {
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(client);
      response.on('finish', () => client.end(() => client.destroy()));
      app.routing(request, response);
    });
  });
  return (request) => waiting.get(request);
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
