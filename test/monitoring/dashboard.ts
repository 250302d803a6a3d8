import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../helpers/compile.ts';

interface Source {
  readonly type: string;
  readonly uid: string;
}

export interface DashboardPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: Source;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly datasource: Source }[];
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit: string;
      readonly thresholds: { readonly steps: readonly { readonly value: number | null }[] };
    };
  };
}

export interface Dashboard {
  readonly id?: number;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly DashboardPanel[];
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr: string; readonly datasource: Source }[];
  };
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly definition?: string;
      readonly datasource?: Source;
    }[];
  };
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(join(root, 'grafana/dashboard.json'), 'utf8'));
}

/** Rows and what is in them. */
export function readPanels(): readonly DashboardPanel[] {
  return readDashboard().panels;
}
