import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
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

t.test('what was noted before it is read is no change', async (t) => {
  const folder = t.testdir({ file: 'a', other: 'a' });
  const at = (name: string) => join(folder, name);
  let told = 0;
  let tell = () => {};
  const watcher = createWatcher({
    interval: 5,
    settle: 5,
    onChange: () => {
      told++;
      tell();
    },
  });
  t.teardown(() => watcher.close());
  watcher.watch([at('file'), at('missing')]);
  writeFileSync(at('file'), 'bb');
  writeFileSync(at('missing'), 'a');
  watcher.note();
  // Nothing tells that nothing comes: twenty looks are enough for what would be seen at the first.
  await wait(100);
  t.equal(told, 0);

  const since = Date.now() - 60_000;
  const change = new Promise<void>((resolve) => {
    tell = resolve;
  });
  watcher.watch([at('file'), at('other')], since);
  await withDeadline(change, 'a file that is newly watched, and has changed since the reading began');
  t.pass('is told');
  watcher.watch([at('file'), at('other'), at('late')], Date.now());
  const late = new Promise<void>((resolve) => {
    tell = resolve;
  });
  writeFileSync(at('late'), 'a');
  await withDeadline(late, 'one that was not there');
  t.pass('and what comes after the note');
});
