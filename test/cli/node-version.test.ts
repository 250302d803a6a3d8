import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '../..');

/** Runs a file under a Node that takes itself for another one. */
function runAs(version: string, file: string, ...args: string[]) {
  const claim = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(claim)}`, join(root, file), ...args],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

t.test('a Node that is too old gets one sentence, before anything is loaded', async (t) => {
  for (const version of ['12.22.0', '20.19.5', '21.7.0', '22.12.0']) {
    t.same(runAs(version, 'dist/cli.js', 'check'), {
      status: 2,
      stdout: '',
      stderr: `jwks-sidecar needs Node.js 22.13 or later; this is Node.js ${version}.\n`,
    });
  }
  t.match(runAs('22.17.0', 'test/oldest.js'), {
    status: 2,
    stderr: /^The tests need Node\.js 22\.18 or later/,
  });
});

t.test('one that is new enough goes on', async (t) => {
  for (const version of ['22.13.0', '23.0.0', '26.0.0']) {
    t.match(runAs(version, 'dist/cli.js', '--version'), { status: 0, stdout: /^jwks-sidecar \d/ });
  }
  t.match(runAs('22.18.0', 'test/oldest.js'), { status: 0, stderr: '' });
});
