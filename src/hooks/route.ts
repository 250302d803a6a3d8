import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal } from '../errors.ts';
import { exchangeOf } from '../exchange.ts';
import { refuse, refuseOrReport } from './refuse.ts';

type Done = () => void;

/** Refuses what has no canonical target, then finds the rule that decides: the first that matches. */
export function route(request: FastifyRequest, reply: FastifyReply, done: Done): void {
  const exchange = exchangeOf(request.raw);
  if (isRefusal(exchange.target)) {
    refuse(request, reply, exchange.target);
    return;
  }
  const match = exchange.policy.rules.match(request.method, exchange.target.match);
  if (match) {
    exchange.rule = match.rule;
    exchange.params = match.params;
  } else {
    exchange.rule = exchange.policy.fallback;
    if (!exchange.rule && !refuseOrReport(request, reply, { refused: 'path_not_found' })) return;
  }
  done();
}
