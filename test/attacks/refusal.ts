import type { LogLine } from '../cli/command.ts';
import { challenges, mayWait, type Refused, waits } from '../gateway/refusals.ts';
import type { RawResponse } from '../helpers/raw.ts';

/** All of a refusal that this gateway promises, so that one comparison tells whether it is kept. */
export interface RefusalSeen {
  readonly status: number;
  readonly code: unknown;
  /** Whether title, detail and request id are there and fit. */
  readonly explained: boolean;
  readonly type: string | undefined;
  readonly cacheControl: string | undefined;
  readonly challenge: string | undefined;
  readonly retryAfter: boolean;
  readonly logged: unknown;
  /** How many bytes came to the upstream meanwhile. */
  readonly upstreamBytes: number;
}

export function describeRefusal(
  answer: RawResponse,
  line: LogLine | undefined,
  upstreamBytes: number,
): RefusalSeen {
  const isProblem = answer.header('content-type') === 'application/problem+json';
  const problem = isProblem ? answer.json() : {};
  const { title, detail, status, requestId } = problem;
  return {
    status: answer.status,
    code: problem.code,
    explained:
      [title, detail].every((text) => typeof text === 'string' && text !== '') &&
      status === answer.status &&
      requestId === answer.header('x-request-id'),
    type: answer.header('content-type'),
    cacheControl: answer.header('cache-control'),
    challenge: answer.header('www-authenticate')?.replace(/(?<=, scope=)"[^"]+"/, 'the scope'),
    retryAfter: answer.header('retry-after') !== undefined && !mayWait.has(problem.code),
    logged: line && { decision: line.decision, reason: line.reason, status: line.status },
    upstreamBytes,
  };
}

export function expectedRefusal(reason: Refused): RefusalSeen {
  const { status, challenge } = challenges[reason];
  return {
    status,
    code: reason,
    explained: true,
    type: 'application/problem+json',
    cacheControl: 'no-store',
    challenge:
      challenge === 'scope' ? 'Bearer realm="api", error="insufficient_scope", scope=the scope' : challenge,
    retryAfter: waits.has(reason),
    logged: { decision: 'deny', reason, status },
    upstreamBytes: 0,
  };
}
