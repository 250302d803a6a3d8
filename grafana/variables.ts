import { datasource, target } from './panel.ts';

/** A choice among the values of a label. */
function choice(name: string, label: string, metric: string, allValue: string | null) {
  const query = `label_values(${metric}, ${name})`;
  return {
    name,
    label,
    type: 'query',
    datasource,
    definition: query,
    query: { query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
    // When the time range changes: pods come and go.
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    ...(allValue !== null && { allValue }),
    current: { selected: true, text: ['All'], value: ['$__all'] },
    hide: 0,
  };
}

const running = 'jwks_sidecar_build_info';

export const variables = [
  {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'prometheus',
    multi: false,
    includeAll: false,
    refresh: 1,
    hide: 0,
  },
  // All: those that have sidecars, no others; the metrics of processes are everybody's.
  choice('job', 'Job', running, null),
  // All: also where the label is missing, as without Kubernetes.
  choice('namespace', 'Namespace', `${running}{job=~"$job"}`, '.*'),
  choice('app', 'App', `${running}{job=~"$job",namespace=~"$namespace"}`, '.*'),
  choice('pod', 'Pod', `${running}{job=~"$job",namespace=~"$namespace",app=~"$app"}`, '.*'),
  choice('rule', 'Rule', `jwks_sidecar_requests_total{${target}}`, '.*'),
  choice('issuer', 'Issuer', `jwks_sidecar_jwks_keys{${target}}`, '.*'),
];
