import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const state = Symbol('last request');

/**
 * `held`: an HTTP/1.0 request is being answered, and its answer may turn out to be one that only the end of the
 * connection ends. `last`: nothing that comes after the last request is looked at.
 */
type State = 'held' | 'last' | undefined;
type Stateful = Duplex & { [state]?: State };

/** Says that the answer to a request is the last one of its connection, RFC 9112 section 9.6. */
export function endAfter({ socket }: Pick<IncomingMessage, 'socket'>): void {
  (socket as Stateful)[state] = 'last';
}

/** Whether an answer on a connection has said, or will say, that it is the last one. */
export function isEnding(socket: Duplex): boolean {
  return (socket as Stateful)[state] !== undefined || !socket.writable;
}

/**
 * Passes requests on to a server's listener, but none that comes after the last one of its connection: a client that
 * was told `Connection: close`, or said it, must not have anything more carried out (RFC 9112 section 9.6). Node's
 * parser reads on, and hands over requests that share a segment with the last one.
 *
 * @param isLast - whether a request is to be the last one for a reason of its own
 */
export function untilLast(
  handle: RequestListener,
  isLast: (request: IncomingMessage) => boolean,
): RequestListener {
  return (request, response) => {
    const socket: Stateful = request.socket;
    if (isEnding(socket)) {
      socket[state] = 'last';
      return;
    }
    if (isLast(request)) response.shouldKeepAlive = false;
    if (!response.shouldKeepAlive) socket[state] = 'last';
    else if (request.httpVersion === '1.0') hold(socket, response);
    handle(request, response);
  };
}

/** An answer to HTTP/1.0 may have no length: then Node ends the connection after it, whatever the client asked for. */
function hold(socket: Stateful, response: ServerResponse): void {
  socket[state] = 'held';
  response.once('close', () => {
    if (socket[state] === 'held' && socket.writable) socket[state] = undefined;
    else (socket as Socket).destroySoon();
  });
}
