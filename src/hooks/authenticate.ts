import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { isRefusal, type Refusal, reasons } from '../errors.ts';
import { type Exchange, exchangeOf } from '../exchange.ts';
import type { Metrics } from '../observe/metrics.ts';
import { fingerprint } from '../token/fingerprint.ts';
import { originOf } from './origin.ts';
import { refuseOrReport } from './refuse.ts';

type Done = () => void;

/**
 * Finds the request's token and verifies it. Without await on the way of a token verified before: the verdict is a
 * look-up, and the request goes on in the same turn.
 */
export function compileAuthenticate(clock: Clock, metrics: Metrics) {
  const bySignature = metrics.verificationDuration.of('signature');
  const byCache = metrics.verificationDuration.of('cache');

  return function authenticate(request: FastifyRequest, reply: FastifyReply, done: Done): void {
    const exchange = exchangeOf(request.raw);
    const { rule, policy } = exchange;
    if (exchange.decision !== null || rule === null) return done();
    if (rule.auth === 'none') {
      exchange.decision = { outcome: 'allow', reason: 'ok', issuer: 'none' };
      return done();
    }
    const conclude = (refusal: Refusal): void => {
      if (refuseOrReport(request, reply, refusal)) done();
    };

    const extracted = policy.extract(request.raw.rawHeaders);
    if (isRefusal(extracted)) {
      if (extracted.refused !== 'token_missing' || rule.auth !== 'optional') return conclude(extracted);
      exchange.decision = { outcome: 'allow', reason: 'ok', issuer: 'none' };
      return done();
    }
    exchange.extracted = extracted;
    if (extracted.source.type === 'cookie' && !policy.sameOrigin(originEvidence(request, exchange))) {
      return conclude({ refused: 'csrf_rejected' });
    }

    const started = clock.elapsed();
    const known = policy.verifier.cached(extracted.token);
    if (known) {
      byCache.observe((clock.elapsed() - started) / 1000);
      exchange.cached = true;
      exchange.token = known;
      if (rule.issuers === null || rule.issuers.has(known.issuer)) return done();
      return conclude(countFailure(exchange, { refused: 'issuer_unknown', issuer: known.issuer }, metrics));
    }
    const blockedFor = policy.failures?.blockedFor(exchange.client.address) ?? 0;
    if (blockedFor > 0) return conclude({ refused: 'client_blocked', retryAfter: blockedFor });

    policy.verifier.verify(extracted.token, rule.issuers).then(
      (verdict) => {
        bySignature.observe((clock.elapsed() - started) / 1000);
        if (isRefusal(verdict)) return conclude(countFailure(exchange, verdict, metrics));
        exchange.token = verdict;
        done();
      },
      // A verifier that throws has decided nothing: the forwarder refuses what carries no decision.
      () => done(),
    );
  };
}

/** Counts what only a forged or broken token causes, once a distinct token. */
function countFailure(exchange: Exchange, refusal: Refusal, metrics: Metrics): Refusal {
  const { extracted, policy } = exchange;
  if (!extracted) return refusal;
  exchange.fingerprint = fingerprint(extracted.token);
  if (reasons[refusal.refused].counted && refusal.uncounted === undefined) {
    const began = policy.failures?.failed(exchange.client.address, extracted.token) ?? false;
    if (began) metrics.blocks.inc();
  }
  return refusal;
}

function originEvidence(request: FastifyRequest, exchange: Exchange) {
  const { headers, method } = request;
  return {
    method,
    upgrade: headers.upgrade !== undefined,
    secFetchSite: headers['sec-fetch-site'] as string | undefined,
    origin: headers.origin,
    ownOrigin: originOf(request, exchange),
  };
}
