import { byIssuer, type Row, rate, red, target } from './panel.ts';

const decisions = 'jwks_sidecar_decisions_total';
const refusals = 'jwks_sidecar_refusals_total';
const reported = `increase(${decisions}{${byIssuer},decision="report"}[$__range])`;
const forged = 'reason=~"signature_invalid|algorithm_not_allowed|header_not_supported"';

export const decided: Row = {
  title: 'Decisions',
  panels: [
    {
      title: 'Decisions',
      description: 'allow, deny, or report: refused, and forwarded because report mode says so.',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      stack: true,
      queries: [{ expr: `sum by (decision) (${rate(decisions, byIssuer)})`, legend: '{{decision}}' }],
    },
    {
      title: 'Refused, by reason',
      description:
        'Share of all requests. The alert also asks that it be three times the share of the last six hours. docs/answers.md has cause and cure of each reason.',
      type: 'timeseries',
      width: 8,
      unit: 'percentunit',
      thresholds: red(0.02),
      alert: 'JwksSidecarRefusalsRising',
      queries: [
        {
          expr: `sum by (reason) (${rate(decisions, `${byIssuer},decision="deny"`)}) / ignoring (reason) group_left () sum(${rate(decisions)})`,
          legend: '{{reason}}',
        },
      ],
    },
    {
      title: 'Refused, by issuer and reason',
      description:
        'none: there was no token, or none that could be read, or its issuer is not a configured one.',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      queries: [
        {
          expr: `sum by (issuer, reason) (${rate(decisions, `${byIssuer},decision="deny"`)})`,
          legend: '{{issuer}} {{reason}}',
        },
      ],
    },
    {
      title: 'The sidecar’s own answers',
      description:
        'Every answer that the upstream did not give, by reason: refusals, failures of the upstream, overload, drain.',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      queries: [{ expr: `sum by (reason) (${rate(refusals)})`, legend: '{{reason}}' }],
    },
    {
      title: 'Reported',
      description:
        'Safe to enforce now? Share of all requests, over the time shown, that report mode forwarded although they should be refused. 0 % over as long as your rarest job takes: enforce. Nothing here is refused.',
      type: 'stat',
      width: 4,
      unit: 'percentunit',
      thresholds: [{ color: 'yellow', value: 0.000001 }],
      queries: [
        {
          expr: `(sum(${reported}) or vector(0)) / sum(increase(${decisions}{${byIssuer}}[$__range]))`,
          legend: 'reported',
        },
      ],
    },
    {
      title: 'What enforcing would refuse',
      description:
        'Requests over the time shown, by reason and issuer. Empty: nothing. The log lines with "decision":"report" name rule and client of each.',
      type: 'table',
      column: 'requests',
      width: 12,
      unit: 'short',
      queries: [{ expr: `sum by (reason, issuer) (${reported}) > 0`, legend: '{{reason}} {{issuer}}' }],
    },
  ],
};

export const clients: Row = {
  title: 'Clients blocked',
  panels: [
    {
      title: 'Clients blocked now',
      description:
        'Of all replicas; each counts for itself. Proxies of yours among them: listen.trustedProxies lacks them. The log lines with client_blocked name who it is.',
      type: 'timeseries',
      width: 6,
      unit: 'short',
      thresholds: red(1),
      alert: 'JwksSidecarClientsBlocked',
      queries: [{ expr: `sum(jwks_sidecar_failure_limit_blocked_clients{${target}})`, legend: 'blocked' }],
    },
    {
      title: 'Blocks begun',
      description: 'How often a client reached the failure limit.',
      type: 'timeseries',
      width: 6,
      unit: 'short',
      queries: [
        {
          expr: `sum(increase(jwks_sidecar_failure_limit_blocks_total{${target}}[$__rate_interval]))`,
          legend: 'blocks',
        },
      ],
    },
    {
      title: 'Traffic that meets a block',
      description: 'Share of all requests that get 429. High: users behind one address may be shut out.',
      type: 'timeseries',
      width: 6,
      unit: 'percentunit',
      thresholds: red(0.05),
      alert: 'JwksSidecarTrafficBlocked',
      queries: [
        {
          expr: `(sum(${rate(decisions, `${target},reason="client_blocked"`)}) or vector(0)) / sum(${rate(decisions)})`,
          legend: 'blocked',
        },
      ],
    },
    {
      title: 'Forged tokens',
      description:
        'Tokens a second whose signature does not hold, or with a header that no issuer of yours makes. A few are damaged ones.',
      type: 'timeseries',
      width: 6,
      unit: 'reqps',
      thresholds: red(0.5),
      alert: 'JwksSidecarForgedTokens',
      queries: [
        { expr: `sum by (reason) (${rate(decisions, `${target},${forged}`)})`, legend: '{{reason}}' },
      ],
    },
  ],
};
