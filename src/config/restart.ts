import { isDeepStrictEqual } from 'node:util';
import type { Config } from './schema.ts';

/**
 * The settings that differ between two configs and that only a restart brings into force: those of the sockets, which
 * were opened with them.
 */
export function needsRestart(before: Config, after: Config): string[] {
  const one = socketSettings(before);
  const other = socketSettings(after);
  return Object.keys(one).filter((path) => !isDeepStrictEqual(one[path], other[path]));
}

function socketSettings({ listen, admin, websockets }: Config): Record<string, unknown> {
  return {
    'listen.host': listen.host,
    'listen.port': listen.port,
    'listen.headersTimeout': listen.headersTimeout,
    'listen.requestTimeout': listen.requestTimeout,
    'listen.keepAliveTimeout': listen.keepAliveTimeout,
    'listen.maxHeaderSize': listen.maxHeaderSize,
    'listen.maxConnections': listen.maxConnections,
    // On or off; the files themselves are taken over at every reload.
    'listen.tls': listen.tls !== null,
    'listen.tls.clientCertificates': listen.tls?.clientCertificates,
    'websockets.enabled': websockets.enabled,
    'admin.host': admin.host,
    'admin.port': admin.port,
  };
}
