import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';
import { withDeadline } from '../helpers/deadline.ts';

/** One request as its bytes came, a string standing for latin1. */
export interface Recorded {
  /** All of it: request line, header fields and body, nothing decoded. */
  readonly text: string;
  readonly method: string;
  readonly target: string;
  /** Header lines in their order and spelling, without CRLF. */
  readonly fields: readonly string[];
  /** With its chunk framing, where it has one. */
  readonly body: string;
}

/** An upstream that keeps what it is sent, byte for byte, and answers every request with the same 200. */
export interface Recorder {
  readonly port: number;
  readonly url: string;
  /** Complete requests, oldest first. */
  readonly seen: readonly Recorded[];
  /** How many bytes came, whether or not they made a request. */
  readonly bytes: number;
  /** Resolves once so many requests are complete. */
  received(count: number): Promise<void>;
  close(): Promise<void>;
}

const answer = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok';

/** Starts one on 127.0.0.1 for as long as a test runs. `port` 0: a free one. */
export async function startRecorder(t: Pick<Test, 'teardown'>, port = 0): Promise<Recorder> {
  const seen: Recorded[] = [];
  const arrivals = new EventEmitter();
  const sockets = new Set<Socket>();
  let bytes = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let unread = '';
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      unread += chunk.toString('latin1');
      for (let size = messageSize(unread); size > 0; size = messageSize(unread)) {
        seen.push(describe(unread.slice(0, size)));
        unread = unread.slice(size);
        socket.write(answer);
      }
      arrivals.emit('arrival');
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await once(server.close(), 'close');
  };
  t.teardown(close);
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    seen,
    get bytes() {
      return bytes;
    },
    async received(count) {
      while (seen.length < count) {
        await withDeadline(once(arrivals, 'arrival'), `request ${count} at the upstream`);
      }
    },
    close,
  };
}

/** Length of the first request, RFC 9112 section 6; 0 while it is not complete. Chunks are read, not joined. */
function messageSize(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const head = text.slice(0, headEnd);
  const start = headEnd + 4;
  if (/^transfer-encoding:/im.test(head)) {
    return Math.max(chunksEnd(text, start), 0);
  }
  const length = Number(/^content-length:[ \t]*(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length >= start + length ? start + length : 0;
}

function chunksEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return -1;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) {
      // The empty line comes at once where there are no trailers.
      const end = text.indexOf('\r\n\r\n', lineEnd);
      return end < 0 ? -1 : end + 4;
    }
    at = lineEnd + 2 + size + 2;
  }
}

function describe(text: string): Recorded {
  const headEnd = text.indexOf('\r\n\r\n');
  const [line = '', ...fields] = text.slice(0, headEnd).split('\r\n');
  const [method = '', target = ''] = line.split(' ');
  return { text, method, target, fields, body: text.slice(headEnd + 4) };
}

/** The values of a header, in any case. */
export function valuesOf({ fields }: Recorded, name: string): string[] {
  const prefix = `${name.toLowerCase()}:`;
  return fields
    .filter((field) => field.toLowerCase().startsWith(prefix))
    .map((field) => field.slice(prefix.length).trim());
}
