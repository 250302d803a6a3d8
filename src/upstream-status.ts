import type { Config } from './config/schema.ts';
import type { Reason } from './errors.ts';
import { defaultUpstream } from './policy.ts';
import type { Upstream, Upstreams } from './proxy/upstreams.ts';

/**
 * What requests have met at an upstream since it is in the config as it is. `unused`: none has ended yet; `answers`:
 * the last one was answered; `fails`: it was not.
 */
export interface UpstreamStatus {
  readonly name: string;
  readonly url: string;
  readonly state: 'unused' | 'answers' | 'fails';
  readonly lastAnswer: string | null;
  readonly lastError: { readonly reason: Reason; readonly at: string } | null;
  /** Requests that it has failed since it last answered one. */
  readonly failedInRow: number;
  /** Requests that it has failed, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  readonly connections: { readonly inUse: number; readonly waiting: number; readonly most: number };
}

/** The one without a name comes first. */
export function readUpstreams(upstreams: Upstreams, config: Config): readonly UpstreamStatus[] {
  const all = upstreams.all.map((upstream) => {
    const options = upstream.name === defaultUpstream ? config.upstream : config.upstreams[upstream.name];
    return readUpstream(upstream, options?.connections ?? 0);
  });
  return all.sort(
    (one, other) => Number(other.name === defaultUpstream) - Number(one.name === defaultUpstream),
  );
}

function readUpstream({ name, origin, basePath, condition, pool }: Upstream, most: number): UpstreamStatus {
  const { lastAnswer, lastError, failedInRow, errors } = condition;
  const used = failedInRow > 0 ? 'fails' : 'answers';
  return {
    name,
    url: origin + basePath,
    state: lastAnswer === null && lastError === null ? 'unused' : used,
    lastAnswer: lastAnswer === null ? null : iso(lastAnswer),
    lastError: lastError && { ...lastError, at: iso(lastError.at) },
    failedInRow,
    errors,
    connections: { ...pool.usage, most },
  };
}

function iso(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString();
}
