import type { Recent, Span } from '../../src/observe/history.ts';
import type { IssuerStatus, Status } from '../../src/status.ts';

const now = '2026-11-25T12:00:00.000Z';

export const quiet: Span = {
  endedAt: now,
  seconds: 10,
  requests: 0,
  refused: 0,
  reported: 0,
  cacheHits: 0,
  cacheMisses: 0,
  requestMs: null,
  upstreamMs: null,
};

export const issuer: IssuerStatus = {
  issuer: 'https://idp.example.com',
  state: 'fresh',
  keys: [{ kid: 'k1', thumbprint: 'thumb-1', type: 'RSA', algorithms: ['RS256', 'PS256'] }],
  skipped: [],
  fromCacheFile: false,
  lastSuccess: Date.parse(now) - 180_000,
  ageMs: 180_000,
  nextRefreshMs: 420_000,
  lastError: null,
  source: 'discovery',
  maxStaleMs: 86_400_000,
};

/** A sidecar that is well and has nothing to do. */
export const well: Status = {
  version: '1.2.3',
  node: 'v26.10.0',
  mode: 'enforce',
  modeSince: '2026-11-25T10:00:00.000Z',
  phase: 'serving',
  ready: true,
  reasons: [],
  now,
  startedAt: '2026-11-25T10:00:00.000Z',
  uptimeSeconds: 7200,
  config: {
    source: 'sidecar.yaml',
    loadedAt: '2026-11-25T10:00:00.000Z',
    needsRestart: [],
    lastReload: null,
  },
  log: { level: 'info', configured: 'info' },
  issuers: [issuer],
  tokenCache: {
    entries: 3,
    bytes: 4096,
    hits: 90,
    misses: 10,
    evictions: 7,
    maxEntries: 10_000,
    maxBytes: 33_554_432,
  },
  failureLimit: { clients: 0, blocked: 0, blockedClients: [] },
  webSockets: { open: 2 },
  reporting: { exceptions: [], rows: [], forgotten: 0 },
  history: past(quiet),
};

/** A history of these steps, whose sums are those of the last one. */
export function past(...steps: readonly Span[]): Recent {
  const whole = steps.at(-1) ?? quiet;
  return { ...whole, seconds: 900, refusals: {}, steps, minutes: steps };
}
