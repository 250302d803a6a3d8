import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { renderDashboard } from '../../grafana/render.ts';
import { root } from '../helpers/compile.ts';
import { readAlerts } from '../helpers/rules.ts';
import { readDashboard, readPanels } from './dashboard.ts';
import { assertKnown, ownMetrics } from './known.ts';
import { readsOf } from './promql.ts';

const dashboard = readDashboard();
const panels = readPanels();
const inRows = panels.filter(({ type }) => type !== 'row');

t.test('it is what the script makes', async (t) => {
  t.equal(readFileSync(join(root, 'grafana/dashboard.json'), 'utf8'), renderDashboard(), 'npm run generate');
});

t.test('Grafana gets what it wants', async (t) => {
  t.ok(dashboard.schemaVersion >= 38, 'Grafana 10');
  t.equal(dashboard.id, undefined, 'Grafana gives one itself');
  t.match(dashboard.uid, /^[\w-]{1,40}$/);
  const ids = panels.map(({ id }) => id);
  t.equal(new Set(ids).size, ids.length, 'panels have ids of their own');
  const titles = inRows.map(({ title }) => title);
  t.equal(new Set(titles).size, titles.length, 'and titles');
});

t.test('no two panels overlap, and none stands out', async (t) => {
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    const { x, y, w, h } = gridPos;
    t.ok(x >= 0 && w > 0 && x + w <= 24, title);
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        const other = taken.get(`${column} ${line}`);
        if (other !== undefined) t.fail(`${title} is over ${other}`);
        taken.set(`${column} ${line}`, title);
      }
  }
});

t.test('whatever is asked, is asked of the chosen data source', async (t) => {
  const chosen = { type: 'prometheus', uid: '${datasource}' };
  for (const panel of inRows) {
    t.same(panel.datasource, chosen, panel.title);
    t.ok(panel.targets.length > 0, panel.title);
    for (const target of panel.targets) t.same(target.datasource, chosen, panel.title);
    const refs = panel.targets.map(({ refId }) => refId);
    t.equal(new Set(refs).size, refs.length, panel.title);
  }
  for (const { name, datasource } of dashboard.annotations.list) t.same(datasource, chosen, name);
  const [first, ...rest] = dashboard.templating.list;
  t.match(first, { name: 'datasource', type: 'datasource', query: 'prometheus' });
  for (const { name, datasource } of rest) t.same(datasource, chosen, name);
});

t.test('every panel says what it shows, and in which unit', async (t) => {
  for (const { title, description, fieldConfig } of inRows) {
    t.match(description, /\.$/, title);
    t.ok(fieldConfig.defaults.unit, title);
  }
});

t.test('variables are defined, and used', async (t) => {
  const defined = dashboard.templating.list.map(({ name }) => name);
  t.same(defined, ['datasource', 'job', 'namespace', 'app', 'pod', 'rule', 'issuer']);
  const queries = inRows.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const used = new Set(
    queries.flatMap((expr) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name)),
  );
  for (const name of used) t.ok(defined.includes(name) || name.startsWith('__'), name);
  for (const name of defined.slice(1)) t.ok(used.has(name), `${name} is used`);
  for (const expr of queries) if (!expr.includes('ALERTS')) t.match(expr, 'job=~"$job"', expr);
});

t.test('all that queries name is there', async (t) => {
  for (const { title, targets } of inRows) for (const { expr } of targets) assertKnown(t, title, expr);
  for (const { name, expr } of dashboard.annotations.list) assertKnown(t, name, expr);
});

t.test('every metric of the sidecar’s own is shown somewhere', async (t) => {
  const shown = new Set(
    inRows.flatMap(({ targets }) => targets.flatMap(({ expr }) => readsOf(expr).map(({ metric }) => metric))),
  );
  for (const name of ownMetrics)
    t.ok(
      [...shown].some((each) => each === name || each.replace(/_(?:bucket|sum|count)$/, '') === name),
      name,
    );
});

t.test('a threshold is that of the alert', async (t) => {
  const alerts = readAlerts();
  let compared = 0;
  for (const { title, description, fieldConfig } of inRows) {
    const [, name] = /Alert: (\w+)\.$/.exec(description) ?? [];
    if (name === undefined) continue;
    const expr = alerts.find(({ alert }) => alert === name)?.expr ?? '';
    const { value } = fieldConfig.defaults.thresholds.steps.at(-1) ?? {};
    const limits = [...expr.matchAll(/(>|==) ([\d.]+)/g)].map(([, operator, limit]) =>
      // More than none is at least one.
      operator === '>' && limit === '0' ? 1 : Number(limit),
    );
    t.ok(limits.includes(value as number), `${title}: ${value} is in ${name}`);
    compared++;
  }
  t.ok(compared > 10);
  const named = inRows.flatMap(({ description }) => description.match(/JwksSidecar\w+/g) ?? []);
  for (const name of named)
    t.ok(
      alerts.some(({ alert }) => alert === name),
      name,
    );
});
