import { byIssuer, byRule, quantile, quantiles, type Row, rate, red, target } from './panel.ts';

const requests = 'jwks_sidecar_requests_total';
const decisions = 'jwks_sidecar_decisions_total';
const failing = `sum by (rule) (${rate(requests, `${byRule},status=~"502|504"`)})`;
const denied = rate(decisions, `${target},decision="deny"`);

export const overview: Row = {
  title: 'Overview',
  panels: [
    {
      title: 'Replicas',
      description: 'Processes that answered the last scrape, and those that did not.',
      type: 'stat',
      width: 4,
      unit: 'short',
      queries: [
        { expr: `sum(up{${target}})`, legend: 'up' },
        { expr: `count(up{${target}} == 0) or vector(0)`, legend: 'down' },
      ],
    },
    {
      title: 'Alerts firing',
      description:
        'Of the rules in k8s/monitoring/rules.yaml, for all replicas. docs/runbook.md has a section for each.',
      type: 'stat',
      width: 3,
      unit: 'short',
      thresholds: red(1),
      queries: [
        {
          expr: 'count(ALERTS{alertname=~"JwksSidecar.+",alertstate="firing"}) or vector(0)',
          legend: 'firing',
        },
      ],
    },
    {
      title: 'Mode',
      description:
        'Replicas by the mode of their config. In report mode nothing is refused for its token. A rule with a mode of its own does not show here: see "Reported".',
      type: 'stat',
      width: 3,
      unit: 'short',
      queries: [{ expr: `count by (mode) (jwks_sidecar_mode{${target}} == 1)`, legend: '{{mode}}' }],
    },
    {
      title: 'Requests',
      description: 'All that were answered, by the upstream or by the sidecar itself.',
      type: 'stat',
      width: 3,
      unit: 'reqps',
      queries: [{ expr: `sum(${rate(requests, byRule)})`, legend: 'requests' }],
    },
    {
      title: 'Refused',
      description: 'Share of all requests. Some are as it should be: tokens expire. What counts is a jump.',
      type: 'stat',
      width: 3,
      unit: 'percentunit',
      queries: [{ expr: `(sum(${denied}) or vector(0)) / sum(${rate(decisions)})`, legend: 'refused' }],
    },
    {
      title: 'p99',
      description: 'One request in a hundred takes longer, the upstream included.',
      type: 'stat',
      width: 3,
      unit: 's',
      queries: [{ expr: quantile(0.99, 'jwks_sidecar_request_duration_seconds', byRule), legend: 'p99' }],
    },
    {
      title: 'Oldest keys',
      description:
        'Time since the last good fetch, of the issuer and replica where it is longest ago. At keys.maxStale (24 h unless set otherwise) its tokens get 503. Yellow: older than the default keys.refresh ever lets them get.',
      type: 'stat',
      width: 3,
      unit: 's',
      thresholds: [
        { color: 'yellow', value: 3600 },
        { color: 'red', value: 64800 },
      ],
      alert: 'JwksSidecarKeysExpiring',
      queries: [
        {
          expr: `max(time() - jwks_sidecar_jwks_last_success_timestamp_seconds{${byIssuer}})`,
          legend: 'age',
        },
      ],
    },
    {
      title: 'Without keys',
      description:
        'Issuers of which a replica has no keys: it can verify none of their tokens, and may not be ready.',
      type: 'stat',
      width: 2,
      unit: 'short',
      thresholds: red(1),
      queries: [{ expr: `count(jwks_sidecar_jwks_keys{${byIssuer}} == 0) or vector(0)`, legend: 'issuers' }],
    },
  ],
};

export const traffic: Row = {
  title: 'Traffic',
  panels: [
    {
      title: 'Requests by rule',
      description: 'Of the rule that decided; default where none matched.',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      stack: true,
      queries: [{ expr: `sum by (rule) (${rate(requests, byRule)})`, legend: '{{rule}}' }],
    },
    {
      title: 'Requests by status',
      description:
        'Status of the answer, the upstream’s or our own. 499: the client went away first. 101: a WebSocket ended.',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      stack: true,
      queries: [{ expr: `sum by (status) (${rate(requests, byRule)})`, legend: '{{status}}' }],
    },
    {
      title: '502 and 504 by rule',
      description:
        'Share of the requests of a rule that the upstream did not answer, broke off or was too slow for.',
      type: 'timeseries',
      width: 8,
      unit: 'percentunit',
      thresholds: red(0.05),
      alert: 'JwksSidecarUpstreamErrors',
      queries: [
        {
          expr: `(${failing} or 0 * sum by (rule) (${rate(requests, byRule)})) / sum by (rule) (${rate(requests, byRule)})`,
          legend: '{{rule}}',
        },
      ],
    },
    {
      title: 'Latency with the upstream',
      description:
        'From the end of the request’s head to the end of the answer, bodies included. Without WebSockets and event streams.',
      type: 'timeseries',
      width: 8,
      unit: 's',
      queries: quantiles('jwks_sidecar_request_duration_seconds', byRule),
    },
    {
      title: 'Latency of the upstream alone',
      description: 'From the dispatch to the head of the upstream’s answer. The alert is about p99.',
      type: 'timeseries',
      width: 8,
      unit: 's',
      thresholds: red(2.5),
      alert: 'JwksSidecarUpstreamSlow',
      queries: quantiles('jwks_sidecar_upstream_duration_seconds', target, ['upstream']),
    },
    {
      title: 'Latency of the sidecar alone',
      description:
        'All time of requests less the wait for the upstream, divided by the requests. Bodies on slow lines and waits for keys count, too.',
      type: 'timeseries',
      width: 8,
      unit: 's',
      thresholds: red(0.25),
      alert: 'JwksSidecarGatewaySlow',
      queries: [
        {
          expr: `(sum(${rate('jwks_sidecar_request_duration_seconds_sum')}) - (sum(${rate('jwks_sidecar_upstream_duration_seconds_sum')}) or vector(0))) / sum(${rate('jwks_sidecar_request_duration_seconds_count')})`,
          legend: 'mean',
        },
      ],
    },
  ],
};
