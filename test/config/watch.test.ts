import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createWatcher } from '../../src/config/watch.ts';
import { withDeadline } from '../helpers/deadline.ts';

t.test('a change is told, however it is made', async (t) => {
  const folder = t.testdir({ file: 'a', one: { linked: 'a' }, two: { linked: 'a' } });
  const at = (name: string) => join(folder, name);
  symlinkSync('one', at('data'));
  let tell = () => {};
  const watcher = createWatcher({ interval: 10, settle: 10, onChange: () => tell() });
  t.teardown(() => watcher.close());
  watcher.watch([at('file'), at('new'), at('data/linked')]);
  const changes: Readonly<Record<string, () => void>> = {
    'written again': () => writeFileSync(at('file'), 'bb'),
    'replaced by another': () => {
      writeFileSync(at('next'), 'cc');
      renameSync(at('next'), at('file'));
    },
    removed: () => rmSync(at('file')),
    'there again': () => writeFileSync(at('file'), 'dd'),
    'there for the first time': () => writeFileSync(at('new'), 'a'),
    'a folder on the way is another': () => {
      symlinkSync('two', at('data_next'));
      renameSync(at('data_next'), at('data'));
    },
    'a folder on the way is moved': () => {
      renameSync(at('two'), at('gone'));
      mkdirSync(at('two'));
      writeFileSync(at('two/linked'), 'e');
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    change();
    await withDeadline(told, name);
    t.pass(name);
  }
});
