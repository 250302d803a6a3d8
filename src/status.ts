import type { Readiness } from './admin.ts';
import type { IssuerConfig } from './config/schema.ts';
import type { InForce } from './in-force.ts';
import { nameUrl } from './keys/name-url.ts';
import type { KeySetStatus } from './keys/status.ts';
import { maskAddress } from './limit/mask.ts';
import type { Recent } from './observe/history.ts';
import type { Level } from './observe/level.ts';
import type { Reported, ReportedRow } from './observe/reported.ts';
import { maskUrls } from './observe/urls.ts';
import type { CacheStats } from './token/cache.ts';
import { readUpstreams, type UpstreamStatus } from './upstream-status.ts';

export type { UpstreamStatus } from './upstream-status.ts';

/** `leaving`: told to end, served as ever for drain.delay. `draining`: no new connections. */
export type Phase = 'serving' | 'leaving' | 'draining' | 'closed';

/** What became of the reloads. */
export interface Reloads {
  readonly last: Reload | null;
  /** Settings that the config has and that wait for a restart. */
  readonly needsRestart: readonly string[];
  /** Whether it has been ready under an earlier config. */
  readonly wasReady: boolean;
  /** Since when the mode is the one it is; epoch milliseconds. */
  readonly modeSince: number;
}

export interface Reload {
  /** ISO 8601. */
  readonly at: string;
  readonly result: 'success' | 'failure';
  /** Why it failed, a sentence each. */
  readonly faults: readonly string[];
}

/** What is known of a sidecar at one moment. */
export interface State extends Omit<InForce, 'keySets' | 'access'> {
  readonly reloads: Reloads;
  readonly version: string;
  readonly phase: Phase;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly now: number;
  readonly openWebSockets: number;
  readonly level: Pick<Level, 'current' | 'configured'>;
  readonly reported: Reported;
  readonly history: Recent;
}

/**
 * What operators may know of a sidecar: the status page, and as JSON the body of `GET /api/status`. Every moment is a
 * text in ISO 8601, in UTC; every length of time is a number of milliseconds, and its name ends in `Ms`. URLs have
 * neither user nor query.
 */
export interface Status extends Readiness {
  readonly version: string;
  readonly node: string;
  readonly mode: 'enforce' | 'report';
  readonly modeSince: string;
  readonly phase: Phase;
  readonly now: string;
  readonly startedAt: string;
  readonly uptimeMs: number;
  readonly config: {
    readonly source: string;
    readonly loadedAt: string;
    readonly needsRestart: readonly string[];
    readonly lastReload: Reload | null;
  };
  /** Another level than the configured one: somebody has turned debug on. */
  readonly log: { readonly level: string; readonly configured: string };
  readonly issuers: readonly IssuerStatus[];
  /** Those that the config in force has, the one without a name first, as `default`. */
  readonly upstreams: readonly UpstreamStatus[];
  readonly tokenCache: CacheStats & { readonly maxEntries: number; readonly maxBytes: number };
  /** Null: it is switched off. */
  readonly failureLimit: {
    readonly clients: number;
    readonly blocked: number;
    /** The latest of them, at most 20, with masked addresses. */
    readonly blockedClients: readonly BlockedClient[];
  } | null;
  readonly webSockets: { readonly open: number };
  readonly reporting: {
    /** Labels of the rules whose mode is not the global one. */
    readonly exceptions: readonly string[];
    readonly rows: readonly ReportedRow[];
    /** Rows that made room for others. */
    readonly forgotten: number;
  };
  readonly history: Recent;
}

export interface IssuerStatus extends Omit<KeySetStatus, 'lastSuccess'> {
  readonly lastSuccess: string | null;
  /** Where its keys come from: `discovery`, a URL, a file or `inline`. */
  readonly source: string;
  readonly maxStaleMs: number;
}

export interface BlockedClient {
  readonly client: string;
  readonly until: string;
}

/** A blocked client in full, for those who hold the token of the admin port. */
export interface BlockedNetwork {
  /** An address, or a network in CIDR notation. */
  readonly network: string;
  readonly since: string;
  readonly until: string;
  readonly remainingMs: number;
}

const mostBlockedShown = 20;

/**
 * Whether the sidecar should get traffic, by its phase and by what `readiness` asks of the key sets. Once it was ready
 * only its end unsets that: rerouting would bring no issuer back.
 */
export function readReadiness(
  state: Pick<State, 'phase' | 'config' | 'policy'> & Pick<Reloads, 'wasReady'>,
): Readiness {
  const { phase, config, policy } = state;
  const { keySets } = policy;
  const reasons: Readiness['reasons'][number][] = [];
  if (phase !== 'serving') reasons.push({ code: 'draining', detail: 'This sidecar is shutting down.' });
  const missing = keySets.filter((set) => set.status().lastSuccess === null);
  const ready =
    state.wasReady ||
    (config.readiness === 'all'
      ? missing.length === 0
      : missing.length < keySets.length && missing.every((set) => set.tried()));
  if (!ready) {
    for (const set of missing) {
      reasons.push({
        code: 'keys_unavailable',
        issuer: set.status().issuer,
        detail: 'Its keys were never fetched.',
      });
    }
  }
  return { ready: reasons.length === 0, reasons };
}

/** Puts together what is known at this moment. */
export function readStatus(state: State): Status {
  const { version, phase, policy, config, source, startedAt, loadedAt, now, level, reloads, history } = state;
  const { last, needsRestart, wasReady, modeSince } = reloads;
  const { maxEntries, maxBytes } = config.token.cache;
  return {
    version,
    node: process.version,
    mode: policy.mode,
    modeSince: iso(modeSince),
    phase,
    ...readReadiness({ ...state, wasReady }),
    now: iso(now),
    startedAt: iso(startedAt),
    uptimeMs: now - startedAt,
    config: { source, loadedAt: iso(loadedAt), needsRestart, lastReload: readReload(last) },
    log: { level: level.current, configured: level.configured },
    upstreams: readUpstreams(policy.upstreams, config),
    issuers: policy.keySets.map((set, index) => readIssuer(set.status(), config.issuers[index])),
    tokenCache: { ...policy.verifier.stats(), maxEntries, maxBytes },
    failureLimit: readFailures(state),
    webSockets: { open: state.openWebSockets },
    reporting: readReporting(state),
    history,
  };
}

function readIssuer(status: KeySetStatus, config: IssuerConfig | undefined): IssuerStatus {
  const { lastSuccess, lastError, ageMs, nextRefreshMs } = status;
  return {
    ...status,
    ageMs: ageMs && Math.round(ageMs),
    nextRefreshMs: nextRefreshMs && Math.round(nextRefreshMs),
    lastSuccess: lastSuccess === null ? null : iso(lastSuccess),
    lastError: lastError && { ...lastError, message: maskUrls(lastError.message) },
    source: describeSource(config),
    maxStaleMs: config?.keys.maxStale ?? 0,
  };
}

function describeSource(config: IssuerConfig | undefined): string {
  if (config === undefined || config.jwks !== null) return 'inline';
  return config.jwksUri === null ? (config.jwksFile ?? 'discovery') : nameUrl(config.jwksUri);
}

/** A fault may quote a URL of the config. */
function readReload(last: Reload | null): Reload | null {
  return last && { ...last, faults: last.faults.map(maskUrls) };
}

function readFailures({ policy: { failures }, now }: State): Status['failureLimit'] {
  return (
    failures && {
      clients: failures.size,
      blocked: failures.blockedClients(),
      blockedClients: failures
        .latestBlocks(mostBlockedShown)
        .map(({ address, remainingMs }) => ({ client: maskAddress(address), until: iso(now + remainingMs) })),
    }
  );
}

function readReporting({ config, reported }: State): Status['reporting'] {
  const labels = config.rules.map(({ name, mode }, index) => ({ label: name ?? String(index), mode }));
  return {
    exceptions: labels.filter(({ mode }) => mode !== null && mode !== config.mode).map(({ label }) => label),
    rows: reported.rows(),
    forgotten: reported.forgotten,
  };
}

function iso(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString();
}
