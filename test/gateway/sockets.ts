import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import type { ConfigInput } from '../../src/config/schema.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { connectRaw, type RawResponse } from '../helpers/raw.ts';
import { ask } from './wire.ts';

/** Both ends of one WebSocket through the gateway. */
export interface Pair {
  readonly client: WebSocket;
  readonly server: WebSocket;
  /** As the upstream saw it. */
  readonly request: IncomingMessage;
}

export interface SocketScene {
  readonly issuer: FakeIssuer;
  readonly gateway: TestGateway;
  /** Every upgrade that the upstream saw. */
  readonly seen: readonly IncomingMessage[];
  /** Opens a WebSocket, with a good token unless told otherwise. */
  open(path?: string, options?: OpenOptions): Promise<Pair>;
  /** Asks for one with bytes of a test's own, and reads the answer. */
  ask(line: string, ...fields: readonly string[]): Promise<RawResponse>;
}

export interface OpenOptions extends ClientOptions {
  /** Null: none. */
  readonly token?: string | null;
  readonly protocols?: readonly string[];
}

/** The fields of a handshake that is in order. */
export const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** A gateway in front of an upstream that speaks WebSocket. */
export async function startSockets(t: Test, config: Partial<ConfigInput> = {}): Promise<SocketScene> {
  const seen: IncomingMessage[] = [];
  const http = createServer((_request, response) => response.writeHead(404).end('no such thing')).listen(
    0,
    '127.0.0.1',
  );
  const sockets = new WebSocketServer({
    server: http,
    perMessageDeflate: true,
    handleProtocols: (offered) => (offered.has('chosen') ? 'chosen' : false),
  });
  http.on('upgrade', (request: IncomingMessage) => seen.push(request));
  await once(http, 'listening');
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    http.close().closeAllConnections();
  });
  const upstream = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const issuer = await startFakeIssuer(t);
  const gateway = await startGateway(t, {
    upstream,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience, clockTolerance: 0 }],
    ...config,
  });
  return {
    issuer,
    gateway,
    seen,
    async open(path = '/chat', { token = issuer.mint(), protocols = [], headers, ...options } = {}) {
      const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
      const url = gateway.url.replace('http', 'ws') + path;
      const accepted = once(sockets, 'connection');
      const client = new WebSocket(url, [...protocols], {
        perMessageDeflate: false,
        headers: { ...headers, ...authorization },
        ...options,
      });
      t.teardown(() => client.terminate());
      await withDeadline(once(client, 'open'), 'a WebSocket');
      const [server, request] = (await accepted) as [WebSocket, IncomingMessage];
      return { client, server, request };
    },
    async ask(line, ...fields) {
      const raw = await connectRaw(t, gateway.url);
      await raw.send(ask(line, ...fields));
      return raw.response();
    },
  };
}

/** The code and the reason with which a WebSocket closes. */
export async function closing(
  socket: WebSocket,
): Promise<{ readonly code: number; readonly reason: string }> {
  const [code, reason] = await withDeadline(once(socket, 'close'), 'the end of a WebSocket');
  return { code: code as number, reason: String(reason) };
}

/** The next message. */
export async function message(socket: WebSocket): Promise<string | Buffer> {
  const [data, binary] = await withDeadline(once(socket, 'message'), 'a message');
  return binary ? (data as Buffer) : String(data);
}
