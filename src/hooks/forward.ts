import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { isRefusal, reasons } from '../errors.ts';
import { type Exchange, exchangeOf } from '../exchange.ts';
import { defaultUpstream } from '../policy.ts';
import { forward, type UpgradeInput } from '../proxy/forward.ts';
import { isHandshake } from '../proxy/handshake.ts';
import type { Upstream } from '../proxy/upstreams.ts';
import type { Account } from './account.ts';
import { originOf } from './origin.ts';
import { refuse } from './refuse.ts';

const nothing: readonly never[] = [];

export interface ForwardParts {
  readonly clock: Clock;
  readonly account: Account;
  /** Whether the answer to a request is the last one of its connection. */
  closing(request: IncomingMessage): boolean;
  /** What a request that asks for a WebSocket goes on with; null for any other. */
  upgradeOf(request: IncomingMessage, exchange: Exchange): UpgradeInput | null;
}

/**
 * Compiles the handler that sends a request on. It refuses whatever no stage has decided about, so that a wrong
 * order of stages is an error, never an open door.
 */
export function compileForward(parts: ForwardParts) {
  const { clock, account, closing, upgradeOf } = parts;
  return function forwardRequest(request: FastifyRequest, reply: FastifyReply): void {
    const exchange = exchangeOf(request.raw);
    const { decision, target, policy, rule } = exchange;
    if (decision === null || decision.outcome === 'deny' || isRefusal(target)) {
      return refuse(request, reply, { refused: 'internal_error' });
    }
    const upgrade = upgradeOf(request.raw, exchange);
    if (upgrade !== null && !isHandshake(request.raw)) {
      return refuse(request, reply, { refused: 'request_malformed' });
    }
    reply.hijack();
    // A client that went away while its token was verified has had its log line.
    if (reply.raw.destroyed) return;
    exchange.forwarding = true;
    const upstream = policy.upstreams.get(rule?.upstream ?? defaultUpstream);
    forward({
      request: request.raw,
      response: reply.raw,
      upstream,
      network: policy.network(exchange.client.address),
      method: request.method,
      path: target.path + target.query,
      stripPrefix: rule?.stripPrefix ?? null,
      headers: headersFor(request, exchange, upstream),
      ownOrigin: originOf(request, exchange),
      maxBodySize: policy.maxBodySize,
      expectsContinue: exchange.expectsContinue,
      upgrade,
      clock,
      closing: () => closing(request.raw),
      refuse: (reason) => refuse(request, reply, { refused: reason }),
      done({ upstreamMs, reason, fault, bytes, eventStream }) {
        if (reason !== null && reason !== 'answer_not_read' && reasons[reason].about === 'upstream') {
          upstream.condition.failed(reason, clock.now());
        } else if (upstreamMs !== null) upstream.condition.answered(clock.now());
        exchange.upstreamMs = upstreamMs ?? undefined;
        exchange.fault = fault;
        if (exchange.answered === null) {
          exchange.bytes = bytes;
          exchange.cut = reason;
        }
        exchange.endless = eventStream;
        account(exchange, request.raw, reply.raw);
      },
    });
  };
}

/** What the upstream gets: identity only of a token that was allowed, and the token itself only where it may. */
function headersFor(request: FastifyRequest, exchange: Exchange, upstream: Upstream): string[] {
  const { decision, token, extracted, policy, client, rule } = exchange;
  const allowed = decision?.outcome === 'allow';
  const { socket } = request.raw;
  return policy.requestHeaders({
    rawHeaders: request.raw.rawHeaders,
    hop: {
      peer: client.peer,
      trusted: client.peerTrusted,
      secure: 'encrypted' in socket,
      port: socket.localPort ?? 0,
    },
    requestId: exchange.requestId,
    tokens: allowed && !policy.forwardToken && extracted ? extracted.places : nothing,
    identity: allowed && token ? token.prepared.identity : nothing,
    upstream,
    stripPrefix: rule?.stripPrefix ?? null,
  });
}
