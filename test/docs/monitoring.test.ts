import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { root } from '../helpers/compile.ts';
import { readAlerts, readGroups } from '../helpers/rules.ts';
import { assertKnown } from '../monitoring/known.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('monitoring.md');
const runbook = readDoc('runbook.md');
const shell = readBlocks(text, 'sh').join('\n');

t.test('the command makes the rules that plain Prometheus reads', async (t) => {
  const [command, file = ''] = /^sed .* > (\S+)$/m.exec(shell) ?? [];
  const made = execFileSync('sh', ['-c', (command ?? '').replace(/ > \S+$/, '')], {
    cwd: root,
    encoding: 'utf8',
  });
  t.same(parse(made), { groups: readGroups() });
  t.ok(text.includes(`rule_files: [${file}]`), 'which reads it');
  t.match(text, `SUCCESS: ${readAlerts().length} rules found`);
});

t.test('files and links of alerts are there', async (t) => {
  for (const [path] of text.matchAll(/(?<![\w/])(?:k8s|grafana)\/[\w/.-]+\w/g))
    t.ok(existsSync(join(root, path)), path);
  const [, from = ''] = /s#(runbook_url: docs\/)#/.exec(shell) ?? [];
  for (const { annotations } of readAlerts())
    t.ok(`runbook_url: ${annotations.runbook_url}`.startsWith(from));
});

t.test('numbers to change are those of the rules', async (t) => {
  const rows = readTable(text, 'Alert', 'Number');
  for (const row of rows) {
    const numbers = row.Number?.match(/[\d.]+\d|\.\*[\w-]+\.\*/g) ?? [];
    for (const [index, name] of codes(row.Alert ?? '').entries()) {
      const { expr } = readAlerts().find(({ alert }) => alert === name) ?? { expr: '' };
      t.ok(expr.includes(numbers[index] ?? numbers[0] ?? 'none'), name);
    }
  }
});

t.test('every alert that a page names is there', async (t) => {
  const names = new Set(readAlerts().map(({ alert }) => alert));
  for (const page of [text, runbook])
    for (const [name] of page.matchAll(/JwksSidecar\w+/g)) t.ok(names.has(name), name);
});

/** From a heading to the next one of its depth, or less. */
function section(name: string): string {
  const [, rest = ''] = runbook.split(`### ${name}\n`);
  return rest.split(/^##/m)[0] ?? '';
}

for (const { alert, labels } of readAlerts()) {
  t.test(
    `${alert}: the runbook says what it means, what to look at, what cures it, when to be silent`,
    async (t) => {
      const own = section(alert);
      t.match(own.trim(), new RegExp(`^${labels.severity}\\. `), 'how bad it is');
      t.equal(own.match(/^\d\. /gm)?.length, 3, 'three things to look at');
      t.ok(/^\| .*Cure \|$/m.test(own) || own.includes('Report it'), 'cures');
      t.match(own, /\b[Ss]ilence it/);
      const queries = codes(own).filter((code) => /jwks_sidecar_|process_|nodejs_|\bup\{/.test(code));
      for (const query of queries) assertKnown(t, alert, query);
    },
  );
}

t.test('codes of failed fetches are those that there are', async (t) => {
  const source = readFileSync(join(root, 'src/keys/error.ts'), 'utf8');
  const [, union = ''] = /export type FetchErrorCode =([^;]*);/.exec(source) ?? [];
  const all = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  const named = readTable(runbook, 'Code', 'What it is').flatMap((row) => codes(row.Code ?? ''));
  for (const code of named) t.ok(all.includes(code), code);
  // The file of the cache is not what keys are fetched from.
  t.same(all.filter((code) => !named.includes(code ?? '')).sort(), ['cache_invalid', 'file_unwritable']);
});
