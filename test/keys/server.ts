import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestServer {
  readonly url: string;
  /** What was asked for, in order. */
  readonly seen: readonly IncomingMessage[];
}

/** Serves on a free port of 127.0.0.1 until the test ends, and cuts what is still open then. */
export async function startServer(t: Pick<Test, 'teardown'>, handler: Handler): Promise<TestServer> {
  return listen(t, createServer(), 'http', handler);
}

export async function listen(
  t: Pick<Test, 'teardown'>,
  server: Server,
  protocol: 'http' | 'https',
  handler: Handler,
): Promise<TestServer> {
  const seen: IncomingMessage[] = [];
  server.on('request', (request, response) => {
    seen.push(request);
    handler(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}
