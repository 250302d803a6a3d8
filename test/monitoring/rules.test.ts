import t from 'tap';
import { anchors, codes, readDoc, readTable } from '../docs/markdown.ts';
import { readAlerts, readGroups } from '../helpers/rules.ts';
import { assertKnown } from './known.ts';
import { readsOf } from './promql.ts';

const alerts = readAlerts();
const runbook = readDoc('runbook.md');

t.test('names are unique and say whose they are', async (t) => {
  const names = alerts.map(({ alert }) => alert);
  t.equal(new Set(names).size, names.length);
  for (const name of names) t.match(name, /^JwksSidecar[A-Z]\w+$/);
  t.equal(new Set(readGroups().map(({ name }) => name)).size, readGroups().length);
});

for (const { alert, expr, for: wait, labels, annotations } of alerts) {
  t.test(`${alert}: all that it names is there`, async (t) => assertKnown(t, alert, expr));

  t.test(`${alert}: says how bad it is, for how long, and what to do`, async (t) => {
    t.match(wait, /^\d+[md]$/);
    t.ok(['critical', 'warning', 'info'].includes(labels.severity), labels.severity);
    const { summary, description, runbook_url } = annotations;
    t.ok(summary.length < 140, summary);
    t.match(description, /\. First: /);
    t.equal(runbook_url, `docs/runbook.md#${alert.toLowerCase()}`);
    t.ok(anchors(runbook).has(alert.toLowerCase()), 'the runbook has its section');
  });

  t.test(`${alert}: replicas are taken together by app, or told apart by pod`, async (t) => {
    const own = readsOf(expr).filter(({ metric }) => metric.startsWith('jwks_sidecar_'));
    if (own.length === 0 || !/\b(?:sum|max|min)\b/.test(expr)) return;
    for (const [, list = ''] of expr.matchAll(/\b(?:sum|max|min) by \(([^)]*)\)/g))
      t.match(list, /^job, namespace, app\b/, list);
    t.notMatch(expr, /\b(?:sum|max|min) *\(/, 'nothing is taken together across apps');
  });

  t.test(`${alert}: texts name labels that it has`, async (t) => {
    const kept = /\b(?:sum|max|min) by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [
      ...['job', 'namespace', 'app', 'pod', 'instance'],
    ];
    const text = annotations.summary + annotations.description;
    for (const [, label = ''] of text.matchAll(/\$labels\.(\w+)/g)) t.ok(kept.includes(label), label);
  });
}

t.test('the runbook has no section of an alert that there is not', async (t) => {
  const names = new Set(alerts.map(({ alert }) => alert));
  for (const [, heading = ''] of runbook.matchAll(/^### (\w+)$/gm)) t.ok(names.has(heading), heading);
});

t.test('operations list every alert, how bad it is, and nothing else', async (t) => {
  const rows = readTable(readDoc('operations.md'), 'Alert', 'Severity').map((row) => ({
    alert: codes(row.Alert ?? '')[0],
    severity: row.Severity,
    link: /\]\(([^)]+)\)/.exec(row.Alert ?? '')?.[1],
  }));
  t.same(
    rows,
    alerts.map(({ alert, labels, annotations }) => ({
      alert,
      severity: labels.severity,
      link: annotations.runbook_url.replace('docs/', ''),
    })),
  );
});
