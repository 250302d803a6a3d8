import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { isRefusal, type Refusal } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { Logger } from '../observe/logger.ts';
import { maskPath, printable } from '../observe/mask.ts';
import type { Metrics } from '../observe/metrics.ts';
import { defaultUpstream, type Policy } from '../policy.ts';
import type { Report } from './report.ts';

const registered: ReadonlySet<string> = new Set(METHODS);
/** RFC 6750 section 2.3, which RFC 9700 section 4.3.2 forbids. */
const tokenInQuery = /[?&]access_token=/;

export type Account = (exchange: Exchange, request: IncomingMessage, response: ServerResponse) => void;

/** Compiles the last stage: one log line and one count a request, however it ended. `report` hears of what report mode let pass. */
export function compileAccount(clock: Clock, metrics: Metrics, logger: Logger, report: Report): Account {
  let warned = false;
  return function account(exchange, request, response) {
    if (!warned && tokenInQuery.test(exchange.url)) {
      warned = true;
      logger.warn({
        msg: 'a token in a query is never read, and other logs may keep it',
        requestId: exchange.requestId,
      });
    }
    const durationMs = clock.elapsed() - exchange.startedAt;
    const rule = exchange.rule?.label ?? 'default';
    const method = registered.has(request.method ?? '') ? (request.method as string) : 'OTHER';
    // Null: the client went away before anybody had decided.
    const { decision } = exchange;
    // A client that went away before any answer: 499, as nginx counts it.
    const status = exchange.upgraded ? 101 : response.headersSent ? response.statusCode : 499;

    metrics.requests.inc({ rule, method, status: String(status) });
    if (decision !== null) {
      metrics.decisions.inc({ decision: decision.outcome, reason: decision.reason, issuer: decision.issuer });
    }
    if (decision?.outcome === 'report') report(exchange);
    if (exchange.answered) metrics.refusals.inc({ reason: exchange.answered });
    if (!exchange.endless && !exchange.upgraded) {
      metrics.requestDuration.observe({ rule }, durationMs / 1000);
      if (exchange.upstreamMs !== undefined) {
        const upstream = exchange.rule?.upstream ?? defaultUpstream;
        metrics.upstreamDuration.observe({ upstream }, exchange.upstreamMs / 1000);
      }
    }
    const { requests } = exchange.policy.log;
    if (requests === 'none' || (requests === 'denied' && decision?.outcome === 'allow' && !exchange.answered))
      return;
    logger.info({
      msg: 'request',
      requestId: exchange.requestId,
      client: exchange.client.address,
      method,
      path: loggedPath(exchange),
      rule,
      status,
      decision: decision?.outcome,
      reason: decision?.reason === 'ok' ? (exchange.answered ?? 'ok') : decision?.reason,
      issuer: decision?.issuer,
      sub: exchange.token?.prepared.subject,
      kid: loggedKid(exchange),
      token: exchange.token?.fingerprint ?? exchange.fingerprint,
      cached: exchange.cached,
      durationMs: Math.round(durationMs * 1000) / 1000,
      upstreamMs:
        exchange.upstreamMs === undefined ? undefined : Math.round(exchange.upstreamMs * 1000) / 1000,
      bytes: exchange.bytes,
    });
  };
}

function loggedKid({ token, kid }: Exchange): string | undefined {
  const named = token?.kid ?? kid;
  return named === undefined ? undefined : printable(named, 64);
}

const longestPath = 1024;

/** The path without its query, token-shaped segments masked, and no longer than a line can bear. */
function loggedPath({ target, url }: Exchange): string {
  if (!isRefusal(target)) return maskPath(cut(target.path));
  const end = url.search(/[?#]/);
  return maskPath(printable(end < 0 ? url : url.slice(0, end), longestPath));
}

function cut(path: string): string {
  return path.length > longestPath ? path.slice(0, longestPath) : path;
}

/** Counts and logs what never became a request: parse errors, CONNECT, connections over the limit. */
export function compileAccountRaw(metrics: Metrics, logger: Logger, policy: () => Pick<Policy, 'log'>) {
  return function accountRaw(refusal: Refusal, status: number, requestId: string, client: string): void {
    metrics.requests.inc({ rule: 'default', method: 'OTHER', status: String(status) });
    metrics.decisions.inc({ decision: 'deny', reason: refusal.refused, issuer: 'none' });
    metrics.refusals.inc({ reason: refusal.refused });
    if (policy().log.requests === 'none') return;
    logger.info({
      msg: 'request',
      requestId,
      client,
      rule: 'default',
      status,
      decision: 'deny',
      reason: refusal.refused,
      issuer: 'none',
    });
  };
}
