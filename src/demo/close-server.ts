import { once } from 'node:events';
import type { Server } from 'node:http';

/** Stops a server at once, its open connections with it. A second time does nothing. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
