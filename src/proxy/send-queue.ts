import { createReadStream, fstatSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Where Linux lists the TCP connections of this network namespace, proc(5). */
const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Bytes read of each: about 14,000 connections, which take some milliseconds once a second at most. */
const mostRead = 2 * 1024 * 1024;
/** Of a line: bytes in the send queue (hexadecimal), then the inode after seven more columns. */
const line = /^ *\d+: \S+ \S+ \S\S ([0-9A-F]{8}):\S+ \S+ \S+ +\d+ +\d+ (\d+) /gm;

type Handled = Socket & { readonly _handle?: { readonly fd?: number } | null };

/**
 * Bytes that the kernel holds for the readers of some connections, sent or not, and not acknowledged yet. Nothing in
 * Node tells: a connection becomes writable again only once a third of the kernel's buffer is free, and of the 4 MiB
 * that it may have a slow reader takes a third in minutes.
 *
 * @returns none for a connection of which this system says nothing
 */
export async function readSendQueues(sockets: readonly Socket[]): Promise<ReadonlyMap<Socket, number>> {
  const byInode = new Map<string, Socket>();
  for (const socket of sockets) {
    const inode = inodeOf(socket);
    if (inode !== null) byInode.set(inode, socket);
  }
  const found = new Map<Socket, number>();
  if (byInode.size === 0) return found;
  for (const table of await Promise.all(tables.map(read))) {
    for (const [, queued, inode] of table.matchAll(line)) {
      const socket = byInode.get(inode as string);
      if (socket !== undefined) found.set(socket, Number.parseInt(queued as string, 16));
    }
  }
  return found;
}

function inodeOf(socket: Handled): string | null {
  const fd = socket._handle?.fd ?? -1;
  try {
    return fd < 0 ? null : String(fstatSync(fd).ino);
  } catch {
    return null;
  }
}

/** Empty where there is none: not every system is Linux. */
async function read(table: string): Promise<string> {
  let text = '';
  try {
    for await (const chunk of createReadStream(table, { encoding: 'latin1', end: mostRead - 1 }))
      text += chunk;
  } catch {}
  return text;
}
