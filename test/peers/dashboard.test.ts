import t from 'tap';
import { asRuleFile, readAlerts, readGroups } from '../helpers/rules.ts';
import { readDashboard, readPanels } from '../monitoring/dashboard.ts';
import { type Day, startDay } from './day.ts';
import { findPeer } from './peer.ts';
import { type Prometheus, type Sample, startPrometheus } from './start-prometheus.ts';

const prometheus = findPeer('prometheus', 'prometheus');

/** What the dashboard's variables stand for when all is chosen, with and without Kubernetes. */
const places = {
  'on Kubernetes': { job: 'monitoring/jwks-sidecar', namespace: 'shop|_', app: 'orders|_', pod: '.+' },
  elsewhere: { job: 'jwks-sidecar', namespace: '.*', app: '.*', pod: '.*' },
};

function substitute(expr: string, variables: Readonly<Record<string, string>>): string {
  const all = { rule: '.*', issuer: '.*', __rate_interval: '1m', __range: '1h', ...variables };
  return Object.entries(all).reduce((text, [name, value]) => text.replaceAll(`$${name}`, value), expr);
}

/**
 * An alert's expression without its thresholds: what it compares, it only shows. There is no day before to look back
 * to, and nothing to take away.
 */
function strip(expr: string): string {
  return expr
    .replaceAll(/ offset \d+[smhd]/g, '')
    .replaceAll(/\babsent\(/g, 'count(')
    .replaceAll(/\bunless\b/g, 'or')
    .replaceAll(/ (?:==|<=|>=|<|>) [\d.]+(?=\s*(?:$|\)|\b(?:and|or)\b))/g, '')
    .replaceAll(/(==|<=|>=|<|>) (?!bool)/g, '$1 bool ');
}

/** Lets days pass until each query has had a value at some time. */
async function answerAll(
  { query, scraped }: Prometheus,
  day: Day,
  queries: ReadonlyMap<string, string>,
): Promise<string[]> {
  const waiting = new Map(queries);
  for (let round = 0; round < 12 && waiting.size > 0; round++) {
    await day.pass();
    await scraped();
    for (const [name, expr] of waiting) if (isData(await query(expr))) waiting.delete(name);
  }
  return [...waiting].map(([name, expr]) => `${name}: ${expr}`);
}

function isData(samples: readonly Sample[]): boolean {
  return samples.some(({ value }) => Number.isFinite(Number(value[1])));
}

t.test('every query has data, on a day on which everything happens', { skip: prometheus.skip }, async (t) => {
  const day = await startDay(t);
  const [a, b] = day.gateways;
  const shop = { namespace: 'shop', app: 'orders', job: 'monitoring/jwks-sidecar' };
  const groups = readGroups().map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => ({ ...rule, for: '0s' })),
  }));
  const server = await startPrometheus(t, {
    path: prometheus.path as string,
    rules: asRuleFile(groups),
    targets: [
      { labels: { ...shop, pod: 'orders-a', instance: 'a:9090' }, metrics: a.metrics },
      { labels: { ...shop, pod: 'orders-b', instance: 'b:9090' }, metrics: () => b.server.metrics.text() },
      { labels: { job: 'jwks-sidecar' }, metrics: a.metrics },
    ],
  });

  const queries = new Map<string, string>();
  for (const [place, variables] of Object.entries(places)) {
    const add = (name: string, expr: string) => queries.set(`${name}, ${place}`, substitute(expr, variables));
    for (const { title, targets = [] } of readPanels())
      for (const { refId, expr } of targets) add(`${title} ${refId}`, expr);
    for (const { name, expr } of readDashboard().annotations.list) add(name, expr);
  }
  for (const { alert, expr } of readAlerts()) queries.set(alert, strip(expr));
  t.ok(queries.size > 130, `${queries.size} queries`);
  t.same(await answerAll(server, day, queries), []);

  for (const { name, definition } of readDashboard().templating.list) {
    if (definition === undefined || ['namespace', 'app', 'pod'].includes(name)) continue;
    const [, metric = ''] = /^label_values\((.*), \w+\)$/.exec(definition) ?? [];
    const found = await server.ask<string[]>(`label/${name}/values`, {
      'match[]': substitute(metric, places.elsewhere),
    });
    t.ok(found.length > 0, `${name} has values`);
  }

  const rules = await rulesOnceFiring(server, [
    'JwksSidecarIssuerWithoutKeys',
    'JwksSidecarReportModeLeftOn',
    'JwksSidecarConfigReloadFailed',
    'JwksSidecarInternalError',
    'JwksSidecarClientsBlocked',
  ]);
  t.equal(rules.length, readAlerts().length);
  for (const { name, health, lastError } of rules) t.equal(health, 'ok', `${name} ${lastError ?? ''}`);
  for (const { name, alerts } of rules)
    for (const { annotations } of alerts)
      t.notMatch(Object.values(annotations).join('\n'), /<error|<no value>|\{\{|NaN|: $/, name);
});

interface LoadedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly alerts: readonly { readonly annotations: Readonly<Record<string, string>> }[];
}

/** Rules as Prometheus has them, once each of some fires. */
async function rulesOnceFiring(
  { ask, scraped }: Prometheus,
  names: readonly string[],
): Promise<readonly LoadedRule[]> {
  for (let round = 0; round < 20; round++) {
    const { groups } = await ask<{ groups: readonly { readonly rules: readonly LoadedRule[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    const silent = names.filter((name) => rules.find((rule) => rule.name === name)?.alerts.length === 0);
    if (silent.length === 0) return rules;
    await scraped();
  }
  throw new Error(`Not all of these fire: ${names.join(', ')}`);
}
