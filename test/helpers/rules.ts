import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { root } from './compile.ts';

/** An alert as Prometheus reads it. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: 'critical' | 'warning' | 'info' };
  readonly annotations: {
    readonly summary: string;
    readonly description: string;
    readonly runbook_url: string;
  };
}

export interface Group {
  readonly name: string;
  readonly rules: readonly Alert[];
}

export const rulesFile = join(root, 'k8s/monitoring/rules.yaml');

export function readGroups(): readonly Group[] {
  return parse(readFileSync(rulesFile, 'utf8')).spec.groups;
}

export function readAlerts(): readonly Alert[] {
  return readGroups().flatMap(({ rules }) => rules);
}

/** Groups as a file of rules for plain Prometheus. */
export function asRuleFile(groups: readonly Group[]): string {
  return stringify({ groups });
}
