import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { Reason } from '../errors.ts';
import { stripPrefix } from './strip-prefix.ts';
import { Transfer } from './transfer.ts';
import type { Upstream } from './upstreams.ts';

/** One request that was allowed, and where it goes. */
export interface ForwardInput {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upstream: Upstream;
  /** Of the client: clients of one network share what there is of connections. */
  readonly network: string;
  readonly method: string;
  /** The canonical path that the rules matched, and the query. */
  readonly path: string;
  /** Taken off the path; null: nothing is. */
  readonly stripPrefix: string | null;
  /** What the upstream receives, flat, from `compileRequestHeaders`. */
  readonly headers: string[];
  /** `scheme://host[:port]` as the client sees the gateway, for `Location` headers that are mapped back. */
  readonly ownOrigin: string;
  /** Most bytes of the request's body; null: unlimited. */
  readonly maxBodySize: number | null;
  /** Whether the client waits for 100 Continue, RFC 9110 section 10.1.1. */
  readonly expectsContinue: boolean;
  /** Null: this asks for none. */
  readonly upgrade: UpgradeInput | null;
  readonly clock: Clock;
  /** Whether the client's connection is to end with this answer, since the process will. */
  closing(): boolean;
  /** Called at most once, and only if no answer has begun: the caller writes one. */
  refuse(reason: Reason): void;
  /** Called once, when the answer was sent or the client is gone. */
  done(outcome: Outcome): void;
}

/** A request that asks for another protocol. */
export interface UpgradeInput {
  readonly protocol: string;
  /**
   * The upstream has accepted: its connection is the caller's from now on.
   *
   * @param headers - of its answer, flat, without those hop-by-hop
   * @returns null where its answer is none to this request, and refused; else what counts the bytes to the client
   */
  accepted(upstream: Socket, headers: readonly string[]): { readonly bytes: number } | null;
}

/** Why no whole answer of the upstream's came. `answer_not_read`: the client did not read it, so that it was cut. */
export type Failure = Reason | 'answer_not_read';

export interface Outcome {
  /** Milliseconds until the head of the upstream's answer; null: there was none. */
  readonly upstreamMs: number | null;
  /** What went wrong, if something did and it was not the client's leaving. */
  readonly reason: Failure | null;
  /** What of the upstream's answer was at fault, in words that hold nothing of it; null: nothing is known. */
  readonly fault: string | null;
  /** Bytes of the upstream's answer passed on, without head and framing. */
  readonly bytes: number;
  /** Whether the answer was a stream of server-sent events. */
  readonly eventStream: boolean;
}

/** undici refuses any other, and only after it took the request on. */
const sendablePath = /^\/[\x21-\xff]*$/;

/**
 * Passes one request on and its answer back, both bodies streamed with backpressure. Whatever goes wrong before the
 * answer begins is `refuse`d; afterwards the connection is cut, so that what is truncated never looks complete.
 * A client that goes away takes its upstream request with it.
 */
export function forward(input: ForwardInput): void {
  const transfer = new Transfer(input);
  if (transfer.settled) return;
  const stripped = input.stripPrefix === null ? input.path : stripPrefix(input.path, input.stripPrefix);
  if (stripped === null) transfer.refuse('internal_error');
  else if (!sendablePath.test(stripped)) transfer.refuse('request_malformed');
  else transfer.start(input.upstream.basePath + stripped);
}
