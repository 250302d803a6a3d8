import t from 'tap';
import { run } from '../cli/command.ts';
import { readBlocks, readDoc } from './markdown.ts';

t.test('the page about the config shows what check says', async (t) => {
  const page = readDoc('configuration.head.md');
  const config = readBlocks(page, 'yaml').find((block) => block.startsWith('# mistakes.yaml')) ?? '';
  const shown = readBlocks(page, 'console');
  const cwd = t.testdir({ 'mistakes.yaml': config });
  const { code, stderr } = await run(t, ['check', '--config', 'mistakes.yaml'], { cwd });
  t.equal(code, 2);
  t.ok(shown.includes(`$ jwks-sidecar check --config mistakes.yaml\n${stderr}`), stderr);
  const env = Object.fromEntries(
    [...page.matchAll(/^\$ export (\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const small = await run(t, ['check'], { cwd, env });
  t.equal(small.code, 0);
  t.ok(page.includes(`$ jwks-sidecar check\n${small.stderr}${small.stdout}`), small.stderr);
});
