import { resolve } from 'node:path';
import type { Config } from './schema.ts';

/**
 * Absolute paths of the files that a config names and that are read when it comes into force: keys, certificates,
 * tokens. What is read anew at every fetch of keys (`caFile`, `bearerTokenFile`) is not among them.
 */
export function namedFiles({ listen, admin, upstream, upstreams, issuers }: Config): string[] {
  const { certFile = null, keyFile = null, clientCaFile = null } = listen.tls ?? {};
  const named = [
    certFile,
    keyFile,
    clientCaFile,
    admin.tokenFile,
    ...[upstream, ...Object.values(upstreams)].flatMap(({ tls }) => [tls.caFile, tls.certFile, tls.keyFile]),
    ...issuers.map(({ jwksFile }) => jwksFile),
  ];
  return [...new Set(named.filter((file) => file !== null))].map((file) => resolve(file));
}
