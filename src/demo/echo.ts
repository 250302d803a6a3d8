import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer } from './close-server.ts';

export interface EchoOptions {
  /** Port on 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** Requests that `seen` remembers. Default 1000. */
  readonly history?: number;
  /** Bytes of a body that are remembered and shown; all are counted and hashed. Default 64 KiB. */
  readonly keep?: number;
}

/** One request as it came off the wire. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  /** Names and values in turn, in the order and case of the wire. */
  readonly rawHeaders: readonly string[];
  /** Likewise, once the body is complete. */
  readonly rawTrailers: readonly string[];
  readonly body: {
    /** How many have arrived so far. */
    readonly bytes: number;
    /** In hexadecimal, of all that arrived; empty while more may come. */
    readonly sha256: string;
    /** The first of them, as many as `keep` says. */
    readonly start: Buffer;
    /** False while more may come, and for ever when the client broke off. */
    readonly complete: boolean;
  };
}

/** A running upstream that answers every request with what it received, as JSON. */
export interface Echo {
  readonly url: string;
  readonly port: number;
  /** From the arrival of their headers on, oldest first. */
  readonly seen: readonly Seen[];
  /** Connections that were opened to it. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Starts an echo on 127.0.0.1. */
export async function startEcho(options: EchoOptions = {}): Promise<Echo> {
  const { port = 0, history = 1000, keep = 65_536 } = options;
  const seen: Seen[] = [];
  let connections = 0;
  // Whatever arrives is what it shows, so it turns nothing away for its size or speed.
  const limits = { maxHeaderSize: 1_048_576, requestTimeout: 0, requireHostHeader: false };
  const server = createServer(limits, (request, response) => {
    const received = receive(request, keep);
    seen.push(received.seen);
    if (seen.length > history) seen.shift();
    received.done.then(
      () => answer(response, received.seen),
      () => response.destroy(),
    );
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    seen,
    get connections() {
      return connections;
    },
    close: () => closeServer(server),
  };
}

function receive(request: IncomingMessage, keep: number) {
  const body = { bytes: 0, sha256: '', start: Buffer.alloc(0), complete: false };
  const seen: Seen = {
    method: request.method ?? '',
    url: request.url ?? '',
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
    // Node.js replaces the list when the trailers arrive.
    get rawTrailers() {
      return request.rawTrailers;
    },
    body,
  };
  const read = async () => {
    const hash = createHash('sha256');
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        hash.update(chunk);
        body.bytes += chunk.length;
        const missing = keep - body.start.length;
        if (missing > 0) body.start = Buffer.concat([body.start, chunk.subarray(0, missing)]);
      }
      body.complete = true;
    } finally {
      body.sha256 = hash.digest('hex');
    }
  };
  return { seen, done: read() };
}

function answer(response: ServerResponse, { method, url, httpVersion, rawHeaders, rawTrailers, body }: Seen) {
  const echo = {
    method,
    url,
    httpVersion,
    headers: pairs(rawHeaders),
    ...(rawTrailers.length > 0 && { trailers: pairs(rawTrailers) }),
    body: { bytes: body.bytes, sha256: body.sha256 },
    ...(isText(body) && { text: body.start.toString() }),
  };
  const content = Buffer.from(`${JSON.stringify(echo, null, 2).replace(brokenPair, '[$1, $2]')}\n`);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': content.length,
    'cache-control': 'no-store',
  });
  response.end(content);
}

/** A header as `JSON.stringify` indents it, for a line of its own. */
const brokenPair = /\[\s+("(?:[^"\\]|\\.)*"),\s+("(?:[^"\\]|\\.)*")\s+\]/g;

function pairs(raw: readonly string[]): string[][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => raw.slice(2 * index, 2 * index + 2));
}

/** Whether all of a body is there to show, and is UTF-8. */
function isText({ bytes, start }: Seen['body']): boolean {
  return bytes > 0 && bytes === start.length && isUtf8(start);
}
