import type { FastifyReply, FastifyRequest } from 'fastify';
import { answer } from '../answer.ts';
import { type Refusal, reasons } from '../errors.ts';
import { type Exchange, exchangeOf } from '../exchange.ts';

/** Ends the request with a refusal: the one way in which a stage says no over HTTP. */
export function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void {
  const exchange = exchangeOf(request.raw);
  const { about } = reasons[refusal.refused];
  // What the upstream or the process fails at afterwards does not undo what the policy decided.
  if (exchange.decision === null || about === 'token' || about === 'rule' || about === 'request') {
    exchange.decision = {
      outcome: 'deny',
      reason: refusal.refused,
      issuer: refusal.issuer ?? issuerOf(exchange),
    };
  }
  if (refusal.kid !== undefined) exchange.kid = refusal.kid;
  exchange.answered = refusal.refused;
  reply.hijack();
  exchange.bytes = answer(request.raw, reply.raw, refusal, exchange.requestId);
}

/**
 * A refusal by the policy. In report mode the request goes on as it came, without identity; the refusal is only
 * recorded.
 *
 * @returns true when the request goes on.
 */
export function refuseOrReport(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): boolean {
  const exchange = exchangeOf(request.raw);
  if ((exchange.rule?.mode ?? exchange.policy.mode) !== 'report') {
    refuse(request, reply, refusal);
    return false;
  }
  exchange.decision = {
    outcome: 'report',
    reason: refusal.refused,
    issuer: refusal.issuer ?? issuerOf(exchange),
  };
  if (refusal.kid !== undefined) exchange.kid = refusal.kid;
  return true;
}

function issuerOf(exchange: Exchange): string {
  return exchange.token?.issuer ?? 'none';
}
