import { isHopByHop, nominatedNames } from './hop-by-hop.ts';
import type { ResponseRewrite } from './response-rewrite.ts';

export interface ResponseHeaders {
  /** Flat, in the upstream's order and spelling. */
  readonly headers: string[];
  /** Whether the answer is a stream of server-sent events, whose duration says nothing. */
  readonly eventStream: boolean;
}

/**
 * What the client receives of an answer's headers: all but those hop-by-hop, RFC 9110 section 7.6.1.
 * Null for a transfer coding besides chunked: the client would not learn of it (RFC 9112 section 6.1).
 */
export function readResponseHeaders(
  rawHeaders: readonly Buffer[],
  status: number,
  rewrite: ResponseRewrite | null,
): ResponseHeaders | null {
  const raw = rawHeaders.map((each) => each.toString('latin1'));
  const nominated = nominatedNames(raw);
  const headers: string[] = [];
  let eventStream = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const lower = name.toLowerCase();
    if (lower === 'transfer-encoding' && value.toLowerCase() !== 'chunked') return null;
    if (isHopByHop(lower) || nominated?.has(lower)) continue;
    // Who believes it waits for a body that never comes, or takes the next answer for it: RFC 9110 section 8.6.
    if (lower === 'content-length' && status === 204) continue;
    if (lower === 'content-type' && /^text\/event-stream\b/i.test(value)) eventStream = true;
    headers.push(name, rewrite === null ? value : rewrite(lower, value));
  }
  return { headers, eventStream };
}
