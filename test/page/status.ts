import type { Recent, Span } from '../../src/observe/history.ts';
import type { IssuerStatus, Status, UpstreamStatus } from '../../src/status.ts';

const now = '2026-11-25T12:00:00.000Z';

export const quiet: Span = {
  endedAt: now,
  durationMs: 10_000,
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
  lastSuccess: '2026-11-25T11:57:00.000Z',
  ageMs: 180_000,
  nextRefreshMs: 420_000,
  lastError: null,
  source: 'discovery',
  maxStaleMs: 86_400_000,
};

export const upstream: UpstreamStatus = {
  name: 'default',
  url: 'http://127.0.0.1:3000',
  state: 'answers',
  lastAnswer: '2026-11-25T11:59:57.000Z',
  lastError: null,
  failedInRow: 0,
  errors: {},
  connections: { inUse: 3, waiting: 0, most: 256 },
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
  uptimeMs: 7_200_000,
  config: {
    source: 'sidecar.yaml',
    loadedAt: '2026-11-25T10:00:00.000Z',
    needsRestart: [],
    lastReload: null,
  },
  log: { level: 'info', configured: 'info' },
  issuers: [issuer],
  upstreams: [upstream],
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
  return {
    ...whole,
    durationMs: 900_000,
    refusals: {},
    rules: [],
    issuers: [],
    upstreams: [],
    steps,
    minutes: steps,
  };
}
