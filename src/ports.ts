import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Config } from './config/schema.ts';
import type { InForce } from './in-force.ts';

/** No host means every address; a machine without IPv6 has only the IPv4 ones. */
export async function listen(
  app: FastifyInstance,
  { host, port }: { host: string | null; port: number },
): Promise<void> {
  try {
    await app.listen({ port, host: host ?? '::' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (host !== null || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
    await app.listen({ port, host: '0.0.0.0' });
  }
}

/** The port that a server listens on, once it does. */
export function portOf(app: FastifyInstance): number {
  return (app.server.address() as AddressInfo).port;
}

/** Shows clients the certificates of another config from the next handshake on; open connections go on. */
export function takeCertificates(traffic: FastifyInstance, started: Config, { tls, config }: InForce): void {
  const { server } = traffic;
  // Whether clients are asked for certificates was decided when the port was opened: other authorities may come only then.
  if (!(server instanceof TlsServer) || tls === null) return;
  if (config.listen.tls?.clientCertificates === started.listen.tls?.clientCertificates)
    server.setSecureContext(tls);
}
