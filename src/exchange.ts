import type { IncomingMessage } from 'node:http';
import type { Params } from './claims/match.ts';
import type { Refusal } from './errors.ts';
import type { Client } from './limit/client.ts';
import type { Target } from './path/canonical.ts';
import type { Policy, Prepared } from './policy.ts';
import type { Failure } from './proxy/forward.ts';
import type { Rule } from './rules/compile.ts';
import type { Extracted } from './token/extract.ts';
import type { Inspection, VerifiedToken } from './token/verify.ts';

/** What the stages concluded. `report`: refused by the policy, yet forwarded because its mode says so. */
export interface Decision {
  readonly outcome: 'allow' | 'deny' | 'report';
  /** The reason of a refusal, or `ok`. */
  readonly reason: Refusal['refused'] | 'ok';
  /** The configured issuer of the token, or `none`. */
  readonly issuer: string;
}

/** One request on its way: what each stage learned, for the stages after it. */
export interface Exchange {
  /** The policy in force when the request arrived; a reload never changes it under a request. */
  readonly policy: Policy;
  readonly requestId: string;
  readonly client: Client;
  /** `Clock.elapsed` when the head had been read. */
  readonly startedAt: number;
  /** The target as it came: Fastify's router overwrites the request's own. */
  readonly url: string;
  /** The canonical target, or why there is none. */
  readonly target: Target | Refusal;
  /** What `Expect: 100-continue` waits for. */
  readonly expectsContinue: boolean;
  rule: Rule | null;
  params: Params;
  extracted: Extracted | null;
  token: VerifiedToken<Prepared> | null;
  /** What is known of a token that did not verify. */
  inspection: Inspection | null;
  cached: boolean;
  /** The token's key id as it came, verified or not. */
  kid: string | undefined;
  /** First 8 hex digits of the token's SHA-256. */
  fingerprint: string | undefined;
  /** Null until a stage has decided; the forwarder refuses a request that nobody decided about. */
  decision: Decision | null;
  /** Why the gateway answered itself, if it did. */
  answered: Refusal['refused'] | null;
  /** Why the upstream's answer was cut, if it was. */
  cut: Failure | null;
  /** The forwarder has it, and says when it has ended. */
  forwarding: boolean;
  upstreamMs: number | undefined;
  /** What was at fault with the upstream's answer, where that is known. */
  fault: string | null;
  /** Bytes of the answer's body as sent. */
  bytes: number;
  /** The connection has become a WebSocket. */
  upgraded: boolean;
  /** True for answers whose duration says nothing: event streams. */
  endless: boolean;
}

const key = Symbol('exchange');
type Carrier = IncomingMessage & { [key]?: Exchange };

/** Ties an exchange to its request, before Fastify routes it. */
export function beginExchange(request: IncomingMessage, exchange: Exchange): void {
  (request as Carrier)[key] = exchange;
}

/** The exchange of a request; undefined where none was begun, since it was refused before any stage. */
export function findExchange(request: IncomingMessage): Exchange | undefined {
  return (request as Carrier)[key];
}

/** The exchange of a request. Throws if none was begun: then the stages are out of order. */
export function exchangeOf(request: IncomingMessage): Exchange {
  const exchange = findExchange(request);
  if (!exchange) throw new Error('no exchange was begun for this request');
  return exchange;
}
