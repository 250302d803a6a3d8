import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.ts';
import type { Exchange } from '../exchange.ts';
import { runAt } from '../proxy/expiry.ts';
import type { UpgradeInput } from '../proxy/forward.ts';
import { isAcceptance, isWebSocket } from '../proxy/handshake.ts';
import { WebSocketRelay } from '../proxy/websocket.ts';
import type { WebSockets } from '../proxy/websockets.ts';

/** What a client sends after its request, before it is answered, in bytes. */
const mostEarly = 64 * 1024;

/** A request that waits for its upgrade. */
export interface Waiting {
  readonly client: Socket;
  /** What the client has sent already; nothing is read any more once this is asked for. */
  take(): readonly Buffer[];
}

/**
 * Sends requests for an upgrade the way of all requests: Node has taken their connections off its parser, so that each
 * has one answer, and closes after it.
 *
 * @returns the connection of a request for a WebSocket; undefined for any other request
 */
export function receiveUpgrades(app: FastifyInstance): (request: IncomingMessage) => Waiting | undefined {
  const waiting = new WeakMap<IncomingMessage, Waiting>();
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    // Newer versions of Node hand over a stream of their own where the request has a body.
    response.on('finish', () => socket.end(() => socket.destroy()));
    socket.on('error', () => socket.destroy());
    if (isWebSocket(request)) waiting.set(request, readEarly(socket as Socket, head));
    app.routing(request, response);
  });
  return (request) => waiting.get(request);
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

export interface WebSocketParts {
  readonly webSockets: WebSockets;
  readonly clock: Clock;
  draining(): boolean;
}

/** What becomes of a request for a WebSocket once the upstream has accepted it: 101, and all that follows. */
export function compileUpgrade(parts: WebSocketParts) {
  const { webSockets, clock, draining } = parts;
  return function upgrade(request: IncomingMessage, exchange: Exchange, waiting: Waiting): UpgradeInput {
    return {
      protocol: 'websocket',
      accepted(upstream, headers) {
        if (!isAcceptance(request, headers)) return null;
        const { client } = waiting;
        const early = waiting.take();
        // The server's own would end a connection that carries no request.
        client.removeAllListeners('timeout');
        client.write(head(headers), 'latin1');
        const relay = new WebSocketRelay({ client, upstream, early, ...exchange.policy.websockets });
        webSockets.add(relay);
        exchange.upgraded = true;
        const cancel = closeAtExpiry(relay, exchange, clock);
        client.once('close', () => {
          cancel();
          webSockets.delete(relay);
        });
        if (draining()) relay.close(1001, 'going away');
        return relay;
      },
    };
  };
}

/** Node, and so our own refusals, would write it differently; a WebSocket client reads it as it is. */
function head(headers: readonly string[]): string {
  let text = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${text}\r\n`;
}

/** Private use, section 7.4.2. */
const expired = 4401;

function closeAtExpiry(
  relay: WebSocketRelay,
  { policy, token, decision }: Exchange,
  clock: Clock,
): () => void {
  if (!policy.websockets.closeAtExpiry || token === null || decision?.outcome !== 'allow') return () => {};
  return runAt(token.expiresAt, clock, () => relay.close(expired, 'token expired'));
}
