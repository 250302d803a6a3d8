import type { Readiness } from './admin.ts';
import type { InForce } from './in-force.ts';

/** `leaving`: told to end, served as ever for drain.delay. `draining`: no new connections. */
export type Phase = 'serving' | 'leaving' | 'draining' | 'closed';

/** What became of the reloads. */
export interface Reloads {
  readonly last: Reload | null;
  /** Settings that the config has and that wait for a restart. */
  readonly needsRestart: readonly string[];
  /** Whether it has been ready under an earlier config. */
  readonly wasReady: boolean;
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
}

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

/** The body of `GET /api/status`. */
export function readStatus(state: State): object {
  const { version, phase, policy, source, startedAt, loadedAt, now, reloads } = state;
  const { last, needsRestart, wasReady } = reloads;
  return {
    version,
    node: process.version,
    mode: policy.mode,
    phase,
    ...readReadiness({ ...state, wasReady }),
    startedAt: new Date(startedAt).toISOString(),
    uptimeSeconds: Math.round((now - startedAt) / 1000),
    config: { source, loadedAt: new Date(loadedAt).toISOString(), needsRestart, lastReload: last },
    issuers: policy.keySets.map((set) => set.status()),
    tokenCache: policy.verifier.stats(),
    failureLimit: policy.failures && {
      clients: policy.failures.size,
      blocked: policy.failures.blockedClients(),
    },
  };
}
