import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { readBlocks, readDoc } from '../docs/markdown.ts';
import { consoles, shown, walk } from '../docs/report-walk.ts';
import { findPeer } from './peer.ts';

const jq = findPeer('jq', 'jq');
const promtool = findPeer('promtool', 'prometheus');

t.test('what jq finds in the log is what the page shows', { skip: jq.skip }, async (t) => {
  const { gateway } = await walk(t);
  const folder = t.testdir({});
  const log = gateway.lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(join(folder, 'log.json'), log);
  const commands = consoles.flatMap((block) => /^\$ (jq .*)$/m.exec(block)?.slice(1) ?? []);
  t.equal(commands.length, 3);
  for (const command of commands) {
    const script = command.replace(/^jq/, `'${jq.path}'`);
    const found = execFileSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
    // Subjects and tokens are hashed anew in each run.
    const plain = (line: string) => line.replace(/"(sub|token)":"[0-9a-f]+"/g, '"$1":"…"');
    t.same(found.split('\n').filter(Boolean).map(plain), shown(command).map(plain), command);
  }
});

const reported = 'jwks_sidecar_decisions_total{decision="report",reason="token_missing",instance="a"}';
const allowed = 'jwks_sidecar_decisions_total{decision="allow",reason="ok",instance="a"}';
/** Samples of ten days, one an hour: whether it is safe to enforce at their end. */
const stories = {
  'nothing was ever refused': { safe: true, series: { [allowed]: '0+10x240' } },
  'the last was refused nine days ago': {
    safe: true,
    series: { [allowed]: '0+10x240', [reported]: '0+1x24 24x216' },
  },
  'some are refused all the time': { safe: false, series: { [allowed]: '0+10x240', [reported]: '0+1x240' } },
  'the first one ever was two days ago': {
    safe: false,
    series: { [allowed]: '0+10x240', [reported]: '_x191 1x48' },
  },
  'one in a pod that is gone': {
    safe: false,
    series: { [allowed]: '0+10x240', [reported]: '_x191 1x10 stale' },
  },
  'nobody asked for anything': { safe: false, series: { [allowed]: '5x240' } },
};

t.test('the query says "safe" when it is', { skip: promtool.skip }, async (t) => {
  const [, query = ''] = readBlocks(readDoc('report-mode.md'), 'promql');
  for (const [name, { safe, series }] of Object.entries(stories)) {
    const test = {
      rule_files: [],
      tests: [
        {
          interval: '1h',
          input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
          promql_expr_test: [
            { expr: query, eval_time: '240h', exp_samples: safe ? [{ labels: '{}', value: 0 }] : [] },
          ],
        },
      ],
    };
    const folder = t.testdir({ 'test.yaml': stringify(test) });
    t.doesNotThrow(
      () =>
        execFileSync(promtool.path as string, ['test', 'rules', 'test.yaml'], { cwd: folder, stdio: 'pipe' }),
      name,
    );
  }
});
