import { type IncomingMessage, METHODS, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Clock } from '../clock.ts';
import { isRefusal, type Refusal } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { loggedPath } from '../observe/logged-path.ts';
import type { Logger } from '../observe/logger.ts';
import { showKid } from '../observe/mask.ts';
import type { Metrics } from '../observe/metrics.ts';
import { compileRequestLog } from '../observe/request-log.ts';
import { createSample } from '../observe/sample.ts';
import { defaultUpstream, type Policy } from '../policy.ts';
import type { ExplainRefused } from './explain-refused.ts';
import type { Report } from './report.ts';
import { compileWarn } from './warn.ts';

const registered: ReadonlySet<string> = new Set(METHODS);
/** An upstream may answer with any three digits, and may let clients choose them: what nobody registered is one line. */
const statusLabels: ReadonlyMap<number, string> = new Map(
  [...Object.keys(STATUS_CODES), '499'].map((status) => [Number(status), status]),
);
const statusLabel = (status: number): string => statusLabels.get(status) ?? 'OTHER';

export type Account = (exchange: Exchange, request: IncomingMessage, response: ServerResponse) => void;

/**
 * Compiles the last stage: one log line and one count a request, however it ended. `report` hears of what report mode
 * let pass; `explain` says of what was refused why.
 */
export function compileAccount(
  clock: Clock,
  metrics: Metrics,
  logger: Logger,
  report: Report,
  explain: ExplainRefused,
): Account {
  const log = compileRequestLog(logger);
  const isKept = createSample();
  const warn = compileWarn(logger);
  return function account(exchange, request, response) {
    warn(exchange, request);
    const durationMs = clock.elapsed() - exchange.startedAt;
    const rule = exchange.rule?.label ?? 'default';
    const method = registered.has(request.method ?? '') ? (request.method as string) : 'OTHER';
    // Null: the client went away before anybody had decided.
    const { decision } = exchange;
    // A client that went away before any answer: 499, as nginx counts it.
    const status = exchange.upgraded ? 101 : response.headersSent ? response.statusCode : 499;

    metrics.requests.of(rule, method, statusLabel(status)).value++;
    if (decision !== null) {
      metrics.decisions.of(decision.outcome, decision.reason, decision.issuer).value++;
    }
    if (decision?.outcome === 'report') report(exchange);
    const told = decision !== null && decision.outcome !== 'allow' ? explain(exchange, request) : undefined;
    if (exchange.answered) metrics.refusals.of(exchange.answered).value++;
    if (!exchange.endless && !exchange.upgraded) {
      metrics.requestDuration.of(rule).observe(durationMs / 1000);
      if (exchange.upstreamMs !== undefined) {
        const upstream = exchange.rule?.upstream ?? defaultUpstream;
        metrics.upstreamDuration.of(upstream).observe(exchange.upstreamMs / 1000);
      }
    }
    const { requests, sample } = exchange.policy.log;
    if (requests === 'none') return;
    const passed = decision?.outcome === 'allow' && !exchange.answered && !exchange.cut;
    if (passed && (requests === 'denied' || !isKept(sample))) return;
    log({
      requestId: exchange.requestId,
      client: exchange.client.address,
      method,
      path: loggedPath(exchange.url, isRefusal(exchange.target) ? null : exchange.target.path),
      rule,
      status,
      decision: decision?.outcome,
      reason: decision?.reason === 'ok' ? (exchange.answered ?? 'ok') : decision?.reason,
      expected: told?.expected,
      got:
        told?.got ?? (exchange.answered !== 'upstream_protocol' ? undefined : (exchange.fault ?? undefined)),
      issuer: decision?.issuer,
      sub: exchange.token?.prepared.subject,
      kid: loggedKid(exchange),
      token: exchange.token?.fingerprint ?? exchange.fingerprint,
      cached: exchange.cached,
      durationMs: Math.round(durationMs * 1000) / 1000,
      upstreamMs:
        exchange.upstreamMs === undefined ? undefined : Math.round(exchange.upstreamMs * 1000) / 1000,
      bytes: exchange.bytes,
      cut: exchange.cut ?? undefined,
      sampled: passed && sample > 1 ? sample : undefined,
    });
  };
}

function loggedKid({ token, kid }: Exchange): string | undefined {
  const named = token?.kid ?? kid;
  return named === undefined ? undefined : showKid(named);
}

/** Counts and logs what never became a request: parse errors, CONNECT, connections over the limit. */
export function compileAccountRaw(metrics: Metrics, logger: Logger, policy: () => Pick<Policy, 'log'>) {
  const log = compileRequestLog(logger);
  return function accountRaw(refusal: Refusal, status: number, requestId: string, client: string): void {
    metrics.requests.of('default', 'OTHER', statusLabel(status)).value++;
    metrics.decisions.of('deny', refusal.refused, 'none').value++;
    metrics.refusals.of(refusal.refused).value++;
    if (policy().log.requests === 'none') return;
    log({
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
