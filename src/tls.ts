import { constants } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type TLSSocket, type TlsOptions } from 'node:tls';
import { readRegularFile } from './regular-file.ts';

export interface ListenTls {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string | null;
  readonly clientCertificates: 'none' | 'optional' | 'required';
}

/** What a port is opened with, the contents of its files included. */
export type ReadTls = SecureContextOptions & TlsOptions;

/**
 * Forward secrecy and authenticated encryption alone, as RFC 9325 section 4.2 recommends. The first three are those of
 * TLS 1.3, whose order the client decides.
 */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  // No RSA key of less than 2048 bits and no SHA-1, in certificates of clients too; older versions of OpenSSL begin lower.
  '@SECLEVEL=2',
].join(':');

/** Not the finite-field groups that OpenSSL offers too: a client could have us reckon in them at little cost of its own (CVE-2002-20001). */
const groups = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384'];

/**
 * TLS of the traffic port: version 1.2 or later. Throws, naming the file, when one cannot be read, and naming the
 * setting when OpenSSL makes nothing of them.
 */
export function readTls(tls: ListenTls): ReadTls {
  const options = readOptions(tls);
  try {
    createSecureContext(options);
  } catch (error) {
    throw new Error(`the files of listen.tls cannot be used: ${(error as Error).message}`, { cause: error });
  }
  return options;
}

/** OpenSSL has the post-quantum group since 3.5, Node 20 comes with 3.0. */
function isKnown(group: string): boolean {
  try {
    createSecureContext({ ecdhCurve: group });
    return true;
  } catch {
    return false;
  }
}

function readOptions(tls: ListenTls): ReadTls {
  const own = {
    minVersion: 'TLSv1.2',
    ciphers,
    honorCipherOrder: true,
    ecdhCurve: groups.filter(isKnown).join(':'),
    // A client that renegotiates again and again costs a handshake each time, and none needs to.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // A session that is resumed is not asked for its certificate again: for five minutes, not OpenSSL's two hours.
    sessionTimeout: 300,
    ALPNProtocols: ['http/1.1'],
    cert: readRegularFile(tls.certFile),
    key: readRegularFile(tls.keyFile),
  } as const satisfies SecureContextOptions & { ALPNProtocols: readonly string[] };
  if (tls.clientCertificates === 'none') return own;
  return {
    ...own,
    requestCert: true,
    rejectUnauthorized: tls.clientCertificates === 'required',
    ...(tls.clientCaFile === null ? {} : { ca: readRegularFile(tls.clientCaFile) }),
  };
}

/** Where certificates are optional: a client may come without one, but not with one that does not hold, as with nginx. */
export function dropUnverified(socket: TLSSocket): void {
  if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) socket.destroy();
}
