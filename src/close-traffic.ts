import type { FastifyInstance } from 'fastify';
import type { OpenConnections } from './open-connections.ts';
import type { WebSockets } from './proxy/websockets.ts';

/** Milliseconds for which a connection must have been quiet to be closed, once no new ones are taken. */
const linger = 1000;

/**
 * Stops listening, lets what is in flight end, and cuts it after `ms`.
 *
 * @returns how many requests were cut
 */
export async function closeTraffic(
  traffic: FastifyInstance,
  open: { readonly connections: OpenConnections; readonly webSockets: WebSockets },
  ms: number,
): Promise<number> {
  const { connections, webSockets } = open;
  let cut = 0;
  // Node's would reset a connection over which a request is on its way; that one is to be answered.
  traffic.server.closeIdleConnections = () => {};
  connections.closeQuiet();
  const closing = setInterval(() => connections.closeQuiet(), Math.min(linger, ms / 2));
  const cutting = setTimeout(() => {
    cut = connections.requests;
    webSockets.destroy();
    connections.destroy();
  }, ms);
  await traffic.close();
  clearInterval(closing);
  clearTimeout(cutting);
  return cut;
}
