import type { Metrics } from './observe/metrics.ts';
import type { Policy } from './policy.ts';
import type { WebSockets } from './proxy/websockets.ts';

/** Connects the metrics that are read when Prometheus asks with what is in force then. */
export function connectReadings(metrics: Metrics, policy: () => Policy, webSockets: WebSockets): void {
  metrics.read({
    mode: () => policy().mode,
    openWebSockets: () => webSockets.open,
    cacheEntries: () => policy().verifier.stats().entries,
    cacheBytes: () => policy().verifier.stats().bytes,
    cacheHits: () => policy().verifier.stats().hits,
    cacheMisses: () => policy().verifier.stats().misses,
    cacheEvictions: () => policy().verifier.stats().evictions,
    blockedClients: () => policy().failures?.blockedClients() ?? 0,
    keySets: () =>
      policy().keySets.map((set) => {
        const { issuer, keys, skipped, lastSuccess, state } = set.status();
        return {
          issuer,
          keys: keys.length,
          skipped: skipped.length,
          lastSuccess,
          stale: state === 'stale' || state === 'expired',
        };
      }),
  });
}
