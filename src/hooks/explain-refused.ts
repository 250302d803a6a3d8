import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { isRefusal, type Reason, reasons } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import {
  describeRefusal,
  type RefusedRequest,
  type Told,
  tellRefusal,
  toldPlainly,
} from '../explain/describe-refusal.ts';
import { createBudget } from '../keys/budget.ts';
import type { Logger } from '../observe/logger.ts';

/**
 * Says why the policy refused a request: to the request's own line what was expected and what came, and at level debug,
 * in a line of its own, what may help.
 */
export type ExplainRefused = (exchange: Exchange, request: IncomingMessage) => Told;

/** Most at once, and in a second: hints are looked for in all that the config has. */
const most = 10;

const nothing: Told = {};

/** Compiles it. A flood of refusals costs no more than `most` hints, and nothing at all where no line is written. */
export function compileExplainRefused(clock: Clock, logger: Logger): ExplainRefused {
  const budget = createBudget({ burst: most, interval: 1000 / most, clock });
  let leftOut = 0;

  function hint(refused: RefusedRequest, { requestId, policy }: Exchange): void {
    if (!budget.take()) {
      leftOut++;
      return;
    }
    const about = { requestId, reason: refused.reason, ...(leftOut > 0 && { leftOut }) };
    leftOut = 0;
    logger.debug({ msg: 'refusal explained', ...about, ...describeRefusal(refused, { policy, clock }) });
  }

  return function explainRefused(exchange, request) {
    const { policy, decision } = exchange;
    const reason = decision?.reason ?? 'ok';
    if (!logger.isLevelEnabled('info') || !isOfPolicy(reason)) return nothing;
    const isDebug = logger.isLevelEnabled('debug');
    const isTold = policy.log.requests !== 'none';
    const told = isTold ? toldPlainly[reason] : nothing;
    if (told !== undefined && !isDebug) return told;
    const refused = readRefused(exchange, request, reason);
    if (isDebug) hint(refused, exchange);
    return told ?? tellRefusal(refused, { policy, clock });
  };
}

function isOfPolicy(reason: Reason | 'ok'): reason is Reason {
  if (reason === 'ok') return false;
  const { about } = reasons[reason];
  return about === 'token' || about === 'rule' || reason === 'path_ambiguous';
}

function readRefused(exchange: Exchange, request: IncomingMessage, reason: Reason): RefusedRequest {
  const { target, rule, params, extracted, token, inspection, url, client, policy } = exchange;
  const { 'sec-fetch-site': secFetchSite, origin } = request.headers;
  return {
    reason,
    method: request.method ?? '',
    url,
    path: isRefusal(target) ? null : target.match,
    rule,
    params,
    token: extracted?.token ?? null,
    inspection,
    authority: token,
    secFetchSite: secFetchSite as string | undefined,
    origin,
    blockedFor: policy.failures?.blockedFor(client.address) ?? 0,
  };
}
