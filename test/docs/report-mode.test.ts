import t from 'tap';
import { formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { reasons } from '../../src/errors.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';
import { shown, walk } from './report-walk.ts';

const text = readDoc('report-mode.md');
const configs = readBlocks(text, 'yaml');

t.test('check says of the configs what the page says', async (t) => {
  const shown = text.match(/^(?:warning|note): .*$/gm) ?? [];
  const said = new Set<string>();
  for (const config of configs) {
    t.ok(config.startsWith('# sidecar.yaml\n'), 'a whole file');
    const folder = t.testdir({ 'sidecar.yaml': config });
    const { warnings, notes } = loadConfig({ file: 'sidecar.yaml', env: {}, cwd: folder });
    for (const warning of warnings) said.add(`warning: ${formatFault(warning)}`);
    for (const note of notes) said.add(`note: ${formatFault(note)}`);
  }
  t.same(said, new Set(shown));
});

t.test('what the page says about reasons is what the table of reasons says', async (t) => {
  for (const row of readTable(text, '', 'In report mode')) {
    for (const code of codes(row[''] ?? '').filter((each) => each in reasons)) {
      const { about } = reasons[code as keyof typeof reasons];
      t.equal(
        about === 'token' || about === 'rule',
        row['In report mode']?.includes('forwarded') ?? false,
        code,
      );
    }
  }
});

t.test('the walk, from the first config to the way back', async (t) => {
  const { gateway, send, enter } = await walk(t);

  await t.test('what the upstream sees', async (t) => {
    const lies = { 'X-Verified-Subject': 'root' };
    const seen = (answer: Awaited<ReturnType<typeof send>>) =>
      answer.text.split('\n').filter((line) => /Auth|Verified/.test(line));
    const token = await send('shop');
    t.same(seen(token), shown(`-H "Authorization: Bearer $TOKEN" -H 'X-Verified-Subject: root'`));
    const password = { Authorization: 'Basic bmlnaHRseTpzZWNyZXQ=', ...lies };
    t.same(seen(await send('job', { headers: password })), shown(`-H 'Authorization: Basic`));
    const dots = await send('shop', { path: '/orders/../admin' });
    const [answer = '{}'] = shown('--path-as-is');
    t.same({ ...dots.json(), requestId: '' }, { ...JSON.parse(answer), requestId: '' });
  });

  await t.test('metrics', async (t) => {
    // The two requests above are not among those that the page counts.
    const counted = await gateway.metrics();
    for (const line of shown(`grep 'decision="report"'`)) {
      const [sample = '', count] = line.split(' ');
      const more = sample.includes('token_missing') ? 1 : 0;
      t.ok(counted.includes(`${sample} ${Number(count) + more}`), sample);
    }
    t.equal(
      counted.match(/decision="report"/g)?.length,
      shown(`grep 'decision="report"'`).length,
      'and no other',
    );
  });

  await t.test('rule by rule', async (t) => {
    await enter(1);
    const refused = await send('backoffice');
    const [answer = '{}'] = shown('http://127.0.0.1:8080/admin/refunds -H');
    t.equal(refused.status, 403);
    t.same({ ...refused.json(), requestId: '' }, { ...JSON.parse(answer), requestId: '' });
    t.equal((await send('manager')).status, 200, 'who may, may');
    t.equal((await send('monitor')).status, 200, 'the public path');
    t.equal((await send('monitor', { path: '/elsewhere' })).status, 401, 'rest enforces');
    t.equal(String((await send('job')).status), shown('-X POST')[0], 'orders still reports');
    t.equal(await gateway.metric('jwks_sidecar_mode{mode="report"}'), 1);
  });

  await t.test('everything but one rule', async (t) => {
    await enter(2);
    t.equal((await send('backoffice')).status, 403);
    t.equal((await send('monitor', { path: '/elsewhere' })).status, 401);
    t.equal((await send('job')).status, 200, 'the rule that stayed behind');
    t.equal(await gateway.metric('jwks_sidecar_mode{mode="report"}'), 0, 'which the metric does not tell');
  });

  await t.test('back', async (t) => {
    await enter(0);
    t.equal((await send('backoffice')).status, 200);
    t.equal((await send('monitor', { path: '/elsewhere' })).status, 200);
  });
});
