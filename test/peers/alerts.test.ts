import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { asRuleFile, readAlerts, readGroups } from '../helpers/rules.ts';
import { cases, type Series } from './alert-cases.ts';
import { normalDay } from './normal-day.ts';
import { findPeer } from './peer.ts';

const promtool = findPeer('promtool', 'prometheus');

interface Look {
  readonly name: string;
  readonly series: Series;
  readonly expressions: readonly {
    readonly expr: string;
    readonly at: string;
    readonly fires: readonly Readonly<Record<string, string>>[];
  }[];
}

/** What promtool says of the rules over some series; empty: all is as it should be. */
async function run(t: Test, looks: readonly Look[]): Promise<string> {
  const tests = looks.map(({ name, series, expressions }) => ({
    name,
    interval: '1m',
    input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
    promql_expr_test: expressions.map(({ expr, at, fires }) => ({
      expr,
      eval_time: at,
      exp_samples: fires.map((labels) => ({ labels: selector(labels), value: 1 })),
    })),
  }));
  const folder = t.testdir({
    'rules.yml': asRuleFile(readGroups()),
    'tests.yml': stringify({ rule_files: ['rules.yml'], evaluation_interval: '1m', tests }),
  });
  const args = ['test', 'rules', join(folder, 'tests.yml')];
  return promisify(execFile)(promtool.path as string, args).then(
    () => '',
    ({ stdout, stderr }) => `${stdout}${stderr}`,
  );
}

function selector(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return `{${pairs.join(',')}}`;
}

const firing = (alert: string) =>
  `count without (alertstate, severity) (ALERTS{alertstate="firing",alertname=~"${alert}"})`;
/** The same at any minute since the start. */
const ever = (alert: string, until: string) => `max_over_time((${firing(alert)})[${until}:1m])`;

t.test('promtool finds nothing wrong with the rules', { skip: promtool.skip }, async (t) => {
  const folder = t.testdir({ 'rules.yml': asRuleFile(readGroups()) });
  const { stdout } = await promisify(execFile)(promtool.path as string, [
    'check',
    'rules',
    join(folder, 'rules.yml'),
  ]);
  t.match(stdout, `SUCCESS: ${readAlerts().length} rules found`);
});

t.test('every alert has a case in which it fires and one in which it comes close', async (t) => {
  for (const { alert } of readAlerts()) {
    const own = cases.filter((each) => each.alert === alert);
    t.ok(
      own.some(({ fires }) => fires.length > 0),
      `${alert} fires`,
    );
    t.ok(
      own.some(({ fires }) => fires.length === 0),
      `${alert} stays silent`,
    );
  }
});

for (const { name, alert, series, at, fires } of cases) {
  t.test(name, { skip: promtool.skip }, async (t) => {
    const labeled = fires.map((labels) => ({ alertname: alert, ...labels }));
    const expr = fires.length > 0 ? firing(alert) : ever(alert, at);
    const expressions = [{ expr, at, fires: labeled }];
    t.equal(await run(t, [{ name, series, expressions }]), '');
  });
}

t.test('a normal day: none fires at any time', { skip: promtool.skip }, async (t) => {
  const expressions = [{ expr: ever('.+', '1440m'), at: '1440m', fires: [] }];
  t.equal(await run(t, [{ name: 'a normal day', series: normalDay(), expressions }]), '');
});
