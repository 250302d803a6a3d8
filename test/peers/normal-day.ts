import type { Series } from './alert-cases.ts';

const minutes = 24 * 60;
const p = 'jwks_sidecar_';

/** A series by its value at each minute; null: there is none. */
type Values = (minute: number) => number | null;

/**
 * A day and what belongs to it: nights with little traffic, tokens that expire, somebody who tries, a key rotation, an
 * issuer that is away for a minute, a reload, a handful of upstream errors, and a release that replaces one replica by
 * another.
 */
export function normalDay(): Series {
  return {
    ...replica('orders-a', 0, 840),
    ...replica('orders-b', 0, minutes),
    ...replica('orders-c', 838, minutes),
  };
}

function replica(pod: string, from: number, to: number): Series {
  const target = `job="monitoring/jwks-sidecar",namespace="shop",app="orders",pod="${pod}",instance="${pod}:9090"`;
  const issuer = 'issuer="https://idp.example.com"';
  const series: Record<string, string> = {};
  const add = (name: string, labels: string, values: Values) => {
    const all = [target, labels].filter(Boolean).join(',');
    const at = (minute: number) => (minute < from || minute > to ? null : values(minute));
    series[`${name}{${all}}`] = Array.from({ length: minutes + 1 }, (_, minute) => at(minute) ?? '_').join(
      ' ',
    );
  };
  const grows = (share: number) => (minute: number) =>
    Math.round(share * (requests(minute) - requests(from)));
  const happens =
    (...moments: readonly number[]) =>
    (minute: number) =>
      moments.filter((moment) => moment <= minute && moment >= from).length;
  const during = (start: number, end: number) => (minute: number) => Number(minute >= start && minute < end);

  add('up', '', () => 1);
  add(`${p}build_info`, 'version="0.1.0",node="v26.10.0"', () => 1);
  add(`${p}mode`, 'mode="enforce"', () => 1);
  add('process_start_time_seconds', '', () => from * 60);
  add('nodejs_eventloop_lag_p99_seconds', '', () => 0.012);

  add(`${p}decisions_total`, `decision="allow",reason="ok",${issuer}`, grows(0.95));
  add(`${p}decisions_total`, `decision="deny",reason="token_expired",${issuer}`, grows(0.03));
  add(`${p}decisions_total`, 'decision="deny",reason="token_missing",issuer="none"', grows(0.02));
  const once =
    (...moments: readonly number[]) =>
    (minute: number) =>
      happens(...moments)(minute) || null;
  add(
    `${p}decisions_total`,
    `decision="deny",reason="signature_invalid",${issuer}`,
    once(610, 611, 611, 612),
  );
  add(`${p}decisions_total`, `decision="deny",reason="key_unknown",${issuer}`, once(190, 720, 721));
  add(`${p}decisions_total`, 'decision="deny",reason="client_blocked",issuer="none"', once(612, 612, 612));
  add(`${p}decisions_total`, `decision="deny",reason="keys_unavailable",${issuer}`, once(900));
  add(`${p}failure_limit_blocked_clients`, '', during(611, 612));

  add(`${p}requests_total`, 'rule="default",method="GET",status="200"', grows(0.95));
  add(`${p}requests_total`, 'rule="default",method="GET",status="401"', grows(0.05));
  add(`${p}requests_total`, 'rule="default",method="GET",status="502"', once(400, 400, 1000));
  add(`${p}requests_total`, 'rule="default",method="GET",status="503"', once(840));
  add(`${p}refusals_total`, 'reason="upstream_unreachable"', once(400, 400, 1000));
  add(`${p}refusals_total`, 'reason="overloaded"', once(600, 600, 600));
  if (to < minutes) add(`${p}refusals_total`, 'reason="draining"', once(to, to, to));
  add(`${p}request_duration_seconds_sum`, 'rule="default"', grows(0.045));
  add(`${p}request_duration_seconds_count`, 'rule="default"', grows(1));
  add(`${p}upstream_duration_seconds_sum`, 'upstream="default"', grows(0.04));
  add(`${p}upstream_duration_seconds_count`, 'upstream="default"', grows(0.95));
  add(`${p}upstream_duration_seconds_bucket`, 'upstream="default",le="0.1"', grows(0.93));
  add(`${p}upstream_duration_seconds_bucket`, 'upstream="default",le="2.5"', grows(0.948));
  add(`${p}upstream_duration_seconds_bucket`, 'upstream="default",le="5"', grows(0.95));
  add(`${p}upstream_duration_seconds_bucket`, 'upstream="default",le="+Inf"', grows(0.95));
  add(`${p}token_cache_hits_total`, '', grows(0.8));
  add(`${p}token_cache_misses_total`, '', grows(0.18));
  add(`${p}token_cache_evictions_total`, '', grows(0.17));

  const fetched = (minute: number) => Math.floor(minute / 10) * 600;
  add(`${p}jwks_fetches_total`, `${issuer},result="success",trigger="refresh"`, (minute) =>
    Math.floor(minute / 10),
  );
  add(`${p}jwks_fetches_total`, `${issuer},result="failure",trigger="refresh"`, once(900, 900, 900));
  add(`${p}jwks_last_success_timestamp_seconds`, issuer, fetched);
  add(`${p}jwks_keys`, issuer, (minute) => (minute < 700 ? 1 : 2));
  // A key for encryption, as Keycloak publishes one beside those for signatures.
  add(`${p}jwks_skipped_keys`, issuer, () => 1);
  add(`${p}jwks_stale`, issuer, during(900, 902));
  add(`${p}config_reloads_total`, 'result="success"', happens(500));
  add(`${p}config_reloads_total`, 'result="failure"', () => 0);
  return series;
}

/** Requests since midnight: ten a minute at night, a thousand by day. */
function requests(minute: number): number {
  const [morning, evening] = [6 * 60, 22 * 60];
  const day = Math.min(Math.max(minute - morning, 0), evening - morning);
  return 1000 * day + 10 * (minute - day);
}
