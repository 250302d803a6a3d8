import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { judgeRules } from '../config/judge.ts';
import { bearer, startScene } from '../gateway/scene.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';

const page = readDoc('configuration.md');
const yaml = readBlocks(page, 'yaml');

/** The block of the page with this text in it. */
function blockWith(blocks: readonly string[], text: string): string {
  const found = blocks.filter((block) => block.includes(text));
  if (found.length !== 1) throw new Error(`${found.length} blocks hold ${text}`);
  return found[0] as string;
}

t.test('what check says of a rule that is passed by with another method', async (t) => {
  const cwd = t.testdir({});
  writeFileSync(join(cwd, 'sidecar.yaml'), blockWith(yaml, 'methods: [GET]\n    scopes: [admin]'));
  const { warnings } = loadConfig({ file: 'sidecar.yaml', env: {}, cwd });
  const shown = blockWith(readBlocks(page, 'console'), 'unmatched: required, which').split('\n');
  const said = warnings
    .filter(({ path }) => path.startsWith('rules'))
    .map((each) => `warning: ${formatFault(each)}`);
  t.same(
    said,
    shown.filter((line) => line.startsWith('warning: ')),
  );
});

t.test('the rules for reading and writing leave no gap', async (t) => {
  const { rules } = parse(blockWith(yaml, 'name: write'));
  for (const unmatched of ['deny', 'required']) {
    const { faults, warnings } = judgeRules(rules, { unmatched });
    t.same(faults, []);
    t.same(
      warnings.filter((each) => each.startsWith('rules')),
      [],
    );
  }
});

t.test('the spellings of others are faults, and those that are shown instead are none', async (t) => {
  const rows = readTable(page, 'elsewhere', 'here');
  t.ok(rows.length > 3);
  for (const { elsewhere = '', here = '' } of rows) {
    for (const path of codes(elsewhere)) {
      const { faults } = judgeRules([{ path: path }]);
      t.match(faults, [/^rules\[0\]\.path: /], path);
    }
    t.same(judgeRules(codes(here).map((path) => ({ path }))).faults, [], here);
  }
});

t.test('the alternatives that are shown do what is said of them', async (t) => {
  const jobs = await startFakeIssuer(t, { issuer: 'https://jobs.example.com' });
  const people = await startFakeIssuer(t, { issuer: 'https://people.example.com' });
  const { rules, unmatched } = parse(blockWith(yaml, 'https://jobs.example.com'));
  const { issuer, ...scene } = await startScene(
    t,
    { rules, unmatched, failureLimit: null },
    { others: [jobs, people].map(({ issuer, audience, jwksUri }) => ({ issuer, audience, jwksUri })) },
  );
  const ask = (from: typeof jobs, claims: object) => ({
    path: '/tenants/acme/orders',
    headers: bearer(from.mint({ claims: { tenant: 'acme', ...claims } })),
  });
  await scene.allows(t, 'a clerk', ask(people, { roles: ['clerk'] }));
  await scene.allows(t, 'a job', ask(jobs, { scope: 'orders:sync' }));
  await scene.refuses(t, 'a guest', ask(people, { roles: ['guest'] }), 'rule_denied');
  await scene.refuses(t, 'another job', ask(jobs, { roles: ['clerk'] }), 'scope_insufficient');
  await scene.refuses(
    t,
    'another tenant',
    ask(people, { tenant: 'globex', roles: ['clerk'] }),
    'rule_denied',
  );
  await scene.refuses(t, 'another issuer', ask(issuer, {}), 'issuer_unknown');
});
