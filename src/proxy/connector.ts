import { isIP, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { readRegularFile } from '../regular-file.ts';

export interface UpstreamTls {
  /** PEM file of the authorities to trust; null: those of the system. */
  readonly caFile: string | null;
  /** PEM file of the client certificate to show. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Name to ask for and to verify; null: the host of the URL. */
  readonly serverName: string | null;
}

export interface ConnectorOptions {
  readonly connectTimeout: number;
  readonly serverName: string | null;
  readonly files: TlsFiles;
}

/** The contents of the files that `UpstreamTls` names. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export type Dial = (callback: (error: Error | null, socket: Socket | null) => void) => void;

export interface Connector {
  readonly connector: buildConnector.connector;
  /** To give undici with every request: it reconnects whenever this changes, and would take it from `Host`. */
  readonly serverName: string;
  readonly dial: Dial;
}

/** Compiles how connections to one upstream are opened. */
export function compileConnector(url: URL, options: ConnectorOptions): Connector {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(options.serverName ?? '')) throw new Error('tls.serverName must be a name, not an address');
  const serverName = options.serverName ?? hostname;
  const build = buildConnector({
    timeout: options.connectTimeout,
    autoSelectFamily: true,
    // Said aloud: NODE_TLS_REJECT_UNAUTHORIZED must not switch verification off.
    rejectUnauthorized: true,
    ...options.files,
  });
  // An address is no name to ask for, RFC 6066 section 3; the certificate is then verified against the address.
  const servername = isIP(serverName) ? '' : serverName;
  const connector: buildConnector.connector = (options, callback) =>
    build({ ...options, servername }, callback);
  const { protocol, port, host } = url;
  return {
    connector,
    serverName,
    dial: (callback) => connector({ hostname, host, protocol, port }, callback),
  };
}

/** Throws an Error that names the setting when a file cannot be read, or when OpenSSL makes nothing of them. */
export function readTlsFiles(tls: UpstreamTls): TlsFiles {
  const files = {
    ...readFile('ca', tls.caFile),
    ...readFile('cert', tls.certFile),
    ...readFile('key', tls.keyFile),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new Error(`the files of tls cannot be used: ${(error as Error).message}`, { cause: error });
  }
  return files;
}

function readFile(option: 'ca' | 'cert' | 'key', file: string | null): { [option: string]: Buffer } {
  if (file === null) return {};
  try {
    return { [option]: readRegularFile(file) };
  } catch (error) {
    throw new Error(`tls.${option}File cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
