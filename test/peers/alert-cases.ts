/** Samples a minute apart, as promtool writes them: `0+1x60`. */
export type Series = Readonly<Record<string, string>>;

export interface AlertCase {
  readonly name: string;
  /** The alert that it is about. */
  readonly alert: string;
  readonly series: Series;
  /** When to look; what must stay silent has been so at every minute before, too. */
  readonly at: string;
  /** The labels of each that fires then, besides its name and severity; none: it must stay silent. */
  readonly fires: readonly Readonly<Record<string, string>>[];
}

const p = 'jwks_sidecar_';
const idp = 'issuer="https://idp.example.com"';
const issuer = { issuer: 'https://idp.example.com' };
/** What the PodMonitor lays over every sample. */
const target = (pod: string) =>
  `job="monitoring/jwks-sidecar",namespace="shop",app="orders",pod="${pod}",instance="${pod}:9090"`;
const a = target('orders-a');
const b = target('orders-b');
const app = [{}];

const one = (
  alert: string,
  at: string,
  series: Series,
  fires: AlertCase['fires'],
  name = 'fires',
): AlertCase => ({
  name: `${alert}: ${name}`,
  alert,
  series: { [`up{${a}}`]: '1x3000', ...series },
  at,
  fires: fires.map((labels) => ({
    job: 'monitoring/jwks-sidecar',
    namespace: 'shop',
    app: 'orders',
    ...labels,
  })),
});
const quiet = (alert: string, name: string, at: string, series: Series) => one(alert, at, series, [], name);

const decided = (decision: string, reason: string, more = 'issuer="none"', on = a) =>
  `${p}decisions_total{${on},decision="${decision}",reason="${reason}",${more}}`;
const refused = (reason: string, on = a) => `${p}refusals_total{${on},reason="${reason}"}`;
const answered = (status: number, rule = 'default', on = a) =>
  `${p}requests_total{${on},rule="${rule}",method="GET",status="${status}"}`;
const failed = (trigger = 'refresh', on = a) =>
  `${p}jwks_fetches_total{${on},${idp},result="failure",trigger="${trigger}"}`;
const upstreamBuckets = (slow: string): Series => ({
  [`${p}upstream_duration_seconds_bucket{${a},upstream="default",le="2.5"}`]: '0+95x60',
  [`${p}upstream_duration_seconds_bucket{${a},upstream="default",le="5"}`]: slow,
  [`${p}upstream_duration_seconds_bucket{${a},upstream="default",le="+Inf"}`]: '0+100x60',
  [`${p}upstream_duration_seconds_count{${a},upstream="default"}`]: '0+100x60',
});
const durations = (request: string, upstream: string): Series => ({
  [`${p}request_duration_seconds_sum{${a},rule="default"}`]: request,
  [`${p}request_duration_seconds_count{${a},rule="default"}`]: '0+100x60',
  [`${p}upstream_duration_seconds_sum{${a},upstream="default"}`]: upstream,
});
const cache = (hits: string, misses: string, evictions: string): Series => ({
  [`${p}token_cache_hits_total{${a}}`]: hits,
  [`${p}token_cache_misses_total{${a}}`]: misses,
  [`${p}token_cache_evictions_total{${a}}`]: evictions,
});
const build = { [`${p}build_info{${a},version="0.1.0",node="v26.10.0"}`]: '1x60' };

/** What each alert is there for, and what comes close to it. */
export const cases: readonly AlertCase[] = [
  one('JwksSidecarKeysUnavailable', '10m', { [decided('deny', 'keys_unavailable', idp)]: '1+6x20' }, [
    issuer,
  ]),
  quiet('JwksSidecarKeysUnavailable', 'not for one token now and then', '20m', {
    [decided('deny', 'keys_unavailable', idp)]: '0x4 1x5 2x5 3x10',
  }),

  one(
    'JwksSidecarIssuerWithoutKeys',
    '6m',
    { [`${p}jwks_keys{${a},${idp}}`]: '0x20', [`${p}jwks_keys{${b},${idp}}`]: '2x20' },
    [issuer],
    'fires for one replica of two',
  ),
  quiet('JwksSidecarIssuerWithoutKeys', 'not during a start', '6m', {
    [`${p}jwks_keys{${a},${idp}}`]: '0x3 2x20',
  }),

  one(
    'JwksSidecarKeysExpiring',
    '1100m',
    { [`${p}jwks_last_success_timestamp_seconds{${a},${idp}}`]: '0x1200' },
    [issuer],
  ),
  quiet('JwksSidecarKeysExpiring', 'not while they are fetched', '1100m', {
    [`${p}jwks_last_success_timestamp_seconds{${a},${idp}}`]: '0+60x1200',
  }),

  one('JwksSidecarKeysStale', '20m', { [`${p}jwks_stale{${a},${idp}}`]: '0 1x40' }, [issuer]),
  quiet('JwksSidecarKeysStale', 'not for an outage of ten minutes', '20m', {
    [`${p}jwks_stale{${a},${idp}}`]: '0 0 1x10 0x20',
  }),

  one('JwksSidecarKeyFetchesFailing', '36m', { [failed()]: '1+0x4 3x4 5x4 7x4 9x4 12x4 15x30' }, [issuer]),
  quiet('JwksSidecarKeyFetchesFailing', 'not for an outage of two minutes', '40m', {
    [failed()]: '0x5 6 7x50',
  }),
  quiet('JwksSidecarKeyFetchesFailing', 'not where four replicas see one blip', '20m', {
    [failed('refresh', a)]: '0 0 2x30',
    [failed('refresh', b)]: '0 0 2x30',
    [failed('refresh', target('orders-c'))]: '0 0 2x30',
    [failed('refresh', target('orders-d'))]: '0 0 2x30',
  }),

  one('JwksSidecarKeysSkipped', '1530m', { [`${p}jwks_skipped_keys{${a},${idp}}`]: '1x1500 2x100' }, [
    issuer,
  ]),
  quiet('JwksSidecarKeysSkipped', 'not for a key that has always been skipped', '1530m', {
    [`${p}jwks_skipped_keys{${a},${idp}}`]: '1x1600',
  }),

  one(
    'JwksSidecarRefusalsRising',
    '435m',
    {
      [decided('allow', 'ok', idp)]: '0+1000x450',
      [decided('deny', 'audience_mismatch', idp)]: '0+5x400 2000+100x50',
    },
    [{ reason: 'audience_mismatch' }],
  ),
  one(
    'JwksSidecarRefusalsRising',
    '435m',
    {
      [decided('allow', 'ok', idp)]: '0+1000x450',
      [decided('deny', 'token_expired', idp)]: '_x400 1+100x50',
    },
    [{ reason: 'token_expired' }],
    'fires for a reason that there never was',
  ),
  quiet('JwksSidecarRefusalsRising', 'not for a single refusal in a quiet hour', '435m', {
    [decided('allow', 'ok', idp)]: '0+1x450',
    [decided('deny', 'audience_mismatch', idp)]: '0x425 1x50',
  }),
  quiet('JwksSidecarRefusalsRising', 'not for what is always so', '435m', {
    [decided('allow', 'ok', idp)]: '0+1000x450',
    [decided('deny', 'token_missing')]: '0+300x450',
  }),
  quiet('JwksSidecarRefusalsRising', 'not where more traffic brings more of all', '435m', {
    [decided('allow', 'ok', idp)]: '0+100x400 40000+2000x50',
    [decided('deny', 'token_missing')]: '0+5x400 2000+100x50',
  }),
  quiet('JwksSidecarRefusalsRising', 'not where there is nothing to compare with', '14m', {
    [decided('allow', 'ok', idp)]: '0+1000x30',
    [decided('deny', 'token_missing')]: '0+300x30',
  }),

  one('JwksSidecarForgedTokens', '15m', { [decided('deny', 'signature_invalid', idp)]: '0+60x30' }, app),
  quiet('JwksSidecarForgedTokens', 'not for a token that lost a character', '15m', {
    [decided('deny', 'signature_invalid', idp)]: '0x8 3x30',
  }),

  one(
    'JwksSidecarClientsBlocked',
    '16m',
    { [`${p}failure_limit_blocked_clients{${a}}`]: '0 1 0 0 1 0 0 1 0 1 0 0 1 0 0 1 0 0' },
    app,
  ),
  quiet('JwksSidecarClientsBlocked', 'not for one block', '16m', {
    [`${p}failure_limit_blocked_clients{${a}}`]: '0x5 1 0x20',
  }),

  one(
    'JwksSidecarTrafficBlocked',
    '15m',
    { [decided('allow', 'ok', idp)]: '0+100x30', [decided('deny', 'client_blocked')]: '0+20x30' },
    app,
  ),
  quiet('JwksSidecarTrafficBlocked', 'not for a few', '15m', {
    [decided('allow', 'ok', idp)]: '0+100x30',
    [decided('deny', 'client_blocked')]: '0+4x30',
  }),

  one('JwksSidecarReportModeLeftOn', '1500m', { [`${p}mode{${a},mode="report"}`]: '1x1600' }, app),
  one(
    'JwksSidecarReportModeLeftOn',
    '2000m',
    {
      [`${p}mode{${a},mode="enforce"}`]: '1x2100',
      [decided('report', 'scope_insufficient', idp)]: '0+1x2100',
    },
    app,
    'fires for the mode of a rule',
  ),
  quiet('JwksSidecarReportModeLeftOn', 'not during a roll-out of an afternoon', '1500m', {
    [`${p}mode{${a},mode="report"}`]: '1x300 _x1300',
    [`${p}mode{${a},mode="enforce"}`]: '_x300 1x1300',
  }),

  one(
    'JwksSidecarUpstreamErrors',
    '12m',
    { [answered(200)]: '0+100x30', [answered(502)]: '0+6x30', [answered(504)]: '0+6x30' },
    [{ rule: 'default' }],
  ),
  one(
    'JwksSidecarUpstreamErrors',
    '12m',
    { [answered(200)]: '0+10000x30', [answered(502, 'billing')]: '0+10x30' },
    [{ rule: 'billing' }],
    'fires for one rule of many',
  ),
  quiet('JwksSidecarUpstreamErrors', 'not for five at night', '12m', {
    [answered(200)]: '0+1x30',
    [answered(502)]: '0x6 5x30',
  }),
  quiet('JwksSidecarUpstreamErrors', 'not for a few among many', '12m', {
    [answered(200)]: '0+10000x30',
    [answered(502)]: '0+20x30',
  }),

  one('JwksSidecarUpstreamSlow', '25m', upstreamBuckets('0+99x60'), [{ upstream: 'default' }]),
  quiet('JwksSidecarUpstreamSlow', 'not where the slow are fewer than one in a hundred', '25m', {
    ...upstreamBuckets('0+100x60'),
    [`${p}upstream_duration_seconds_bucket{${a},upstream="default",le="2.5"}`]: '0+99.5x60',
  }),

  one('JwksSidecarGatewaySlow', '25m', durations('0+80x60', '0+40x60'), app),
  quiet('JwksSidecarGatewaySlow', 'not where it is the upstream that is slow', '25m', {
    ...durations('0+80x60', '0+79x60'),
  }),

  one('JwksSidecarDown', '12m', { [`up{${b}}`]: '1x3 0x20' }, [
    { pod: 'orders-b', instance: 'orders-b:9090' },
  ]),
  quiet('JwksSidecarDown', 'not for a scrape that failed', '12m', { [`up{${b}}`]: '1x3 0 1x20' }),
  quiet('JwksSidecarDown', 'not for jobs of others', '12m', { 'up{job="node",instance="n:9100"}': '0x20' }),

  one(
    'JwksSidecarRestarting',
    '10m',
    { ...build, [`process_start_time_seconds{${a}}`]: '0x2 100x2 200x2 300x9' },
    [{ pod: 'orders-a', instance: 'orders-a:9090' }],
  ),
  quiet('JwksSidecarRestarting', 'not for a process of others', '10m', {
    'process_start_time_seconds{job="node",instance="n:9100"}': '0x2 100x2 200x2 300x9',
  }),

  one('JwksSidecarEventLoopLag', '15m', { ...build, [`nodejs_eventloop_lag_p99_seconds{${a}}`]: '0.4x30' }, [
    { pod: 'orders-a', instance: 'orders-a:9090' },
  ]),
  quiet('JwksSidecarEventLoopLag', 'not for another program on Node', '15m', {
    ...build,
    [`nodejs_eventloop_lag_p99_seconds{${a}}`]: '0.01x30',
    'nodejs_eventloop_lag_p99_seconds{job="shop",instance="s:1"}': '2x30',
  }),

  one(
    'JwksSidecarConfigReloadFailed',
    '10m',
    { [`${p}config_reloads_total{${a},result="failure"}`]: '0x5 1x30' },
    app,
  ),
  quiet('JwksSidecarConfigReloadFailed', 'not for one that succeeded', '10m', {
    [`${p}config_reloads_total{${a},result="failure"}`]: '0x30',
    [`${p}config_reloads_total{${a},result="success"}`]: '0x5 1x30',
  }),

  one(
    'JwksSidecarOverloaded',
    '12m',
    { [answered(200)]: '0+1000x30', [refused('overloaded')]: '0+20x30' },
    app,
  ),
  quiet('JwksSidecarOverloaded', 'not for a burst of five', '12m', {
    [answered(200)]: '0+1x30',
    [refused('overloaded')]: '0x6 5x30',
  }),

  one(
    'JwksSidecarDrainingRefusals',
    '10m',
    { [refused('draining')]: '_x7 15', [refused('draining', b)]: '_x8 15' },
    app,
    'fires though each process was gone after one scrape',
  ),
  quiet('JwksSidecarDrainingRefusals', 'not for a few', '10m', { [refused('draining')]: '_x7 3' }),

  one(
    'JwksSidecarInternalError',
    '10m',
    { [refused('internal_error')]: '_x8 1x30' },
    app,
    'fires for the first',
  ),
  one(
    'JwksSidecarInternalError',
    '30m',
    { [refused('internal_error')]: '1x25 2x30' },
    app,
    'fires for the next',
  ),
  quiet('JwksSidecarInternalError', 'not for a series that is 0 from the start', '40m', {
    [refused('internal_error', b)]: '_x5 0x60',
  }),

  one('JwksSidecarCacheThrash', '50m', cache('0+600x60', '0+1200x60', '0+1200x60'), app),
  quiet(
    'JwksSidecarCacheThrash',
    'not where tokens are simply new',
    '50m',
    cache('0+600x60', '0+1200x60', '0x60'),
  ),
  quiet(
    'JwksSidecarCacheThrash',
    'not for a full cache that serves well',
    '50m',
    cache('0+9000x60', '0+1200x60', '0+1200x60'),
  ),

  {
    name: 'JwksSidecarAbsent: fires where there is no target',
    alert: 'JwksSidecarAbsent',
    series: { 'up{job="node",instance="n:9100"}': '1x20' },
    at: '8m',
    fires: [{}],
  },
  {
    name: 'JwksSidecarAbsent: and where there are targets, none of which answers',
    alert: 'JwksSidecarAbsent',
    series: { [`up{${a}}`]: '0x3' },
    at: '6m',
    fires: [{}],
  },
  quiet('JwksSidecarAbsent', 'not while one is left', '8m', { [`up{${b}}`]: '_x20' }),
];
