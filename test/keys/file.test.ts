import { execFileSync } from 'node:child_process';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readText } from '../../src/keys/file.ts';
import { readRegularFile } from '../../src/regular-file.ts';

/** Both readers of a path: the one of key files, and the one of what is read when a config is loaded. */
const readers = {
  async: (path: string) => readText(path, 'jwksFile'),
  sync: async (path: string) => readRegularFile(path).toString('utf8'),
};

t.test('a file is read whole, through links, whatever size its status says', async (t) => {
  const folder = t.testdir({ 'a.json': '{"keys":[]}', empty: '' });
  symlinkSync(join(folder, 'a.json'), join(folder, 'link'));
  writeFileSync(join(folder, 'large'), 'x'.repeat(300_000));
  for (const [name, read] of Object.entries(readers)) {
    t.equal(await read(join(folder, 'a.json')), '{"keys":[]}', name);
    t.equal(await read(join(folder, 'link')), '{"keys":[]}', `${name}: as Kubernetes mounts files`);
    t.equal(await read(join(folder, 'empty')), '', `${name}: empty`);
    t.equal((await read(join(folder, 'large'))).length, 300_000, `${name}: large`);
    t.match(await read('/proc/self/status'), /^Name:/, `${name}: a file that claims to be empty`);
  }
});

t.test('what is no file, or has no end, is refused at once', async (t) => {
  const folder = t.testdir({ sparse: '' });
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  symlinkSync(fifo, join(folder, 'link'));
  truncateSync(join(folder, 'sparse'), 2 ** 40);
  const refused = {
    [fifo]: /NOT_A_REGULAR_FILE|not a regular file/,
    [join(folder, 'link')]: /NOT_A_REGULAR_FILE|not a regular file/,
    '/dev/zero': /NOT_A_REGULAR_FILE|not a regular file/,
    '/dev/tty': /NOT_A_REGULAR_FILE|not a regular file|ENXIO/,
    [join(folder, 'sparse')]: /holds more than 4194304 bytes/,
    [folder]: /EISDIR/,
    [join(folder, 'nowhere')]: /ENOENT/,
  };
  for (const [name, read] of Object.entries(readers)) {
    for (const [path, message] of Object.entries(refused))
      await t.rejects(read(path), { message }, `${name}: ${path}`);
  }
});

t.test('a byte order mark is not part of the text', async (t) => {
  const path = join(t.testdir({ bom: '\uFEFF{}' }), 'bom');
  t.equal(await readText(path, 'jwksFile'), '{}');
});
