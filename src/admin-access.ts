import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { AdminConfig } from './config/schema-listen.ts';
import { readRegularFile } from './regular-file.ts';

/**
 * What a request to the admin port may do. `token`: it holds the content of `admin.tokenFile` and may do everything.
 * `local`: it comes from this machine and may see what is protected. `none`: it may see what is open.
 */
export type Grant = 'token' | 'local' | 'none';

export interface Access {
  of(request: IncomingMessage): Grant;
  /** Whether a text is the content of `admin.tokenFile`, compared in constant time. */
  isToken(text: string): boolean;
  /** Whether there is a token at all. */
  readonly hasToken: boolean;
}

/** A shorter one could be guessed, and an empty one would be anybody's. */
const leastTokenBytes = 32;
const loopback = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;

/**
 * Compiles the access to the admin port. A request is `local` if it comes from a loopback peer that also calls the port
 * by a loopback name; otherwise a web page could reach the port through a name that it controls. With `tokenRequired`
 * no request is `local`.
 *
 * @throws Error when the token file cannot be read or holds less than 32 bytes
 */
export function compileAccess({
  tokenFile,
  tokenRequired,
}: Pick<AdminConfig, 'tokenFile' | 'tokenRequired'>): Access {
  const expected =
    tokenFile === null ? null : Buffer.from(readRegularFile(tokenFile).toString('utf8').trim());
  if (expected !== null && expected.length < leastTokenBytes) {
    throw new Error(`admin.tokenFile must hold at least ${leastTokenBytes} bytes`);
  }
  const isToken = (text: string) => {
    const given = Buffer.from(text);
    return expected !== null && given.length === expected.length && timingSafeEqual(given, expected);
  };
  return {
    hasToken: expected !== null,
    isToken,
    of({ headers, socket }) {
      if (isToken(/^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '')) return 'token';
      if (tokenRequired) return 'none';
      return loopback.test(socket.remoteAddress ?? '') && isLoopbackName(headers.host ?? '')
        ? 'local'
        : 'none';
    },
  };
}

function isLoopbackName(host: string): boolean {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return name === 'localhost' || (isIP(name) !== 0 && loopback.test(name));
}
