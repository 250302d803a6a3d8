import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import type { TestGateway } from '../helpers/gateway.ts';
import type { RawResponse } from '../helpers/raw.ts';

/** A config that lets everything through, to which a test adds its upstream. */
export const open = {
  rules: [{ path: '/*', auth: 'none' as const }],
  issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
};

/** A request's head as bytes: the line, then the fields; without any but Host where none is given. */
export function ask(line: string, ...fields: readonly string[]): string {
  return `${[`${line} HTTP/1.1`, 'Host: shop.example', ...fields].join('\r\n')}\r\n\r\n`;
}

/** Sends bytes over a connection of their own and reads the first answer. */
export async function sendRaw(gateway: TestGateway, bytes: string | Buffer): Promise<RawResponse> {
  const raw = await gateway.raw();
  await raw.send(bytes);
  const answer = await raw.response();
  raw.reset();
  return answer;
}

/** An HTTP upstream of a test's own making. */
export async function startUpstream(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server);
}

/** An upstream of bytes; `connections` counts what was dialed. */
export async function startTcp(
  t: Test,
  onConnection: (socket: Socket) => void,
): Promise<{ readonly url: string; readonly connections: number }> {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections++;
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  t.teardown(() => server.close());
  const url = await listen(server);
  return {
    url,
    get connections() {
      return connections;
    },
  };
}

/** An address of this machine at which nothing listens. */
export async function deadUrl(): Promise<string> {
  const server = createTcpServer();
  const url = await listen(server);
  server.close();
  await once(server, 'close');
  return url;
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
