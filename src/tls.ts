import { readFileSync } from 'node:fs';
import type { SecureContextOptions, TLSSocket, TlsOptions } from 'node:tls';

export interface ListenTls {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string | null;
  readonly clientCertificates: 'none' | 'optional' | 'required';
}

/** TLS of the traffic port: version 1.2 or later. Throws, naming the file, when one cannot be read. */
export function readTls(tls: ListenTls): SecureContextOptions & TlsOptions {
  const own = {
    minVersion: 'TLSv1.2',
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
  } as const;
  if (tls.clientCertificates === 'none') return own;
  return {
    ...own,
    requestCert: true,
    rejectUnauthorized: tls.clientCertificates === 'required',
    ...(tls.clientCaFile === null ? {} : { ca: readFileSync(tls.clientCaFile) }),
  };
}

/** Where certificates are optional: a client may come without one, but not with one that does not hold, as with nginx. */
export function dropUnverified(socket: TLSSocket): void {
  if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) socket.destroy();
}
