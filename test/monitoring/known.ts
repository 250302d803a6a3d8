import type { Test } from 'tap';
import { reasons } from '../../src/errors.ts';
import { describeMetrics } from '../helpers/metrics.ts';
import { groupsOf, readsOf, targetLabels } from './promql.ts';

/** What Prometheus itself knows. */
const prometheusOwn: Readonly<Record<string, readonly string[]>> = {
  up: [],
  ALERTS: ['alertname', 'alertstate', 'severity'],
};

/** Values of the labels whose lists are closed. */
const closed: Readonly<Record<string, readonly string[]>> = {
  decision: ['allow', 'deny', 'report'],
  mode: ['enforce', 'report'],
  result: ['success', 'failure'],
  source: ['cache', 'signature'],
  trigger: ['startup', 'refresh', 'unknown_key', 'reload'],
  reason: ['ok', ...Object.keys(reasons)],
};

const described = await describeMetrics();

function labelsOf(metric: string): readonly string[] | undefined {
  if (metric in prometheusOwn) return prometheusOwn[metric];
  const base = metric.replace(/_(?:bucket|sum|count)$/, '');
  const found =
    described.find(({ name }) => name === metric) ??
    described.find(({ name, type }) => name === base && type === 'histogram');
  return found && [...found.labels, ...(metric.endsWith('_bucket') ? ['le'] : [])];
}

/** That everything that an expression names is there: metrics, their labels, and values of closed lists. */
export function assertKnown(t: Test, name: string, expr: string): void {
  const reads = readsOf(expr);
  t.ok(reads.length > 0, `${name}: reads a metric`);
  for (const { metric, matchers } of reads) {
    const own = labelsOf(metric);
    t.ok(own, `${name}: there is ${metric}`);
    for (const { label, value } of matchers) {
      t.ok(own?.includes(label) || targetLabels.includes(label), `${name}: ${metric} has ${label}`);
      for (const each of value.split('|'))
        if (closed[label])
          t.ok(
            closed[label].some((known) => new RegExp(`^(?:${each})$`).test(known)),
            `${name}: ${label} can be ${each}`,
          );
    }
  }
  const all = reads.flatMap(({ metric }) => labelsOf(metric) ?? []);
  for (const label of groupsOf(expr))
    t.ok(targetLabels.includes(label) || all.includes(label), `${name}: grouped by ${label}`);
}

/** Every metric of the sidecar's own, whole histograms by their base. */
export const ownMetrics = described
  .map(({ name }) => name)
  .filter((name) => name.startsWith('jwks_sidecar_'));
