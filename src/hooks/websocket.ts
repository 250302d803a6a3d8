import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Exchange } from '../exchange.ts';
import { runAt } from '../proxy/expiry.ts';
import type { UpgradeInput } from '../proxy/forward.ts';
import { isAcceptance } from '../proxy/handshake.ts';
import { WebSocketRelay } from '../proxy/websocket.ts';
import type { WebSockets } from '../proxy/websockets.ts';
import type { Waiting } from './receive-upgrades.ts';

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
