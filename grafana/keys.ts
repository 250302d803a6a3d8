import { byIssuer, quantiles, type Row, rate, red, target } from './panel.ts';

const cache = 'jwks_sidecar_token_cache';
const keys = 'jwks_sidecar_jwks';

export const tokens: Row = {
  title: 'Tokens',
  panels: [
    {
      title: 'Cache hit ratio',
      description:
        'Share of tokens whose verdict was in the cache. Low where each request has a token of its own.',
      type: 'timeseries',
      width: 8,
      unit: 'percentunit',
      queries: [
        {
          expr: `sum(${rate(`${cache}_hits_total`)}) / (sum(${rate(`${cache}_hits_total`)}) + sum(${rate(`${cache}_misses_total`)}))`,
          legend: 'hits',
        },
      ],
    },
    {
      title: 'Misses and evictions',
      description:
        'Verdicts are dropped for room, for age, or because their key was withdrawn. As many evictions as misses at a low hit ratio: the cache is too small (JwksSidecarCacheThrash).',
      type: 'timeseries',
      width: 8,
      unit: 'ops',
      queries: [
        { expr: `sum(${rate(`${cache}_misses_total`)})`, legend: 'misses' },
        { expr: `sum(${rate(`${cache}_evictions_total`)})`, legend: 'evictions' },
      ],
    },
    {
      title: 'Time to a verdict',
      description:
        'From the cache, or by its signature; that includes a fetch of keys, where one had to be awaited.',
      type: 'timeseries',
      width: 8,
      unit: 's',
      queries: quantiles('jwks_sidecar_verification_duration_seconds', target, ['source']),
    },
    {
      title: 'Verdicts cached',
      description: 'By replica. At token.cache.maxEntries the cache is full.',
      type: 'timeseries',
      width: 12,
      unit: 'short',
      queries: [{ expr: `${cache}_entries{${target}}`, legend: '{{pod}} {{instance}}' }],
    },
    {
      title: 'Memory of the cache',
      description: 'By replica, as estimated. At token.cache.maxBytes the cache is full.',
      type: 'timeseries',
      width: 12,
      unit: 'bytes',
      queries: [{ expr: `${cache}_bytes{${target}}`, legend: '{{pod}} {{instance}}' }],
    },
  ],
};

export const keySets: Row = {
  title: 'Keys',
  panels: [
    {
      title: 'Age of the keys',
      description:
        'Time since the last good fetch, of the replica where it is longest ago. A saw with teeth of keys.refresh is as it should be. No line: never fetched.',
      type: 'timeseries',
      width: 8,
      unit: 's',
      thresholds: red(64800),
      alert: 'JwksSidecarKeysExpiring',
      queries: [
        {
          expr: `time() - min by (issuer) (${keys}_last_success_timestamp_seconds{${byIssuer}})`,
          legend: '{{issuer}}',
        },
      ],
    },
    {
      title: 'Fetches',
      description:
        'By result, and what asked for them. unknown_key: a token named a key that was not at hand.',
      type: 'timeseries',
      width: 8,
      unit: 'short',
      queries: [
        {
          expr: `sum by (issuer, result, trigger) (increase(${keys}_fetches_total{${byIssuer}}[$__rate_interval]))`,
          legend: '{{issuer}} {{result}} {{trigger}}',
        },
      ],
    },
    {
      title: 'Time of a fetch',
      description: 'Metadata included, successful or not. keys.timeout (5 s) ends it.',
      type: 'timeseries',
      width: 8,
      unit: 's',
      queries: quantiles(`${keys}_fetch_duration_seconds`, byIssuer, ['issuer']),
    },
    {
      title: 'Stale',
      description:
        'Replicas whose last fetch failed or is overdue. The last good keys serve, but a rotation would be missed.',
      type: 'timeseries',
      width: 8,
      unit: 'short',
      thresholds: red(1),
      alert: 'JwksSidecarKeysStale',
      queries: [{ expr: `sum by (issuer) (${keys}_stale{${byIssuer}})`, legend: '{{issuer}}' }],
    },
    {
      title: 'Keys that can be used',
      description:
        'Of the replica that has the fewest. It rises and falls with each rotation. 0: no token can be verified.',
      type: 'timeseries',
      width: 8,
      unit: 'short',
      queries: [{ expr: `min by (issuer) (${keys}_keys{${byIssuer}})`, legend: '{{issuer}}' }],
    },
    {
      title: 'Keys skipped',
      description:
        'Published keys that cannot be used; skipped in /api/status says why. A key for encryption is as it should be. More than before: JwksSidecarKeysSkipped.',
      type: 'timeseries',
      width: 8,
      unit: 'short',
      queries: [{ expr: `max by (issuer) (${keys}_skipped_keys{${byIssuer}})`, legend: '{{issuer}}' }],
    },
  ],
};
