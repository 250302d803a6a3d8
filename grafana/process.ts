import { type Row, rate, red, target } from './panel.ts';

const replica = '{{pod}} {{instance}}';

export const running: Row = {
  title: 'Process',
  panels: [
    {
      title: 'CPU',
      description: 'Cores, by replica. One process uses one core: near 1 it is at its end.',
      type: 'timeseries',
      width: 8,
      unit: 'short',
      queries: [{ expr: rate('process_cpu_seconds_total'), legend: replica }],
    },
    {
      title: 'Memory',
      description: 'Resident memory. What a connection takes is in docs/kubernetes.md.',
      type: 'timeseries',
      width: 8,
      unit: 'bytes',
      queries: [{ expr: `process_resident_memory_bytes{${target}}`, legend: replica }],
    },
    {
      title: 'Event loop lag',
      description:
        'How late the process is with what it has to do, p99. Every request waits that long. About 10 ms is idle.',
      type: 'timeseries',
      width: 8,
      unit: 's',
      thresholds: red(0.25),
      alert: 'JwksSidecarEventLoopLag',
      queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${target}}`, legend: replica }],
    },
    {
      title: 'Open connections',
      description:
        'Of clients, to upstreams and on the admin port together. listen.maxConnections bounds those of clients.',
      type: 'timeseries',
      width: 8,
      unit: 'short',
      queries: [{ expr: `nodejs_active_resources{${target},type="TCPSocketWrap"}`, legend: replica }],
    },
    {
      title: 'WebSockets open',
      description: 'Each holds a connection of the client and one to the upstream.',
      type: 'timeseries',
      width: 8,
      unit: 'short',
      queries: [{ expr: `jwks_sidecar_websockets_open{${target}}`, legend: replica }],
    },
    {
      title: 'Overloaded and draining',
      description:
        'Requests turned away whatever their token, as a share of all. The alert is about overloaded.',
      type: 'timeseries',
      width: 8,
      unit: 'percentunit',
      thresholds: red(0.01),
      alert: 'JwksSidecarOverloaded',
      queries: ['overloaded', 'draining'].map((reason) => ({
        expr: `(sum(${rate('jwks_sidecar_refusals_total', `${target},reason="${reason}"`)}) or vector(0)) / sum(${rate('jwks_sidecar_requests_total')})`,
        legend: reason,
      })),
    },
    {
      title: 'What runs',
      description:
        'Version of the sidecar and of Node, by replica. Two versions: a release is under way, or stuck.',
      type: 'table',
      width: 12,
      unit: 'short',
      queries: [
        {
          expr: `sum by (namespace, app, pod, instance, version, node) (jwks_sidecar_build_info{${target}})`,
          legend: replica,
        },
      ],
    },
    {
      title: 'Up since',
      description: 'Time since the start. Back to 0 again and again: JwksSidecarRestarting.',
      type: 'timeseries',
      width: 4,
      unit: 's',
      queries: [{ expr: `time() - process_start_time_seconds{${target}}`, legend: replica }],
    },
    {
      title: 'Config in force since',
      description:
        'Time since the config in force was loaded. Replicas that differ: one of them has missed a change.',
      type: 'timeseries',
      width: 4,
      unit: 's',
      queries: [
        { expr: `time() - jwks_sidecar_config_last_reload_timestamp_seconds{${target}}`, legend: replica },
      ],
    },
    {
      title: 'Reloads',
      description: 'A failure: the config in force is not the one in the file, and a restart would fail.',
      type: 'timeseries',
      width: 4,
      unit: 'short',
      thresholds: red(1),
      alert: 'JwksSidecarConfigReloadFailed',
      queries: [
        {
          expr: `sum by (result) (increase(jwks_sidecar_config_reloads_total{${target}}[$__rate_interval]))`,
          legend: '{{result}}',
        },
      ],
    },
  ],
};
