import { randomUUID } from 'node:crypto';
import {
  type IncomingMessage,
  METHODS,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { answer, rawAnswer } from './answer.ts';
import { type Reason, reasons } from './errors.ts';
import { findExchange } from './exchange.ts';
import { endAfter, isEnding } from './proxy/last-request.ts';

export type AccountRaw = (
  refusal: { refused: Reason },
  status: number,
  requestId: string,
  client: string,
) => void;

export interface ConnectionLimits {
  /** Most open connections; null: unlimited. */
  readonly maxConnections: number | null;
  /** Milliseconds that a client may leave an answer of our own unread. */
  readonly keepAliveTimeout: number;
}

type ParseError = Error & { code?: string };
/** What Node's own handler looks at as well: the answer that this connection is in the middle of. */
type Answering = Duplex & { _httpMessage?: ServerResponse | null };

function reasonOf(error: ParseError): Reason | null {
  if (error.code === 'HPE_HEADER_OVERFLOW' || error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return 'headers_too_large';
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout';
  if (error.code?.startsWith('HPE_')) return 'request_malformed';
  return null;
}

/**
 * Says no to what is not a request, and ends the connection. Behind requests that are whole and not yet answered it
 * waits for their answers, or a client would take it for one of those.
 */
function endWith(socket: Answering, refused: Reason, account: AccountRaw): void {
  const { _httpMessage: pending } = socket;
  if (!pending?.req.complete || pending.headersSent) return endNow(socket, refused, account);
  // Nothing that comes after the last request of a connection is looked at, so that nobody says anything about it.
  if (isEnding(socket)) return;
  endAfter(pending.req);
  const wait = (answer: ServerResponse) =>
    answer.once('close', () => {
      const { _httpMessage: next } = socket;
      if (next?.req.complete) wait(next);
      else endNow(socket, refused, account);
    });
  wait(pending);
}

function endNow(socket: Answering, refused: Reason, account: AccountRaw): void {
  // In the midst of another answer these bytes would pass for its body, and what is cut short for whole.
  if (!socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const requestId = record(socket, refused, account);
  const statusMessage = STATUS_CODES[reasons[refused].status] ?? '';
  socket.end(rawAnswer({ refused }, requestId, statusMessage), () => socket.destroy());
}

function record(socket: Duplex, refused: Reason, account: AccountRaw): string {
  const requestId = randomUUID();
  account({ refused }, reasons[refused].status, requestId, (socket as Socket).remoteAddress ?? 'unknown');
  return requestId;
}

/** Answers what Node's parser refuses: RFC 9112 faults, headers too large, requests too slow. */
export function compileClientError(account: AccountRaw) {
  return function onClientError(error: ParseError, socket: Duplex): void {
    const reason = reasonOf(error);
    if (reason === null) socket.destroy();
    else endWith(socket, reason, account);
  };
}

const registered: ReadonlySet<string | undefined> = new Set(METHODS);

/** Refuses the methods of RTSP (RFC 2326), which Node's parser takes as well and which no route can be registered for. */
export function refuseUnknown(handle: RequestListener, account: AccountRaw): RequestListener {
  return (request, response) => {
    if (registered.has(request.method)) return handle(request, response);
    const refusal = { refused: 'request_malformed' } as const;
    const requestId = record(request.socket, refusal.refused, account);
    response.shouldKeepAlive = false;
    endAfter(request);
    answer(request, response, refusal, requestId);
  };
}

/** What a connection may ask for besides ordinary requests, and for how long it may do nothing. */
export function guardConnections(server: Server, limits: ConnectionLimits, account: AccountRaw): void {
  // Expect is answered after the decision, by the forwarder; an expectation that nobody knows is ignored, as RFC 9110 lets us.
  const asRequest = (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  };
  server.on('checkContinue', asRequest);
  server.on('checkExpectation', asRequest);
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    endWith(socket, 'method_not_allowed', account);
  });
  // Asked for now, the peer's address is kept: after a reset nobody could tell any more who had sent a request.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (socket.remoteAddress === undefined) socket.destroy();
  });
  server.setTimeout(limits.keepAliveTimeout, (socket) => {
    if (isIdle(socket) || isUnread(socket)) socket.destroy();
  });
  if (limits.maxConnections !== null) limitConnections(server, limits.maxConnections, account);
}

/** Waits for a request, or was told that there will be none. */
function isIdle(socket: Answering): boolean {
  return !socket._httpMessage || socket.writableEnded;
}

/** Whether the client reads nothing of an answer of our own; the forwarder watches those that it passes on. */
function isUnread(socket: Answering): boolean {
  const response = socket._httpMessage;
  if (!response || socket.writableLength === 0) return false;
  const exchange = findExchange(response.req);
  return !exchange?.forwarding || exchange.answered !== null;
}

function limitConnections(server: Server, most: number, account: AccountRaw): void {
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open++;
    socket.once('close', () => open--);
    if (open <= most) return;
    if (!(server instanceof TlsServer)) return endWith(socket, 'overloaded', account);
    // A client that waits for TLS could not read an answer.
    record(socket, 'overloaded', account);
    socket.destroy();
  });
}
