import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Peer {
  /** The program, or null where it is not here. */
  readonly path: string | null;
  /** Why a test is skipped; false where it is not. */
  readonly skip: string | false;
}

export interface PeerOptions {
  /** Installs the package, with all that it needs: for programs that are no service. Default false. */
  readonly install?: boolean;
}

/**
 * Finds a program of a Debian package. In CI, as root, a package that is missing is unpacked into a temporary folder:
 * nothing is installed, so that none of its services is started. Elsewhere the test is skipped and says what to install.
 */
export function findPeer(
  program: string,
  debianPackage: string,
  { install = false }: PeerOptions = {},
): Peer {
  const unpacked = join(tmpdir(), 'jwks-sidecar-peers', debianPackage);
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    join(unpacked, 'usr/sbin'),
    join(unpacked, 'usr/bin'),
  ];
  const find = () => folders.map((folder) => join(folder, program)).find((file) => existsSync(file)) ?? null;
  const found = find();
  if (found !== null) return { path: found, skip: false };
  if (process.env.CI !== 'true' || process.getuid?.() !== 0) {
    return { path: null, skip: `${program} is missing: apt-get install ${debianPackage}` };
  }
  try {
    if (install) withIndex(process.cwd(), ['install', '-y', '--no-install-recommends', debianPackage]);
    else unpack(debianPackage, unpacked);
  } catch (error) {
    return {
      path: null,
      skip: `${debianPackage} could not be had: ${(error as Error).message.split('\n')[0]}`,
    };
  }
  const path = find();
  return { path, skip: path === null ? `${debianPackage} has no ${program}` : false };
}

function unpack(debianPackage: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  withIndex(folder, ['download', debianPackage]);
  const all = 'for file in *.deb; do dpkg -x "$file" . && rm "$file"; done';
  execFileSync('sh', ['-c', all], { cwd: folder, stdio: 'pipe' });
}

/** Runs apt-get, once more with a new index where the one at hand does not do. */
function withIndex(folder: string, args: readonly string[]): void {
  const run = (all: readonly string[]) =>
    execFileSync('apt-get', all, {
      cwd: folder,
      stdio: 'pipe',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  try {
    run(args);
  } catch {
    run(['update']);
    run(args);
  }
}

/** A port that was free a moment ago, for programs that cannot pick one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves once somebody listens; tries for at most five seconds. */
export async function accepting(port: number): Promise<void> {
  const end = Date.now() + 5000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.destroy();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
