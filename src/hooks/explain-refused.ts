import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { isRefusal, type Reason, reasons } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { describeRefusal, type RefusedRequest } from '../explain/describe-refusal.ts';
import { createBudget } from '../keys/budget.ts';
import type { Logger } from '../observe/logger.ts';

/** Says at level debug why the policy refused a request, in a line of its own. */
export type ExplainRefused = (exchange: Exchange, request: IncomingMessage) => void;

/** Most at once, and in a second: a token is verified once more for each. */
const most = 10;

/** Compiles the line. Where debug is off it costs a look at the level; a flood of refusals costs no more than `most` of them. */
export function compileExplainRefused(clock: Clock, logger: Logger): ExplainRefused {
  const budget = createBudget({ burst: most, interval: 1000 / most, clock });
  let leftOut = 0;
  return function explainRefused(exchange, request) {
    if (!logger.isLevelEnabled('debug')) return;
    const reason = exchange.decision?.reason ?? 'ok';
    if (!isOfPolicy(reason)) return;
    if (!budget.take()) {
      leftOut++;
      return;
    }
    const about = { requestId: exchange.requestId, reason, ...(leftOut > 0 && { leftOut }) };
    leftOut = 0;
    describeRefusal(readRefused(exchange, request, reason), { policy: exchange.policy, clock })
      .catch(() => ({}))
      .then((finding) => logger.debug({ msg: 'refusal explained', ...about, ...finding }));
  };
}

function isOfPolicy(reason: Reason | 'ok'): reason is Reason {
  if (reason === 'ok') return false;
  const { about } = reasons[reason];
  return about === 'token' || about === 'rule' || reason === 'path_ambiguous';
}

function readRefused(exchange: Exchange, request: IncomingMessage, reason: Reason): RefusedRequest {
  const { target, rule, params, extracted, token, url, client, policy } = exchange;
  const { 'sec-fetch-site': secFetchSite, origin } = request.headers;
  return {
    reason,
    method: request.method ?? '',
    url,
    path: isRefusal(target) ? null : target.match,
    rule,
    params,
    token: extracted?.token ?? null,
    authority: token,
    secFetchSite: secFetchSite as string | undefined,
    origin,
    blockedFor: policy.failures?.blockedFor(client.address) ?? 0,
  };
}
