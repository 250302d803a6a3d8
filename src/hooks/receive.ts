import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { isRefusal, type Refusal } from '../errors.ts';
import { beginExchange, type Exchange } from '../exchange.ts';
import { maskPath } from '../observe/mask.ts';
import { checkMethod } from '../path/method.ts';
import type { Policy } from '../policy.ts';
import { isLegalHost } from '../proxy/forwarded.ts';

const wellFormedId = /^[\w.-]{1,128}$/;
const noParams = Object.freeze(Object.create(null)) as Readonly<Record<string, string>>;

/** What the config says of a request's size. */
type Limits = Pick<Policy, 'maxBodySize' | 'maxHeaders'>;

/** What every request begins with: its exchange, with the canonical target or the reason why there is none. */
export function receive(request: IncomingMessage, policy: Policy, clock: Clock): Exchange {
  const url = request.url ?? '';
  const client = policy.client(request);
  const given = client.peerTrusted ? request.headers['x-request-id'] : undefined;
  const exchange: Exchange = {
    policy,
    requestId: isUsable(given) ? given : randomUUID(),
    client,
    startedAt: clock.elapsed(),
    url,
    target: checkFraming(request, policy) ?? policy.canonical(url),
    expectsContinue: request.headers.expect?.toLowerCase() === '100-continue',
    rule: null,
    params: noParams,
    extracted: null,
    token: null,
    inspection: null,
    cached: false,
    kid: undefined,
    fingerprint: undefined,
    decision: null,
    answered: null,
    cut: null,
    forwarding: false,
    upstreamMs: undefined,
    fault: null,
    bytes: 0,
    upgraded: false,
    endless: false,
  };
  beginExchange(request, exchange);
  return exchange;
}

/** An id that looks like a token is none that a log should hold. */
function isUsable(id: string | string[] | undefined): id is string {
  return typeof id === 'string' && wellFormedId.test(id) && maskPath(id) === id;
}

/** The path for Fastify's router: what a refused target would have been routed by is never looked at. */
export function routedUrl(exchange: Exchange): string {
  return isRefusal(exchange.target) ? '/' : exchange.target.path + exchange.target.query;
}

/**
 * What Node's parser lets through although two servers could read it differently, RFC 9112: another protocol or version
 * (section 2.3), a missing, second or malformed Host (section 3.2), a transfer coding besides chunked (section 6.1),
 * which our upstream would be told nothing of, and a length that a number cannot hold (section 6.2).
 */
function checkFraming(request: IncomingMessage, { maxBodySize, maxHeaders }: Limits): Refusal | null {
  const unserved = checkMethod(request.method);
  if (unserved !== null) return unserved;
  const { httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return { refused: 'request_malformed' };
  if (isOtherProtocol(request)) return { refused: 'request_malformed' };
  let hosts = 0;
  const raw = request.rawHeaders;
  if (raw.length > 2 * maxHeaders) return { refused: 'headers_too_large' };
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return { refused: 'request_malformed' };
  if (!isLegalHost(request.headers.host ?? '')) return { refused: 'request_malformed' };
  const coding = request.headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion !== '1.1')) {
    return { refused: 'request_malformed' };
  }
  const length = request.headers['content-length'];
  if (length === undefined) return null;
  // A larger number would be another one on its way to the upstream.
  if (!Number.isSafeInteger(Number(length))) return { refused: 'request_malformed' };
  return maxBodySize !== null && Number(length) > maxBodySize ? { refused: 'body_too_large' } : null;
}

const greeted = Symbol('greeted');

/** Node's own parser of the connection, with the bytes that it is in the midst of. */
type Parsed = Socket & {
  readonly parser?: { getCurrentBuffer?(): Uint8Array | undefined } | null;
  /** A request line of this connection was looked at. */
  [greeted]?: true;
};

/**
 * Whether the request line ends in `RTSP/1.0` or the like, which Node's parser takes for HTTP and tells nobody. Only the
 * bytes show it, and to look at them costs microseconds. So it is done where a client of RTSP shows itself: at the first
 * request of a connection, and at each that is not HTTP/1.1. A line that came in pieces passes as the HTTP request that
 * it is read as.
 */
function isOtherProtocol({ httpVersion, method, url, socket }: IncomingMessage): boolean {
  const parsed = socket as Parsed;
  if (parsed[greeted] && httpVersion === '1.1') return false;
  parsed[greeted] = true;
  const bytes = parsed.parser?.getCurrentBuffer?.();
  if (bytes === undefined) return false;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return ['RTSP/', 'ICE/'].some((protocol) => text.includes(`${method} ${url} ${protocol}`));
}
