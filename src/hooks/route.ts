import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal } from '../errors.ts';
import { exchangeOf } from '../exchange.ts';
import { refuse, refuseOrReport } from './refuse.ts';

type Done = () => void;

/**
 * Refuses what has no canonical target, then finds the rule that decides: the first that matches. A path that a server
 * behind us could take for another rule's is refused in report mode too, as every ambiguous path is.
 */
export function route(request: FastifyRequest, reply: FastifyReply, done: Done): void {
  const exchange = exchangeOf(request.raw);
  if (isRefusal(exchange.target)) {
    refuse(request, reply, exchange.target);
    return;
  }
  const match = exchange.policy.rules.match(request.method, exchange.target.match);
  if (match !== null && isRefusal(match)) {
    refuse(request, reply, match);
    return;
  }
  if (match) {
    exchange.rule = match.rule;
    exchange.params = match.params;
  } else {
    exchange.rule = exchange.policy.fallback;
    if (!exchange.rule && !refuseOrReport(request, reply, { refused: 'path_not_found' })) return;
  }
  done();
}
