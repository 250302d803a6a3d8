import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { rawAnswer } from './answer.ts';
import { type Reason, reasons } from './errors.ts';

export type AccountRaw = (
  refusal: { refused: Reason },
  status: number,
  requestId: string,
  client: string,
) => void;

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

/** Says no on a connection that carries no request to answer, and ends it. */
function endWith(socket: Duplex, refused: Reason, account: AccountRaw): void {
  const { status } = reasons[refused];
  const requestId = randomUUID();
  account({ refused }, status, requestId, (socket as Socket).remoteAddress ?? 'unknown');
  socket.end(rawAnswer({ refused }, requestId, STATUS_CODES[status] ?? ''), () => socket.destroy());
}

/** Answers what Node's parser refuses: RFC 9112 faults, headers too large, requests too slow. */
export function compileClientError(account: AccountRaw) {
  return function onClientError(error: ParseError, socket: Duplex): void {
    const reason = reasonOf(error);
    const current = (socket as Answering)._httpMessage;
    if (reason === null || !socket.writable || current?.headersSent) {
      socket.destroy();
      return;
    }
    endWith(socket, reason, account);
  };
}

/** What a connection may ask for besides ordinary requests. */
export function guardConnections(server: Server, maxConnections: number | null, account: AccountRaw): void {
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
  if (maxConnections === null) return;
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open++;
    socket.once('close', () => open--);
    if (open > maxConnections) endWith(socket, 'overloaded', account);
  });
}
