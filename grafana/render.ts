import { clients, decided } from './decisions.ts';
import { keySets, tokens } from './keys.ts';
import { datasource, type Panel, type Row, target } from './panel.ts';
import { running } from './process.ts';
import { overview, traffic } from './traffic.ts';
import { variables } from './variables.ts';

const rows: readonly Row[] = [overview, traffic, decided, tokens, keySets, clients, running];
/** Of the panels of one kind, in Grafana's units of 30 pixels. */
const heights: Readonly<Record<Panel['type'], number>> = { stat: 4, timeseries: 8, table: 8 };
const columns = 24;

/** The dashboard as Grafana 10 and later reads it. */
export function renderDashboard(): string {
  const dashboard = {
    uid: 'jwks-sidecar',
    title: 'jwks-sidecar',
    description: 'What is decided about requests, by which keys, and how fast.',
    tags: ['jwks-sidecar'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    annotations: { list: annotations },
    templating: { list: variables },
    panels: place(rows),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

const annotation = (name: string, metric: string, iconColor: string) => ({
  name,
  datasource,
  enable: true,
  iconColor,
  expr: `${metric}{${target}} * 1000`,
  // The value is the moment.
  useValueForTime: true,
  step: '60s',
  titleFormat: name,
  textFormat: '{{pod}} {{instance}}',
});

const annotations = [
  annotation('Config loaded', 'jwks_sidecar_config_last_reload_timestamp_seconds', 'blue'),
  annotation('Process started', 'process_start_time_seconds', 'purple'),
];

/** From left to right and from top to bottom, each row under a heading. */
function place(all: readonly Row[]): object[] {
  const placed: object[] = [];
  let y = 0;
  for (const { title, panels } of all) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      if (x + panel.width > columns) {
        y += height;
        x = 0;
        height = 0;
      }
      const gridPos = { x, y, w: panel.width, h: heights[panel.type] };
      placed.push({ id: placed.length + 1, gridPos, ...asGrafana(panel) });
      x += panel.width;
      height = Math.max(height, gridPos.h);
    }
    y += height;
  }
  return placed;
}

function asGrafana(panel: Panel): object {
  const { title, description, type, unit, alert, queries, thresholds = [] } = panel;
  const instant = type === 'table';
  const { custom, ...rest } = looks(panel);
  return {
    type,
    title,
    description: alert === undefined ? description : `${description} Alert: ${alert}.`,
    datasource,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      editorMode: 'code',
      expr,
      legendFormat: legend,
      instant,
      range: !instant,
      format: instant ? 'table' : 'time_series',
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(unit === 'percentunit' && { min: 0 }),
        color: { mode: type === 'stat' ? 'thresholds' : 'palette-classic' },
        thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }, ...thresholds] },
        custom,
      },
      overrides: [],
    },
    ...rest,
  };
}

/** What only panels of one type have. */
function looks({ type, stack = false, thresholds = [], column }: Panel) {
  if (type === 'stat') {
    const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
    return {
      custom: {},
      options: { reduceOptions, colorMode: 'value', graphMode: 'area', textMode: 'auto' },
    };
  }
  if (type === 'table') {
    const options = {
      indexByName: {},
      excludeByName: { Time: true, ...(column === undefined && { Value: true }) },
      renameByName: column === undefined ? {} : { Value: column },
    };
    return { custom: {}, options: { showHeader: true }, transformations: [{ id: 'organize', options }] };
  }
  return {
    custom: {
      lineWidth: 1,
      fillOpacity: stack ? 25 : 5,
      showPoints: 'never',
      stacking: { mode: stack ? 'normal' : 'none', group: 'A' },
      thresholdsStyle: { mode: thresholds.length > 0 ? 'line' : 'off' },
    },
    options: {
      legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };
}
