import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { isRefusal, type Refusal, reasons } from '../errors.ts';
import { type Exchange, exchangeOf } from '../exchange.ts';
import { compilePeek } from '../explain/peek.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Prepared } from '../policy.ts';
import type { Extracted } from '../token/extract.ts';
import { digestOf, fingerprint } from '../token/fingerprint.ts';
import { isRefused, isWaiting, type Verdict, type Waiting } from '../token/verify.ts';
import { originOf } from './origin.ts';
import { refuseOrReport } from './refuse.ts';

type Done = () => void;

/** A request that has a token, and what it goes on with. */
interface Turn {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly exchange: Exchange;
  /** `Clock.elapsed` when its token was looked at. */
  readonly started: number;
  done(): void;
}

/** A verdict, or why there is none. */
type Answer = Verdict<Prepared> | Refusal;

/**
 * Finds the request's token and verifies it, in the same turn wherever the keys at hand can answer. So the next request
 * begins only after this one's failure has been counted, even if both came in one packet.
 */
export function compileAuthenticate(clock: Clock, metrics: Metrics) {
  const bySignature = metrics.verificationDuration.of('signature');
  const byCache = metrics.verificationDuration.of('cache');

  function decideBy(extracted: Extracted, turn: Turn): void {
    const { request, exchange, started, done } = turn;
    const { policy, rule } = exchange;
    exchange.extracted = extracted;
    if (extracted.source.type === 'cookie' && !policy.sameOrigin(originEvidence(request, exchange))) {
      return conclude({ refused: 'csrf_rejected' }, turn);
    }
    const known = policy.verifier.cached(extracted.token);
    if (known) {
      byCache.observe((clock.elapsed() - started) / 1000);
      exchange.cached = true;
      exchange.token = known;
      if (rule === null || rule.issuers === null || rule.issuers.has(known.issuer)) return done();
      return conclude({ refused: 'issuer_unknown', issuer: known.issuer }, turn);
    }
    const answer = attempt(() => verify(exchange, extracted.token));
    if (answer === undefined || !isWaiting(answer)) return settleAnew(answer, extracted, turn);
    answer.until.then(
      // Others of the same client may have failed while this one waited.
      () =>
        settleAnew(
          attempt(() => refuseBlocked(exchange) ?? answer.finish()),
          extracted,
          turn,
        ),
      () => done(),
    );
  }

  /** Settles a token that was not among the cached ones. */
  function settleAnew(answer: Answer | undefined, extracted: Extracted, turn: Turn): void {
    // A verifier that throws has decided nothing: the forwarder refuses what carries no decision.
    if (answer === undefined) return turn.done();
    if (!isRefusal(answer)) bySignature.observe((clock.elapsed() - turn.started) / 1000);
    settle(answer, extracted, turn);
  }

  function settle(answer: Answer, extracted: Extracted, turn: Turn): void {
    const { exchange } = turn;
    if (isRefusal(answer)) return conclude(answer, turn);
    if (!isRefused(answer)) {
      exchange.token = answer;
      return turn.done();
    }
    const { refusal, inspection } = answer;
    exchange.fingerprint = fingerprint(digestOf(extracted.token));
    countFailure(refusal, extracted, exchange, metrics);
    if (!countsAsNone(refusal, extracted, exchange)) {
      exchange.inspection = inspection;
      return conclude(refusal, turn);
    }
    const { next, places } = extracted;
    if (next === null) passNameless(exchange, turn.done);
    else decideBy({ ...next, places }, turn);
  }

  return function authenticate(request: FastifyRequest, reply: FastifyReply, done: Done): void {
    const exchange = exchangeOf(request.raw);
    const { rule, policy } = exchange;
    if (exchange.decision !== null || rule === null) return done();
    if (rule.auth === 'none') return passNameless(exchange, done);
    const extracted = policy.extract(request.raw.rawHeaders);
    if (isRefusal(extracted) && extracted.refused === 'token_missing' && rule.auth === 'optional') {
      return passNameless(exchange, done);
    }
    const turn = { request, reply, exchange, started: clock.elapsed(), done };
    if (isRefusal(extracted)) conclude(extracted, turn);
    else decideBy(extracted, turn);
  };
}

function passNameless(exchange: Exchange, done: Done): void {
  exchange.decision = { outcome: 'allow', reason: 'ok', issuer: 'none' };
  done();
}

function conclude(refusal: Refusal, { request, reply, done }: Turn): void {
  if (refuseOrReport(request, reply, refusal)) done();
}

/** A browser goes on sending a cookie after the token in it has expired, and nobody means anything by it. */
function countsAsNone({ refused }: Refusal, { source }: Extracted, { rule }: Exchange): boolean {
  return refused === 'token_expired' && source.type === 'cookie' && rule?.auth === 'optional';
}

function attempt<T>(decide: () => T): T | undefined {
  try {
    return decide();
  } catch {
    return undefined;
  }
}

/** Verifies a token, unless its client is blocked and the token is none that was verified before. */
function verify(exchange: Exchange, token: string): Answer | Waiting<Verdict<Prepared>> {
  const { policy, rule } = exchange;
  const issuers = rule?.issuers ?? null;
  const blocked = blockOf(exchange);
  if (blocked === null) return policy.verifier.verify(token, issuers);
  if (!wasVerified(exchange, token)) return blocked;
  // A blocked client never causes a fetch.
  const answer = policy.verifier.verify(token, issuers, compilePeek(policy));
  const isUnknown = isRefused(answer) && answer.refusal.refused === 'key_unknown';
  if (!isUnknown) return answer;
  return { ...answer, refusal: { ...answer.refusal, uncounted: true, retryAfter: blocked.retryAfter } };
}

/** After a wait: why a token is not verified any more, if that is so by now. */
function refuseBlocked(exchange: Exchange): Refusal | null {
  const blocked = blockOf(exchange);
  return blocked === null || wasVerified(exchange, exchange.extracted?.token ?? '') ? null : blocked;
}

function blockOf({ policy, client }: Exchange): (Refusal & { readonly retryAfter: number }) | null {
  const seconds = policy.failures?.blockedFor(client.address) ?? 0;
  return seconds === 0 ? null : { refused: 'client_blocked', retryAfter: seconds };
}

function wasVerified({ policy }: Exchange, token: string): boolean {
  const { verified, config } = policy;
  return verified.size > 0 && token.length <= config.token.maxSize && verified.has(digestOf(token));
}

/** Counts what only a forged or broken token causes, once a distinct token. */
function countFailure(
  refusal: Refusal,
  { token }: Extracted,
  { policy, client }: Exchange,
  metrics: Metrics,
): void {
  if (!reasons[refusal.refused].counted || refusal.uncounted === true) return;
  const began = policy.failures?.failed(client.address, token) ?? false;
  if (began) metrics.blocks.inc();
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
