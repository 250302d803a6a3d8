import type { FastifyReply, FastifyRequest } from 'fastify';
import { exchangeOf } from '../exchange.ts';
import { authorize } from '../rules/authorize.ts';
import { refuseOrReport } from './refuse.ts';

type Done = () => void;

/** Holds a verified token against the rule's scopes and claims; what passes is allowed. */
export function authorizeToken(request: FastifyRequest, reply: FastifyReply, done: Done): void {
  const exchange = exchangeOf(request.raw);
  const { token, rule } = exchange;
  if (exchange.decision !== null || token === null || rule === null) return done();
  const refusal = authorize(rule, token, exchange.params);
  if (refusal === null) {
    exchange.decision = { outcome: 'allow', reason: 'ok', issuer: token.issuer };
  } else if (!refuseOrReport(request, reply, refusal)) {
    return;
  }
  done();
}
