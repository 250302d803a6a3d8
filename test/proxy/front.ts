import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { type Reason, reasons } from '../../src/errors.ts';
import { type ForwardInput, forward, type Outcome } from '../../src/proxy/forward.ts';
import { compileRequestHeaders } from '../../src/proxy/request-headers.ts';
import { createUpstreams, type Upstream, type UpstreamOptions } from '../../src/proxy/upstreams.ts';
import { withDeadline } from '../helpers/deadline.ts';

export const defaults: Omit<UpstreamOptions, 'url'> = {
  connections: 256,
  connectionsPerClient: null,
  connectTimeout: 2000,
  headersTimeout: 30_000,
  bodyTimeout: 300_000,
  keepAliveTimeout: 4000,
  preserveHost: true,
  setHeaders: {},
  tls: { caFile: null, certFile: null, keyFile: null, serverName: null },
};

export interface Front {
  readonly origin: string;
  readonly upstream: Upstream;
  readonly outcomes: readonly Outcome[];
  readonly refusals: readonly Reason[];
  /** Resolves when so many transfers have ended, or when `given` resolves: then no more are to be expected. */
  ended(count: number, given?: Promise<void>): Promise<void>;
  /** Resolves when a client has left. */
  left(): Promise<void>;
}

/** A plain server that forwards whatever it is sent to one upstream, once `before` has resolved. */
export async function startFront(
  t: Pick<Test, 'teardown'>,
  url: string,
  options: Partial<UpstreamOptions> = {},
  input: Partial<ForwardInput> = {},
  before?: Promise<void>,
): Promise<Front> {
  const upstreams = createUpstreams({ main: { ...defaults, url, ...options } }, undefined, input.clock);
  const upstream = upstreams.get('main');
  const outcomes: Outcome[] = [];
  const refusals: Reason[] = [];
  const progress = new EventEmitter();
  const requestHeaders = compileRequestHeaders({ strip: () => false, tokenHeaders: [] });
  const left: Promise<void>[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    left.push(new Promise((resolve) => response.once('close', resolve)));
    progress.emit('request');
    if (before !== undefined) await before;
    const hop = { peer: '127.0.0.1', trusted: false, secure: false, port: 1 };
    const { rawHeaders, method = '', url: path = '' } = request;
    forward({
      upgrade: null,
      request,
      response,
      upstream,
      network: request.socket.remoteAddress ?? 'unknown',
      method,
      path,
      stripPrefix: null,
      headers: requestHeaders({
        rawHeaders,
        upstream,
        tokens: [],
        identity: [],
        requestId: 'id',
        hop,
        stripPrefix: input.stripPrefix ?? null,
      }),
      ownOrigin: `http://${request.headers.host}`,
      maxBodySize: null,
      expectsContinue: request.headers.expect !== undefined,
      closing: () => false,
      clock: systemClock,
      refuse(reason) {
        refusals.push(reason);
        if (response.headersSent || response.destroyed) return;
        const closing = request.complete ? {} : { connection: 'close' };
        response
          .writeHead(reasons[reason].status, { ...closing, 'content-length': reason.length })
          .end(reason);
      },
      done(outcome) {
        outcomes.push(outcome);
        progress.emit('ended');
      },
      ...input,
    });
  };
  const server = createServer({ requireHostHeader: false }, handle);
  server.on('checkContinue', handle);
  const origin = await listen(t, server);
  t.teardown(() => {
    upstreams.destroy();
    server.closeAllConnections();
  });
  return {
    origin,
    upstream,
    outcomes,
    refusals,
    async left() {
      while (left.length === 0) await withDeadline(once(progress, 'request'), 'a request');
      await Promise.race(left);
    },
    async ended(count, given = new Promise(() => {})) {
      let over = false;
      given.then(() => {
        over = true;
      });
      while (outcomes.length < count && !over)
        await withDeadline(Promise.race([once(progress, 'ended'), given]), `${count} transfers to end`);
    },
  };
}

/** An ordinary upstream. */
export function startUpstream(t: Pick<Test, 'teardown'>, listener: RequestListener): Promise<string> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  t.teardown(() => server.closeAllConnections());
  return listen(t, server);
}

export interface WireUpstream {
  readonly url: string;
  /** Heads of the requests, as they came. */
  readonly heads: readonly string[];
  readonly sockets: readonly Socket[];
  /** Resolves when so many heads have come. */
  received(count: number): Promise<void>;
  /** Resolves when the n-th connection (from 0) is closed. */
  closed(connection: number): Promise<void>;
}

/** An upstream that answers each head of a request with exactly the bytes that a test wants. */
export async function startWire(
  t: Pick<Test, 'teardown'>,
  answer: (socket: Socket, head: string, index: number) => void,
): Promise<WireUpstream> {
  const heads: string[] = [];
  const sockets: Socket[] = [];
  const progress = new EventEmitter();
  const server = createTcpServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    let unread = '';
    socket.on('error', () => {});
    socket.on('close', () => progress.emit('progress'));
    socket.on('data', (chunk) => {
      unread += chunk.toString('latin1');
      const end = unread.indexOf('\r\n\r\n');
      if (!/^[A-Z]+ \/\S* HTTP\/1\.1\r\n/.test(unread) || end < 0) return;
      const head = unread.slice(0, end + 4);
      unread = unread.slice(end + 4);
      heads.push(head);
      answer(socket, head, heads.length - 1);
      progress.emit('progress');
    });
    progress.emit('progress');
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  const until = async (holds: () => boolean, what: string) => {
    while (!holds()) await withDeadline(once(progress, 'progress'), what);
  };
  return {
    url: await listen(t, server),
    heads,
    sockets,
    received: (count) => until(() => heads.length >= count, `${count} requests at the upstream`),
    closed: (n) => until(() => sockets[n]?.destroyed === true, `upstream connection ${n} to close`),
  };
}

async function listen(t: Pick<Test, 'teardown'>, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
