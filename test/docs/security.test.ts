import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codes, docs, readDoc, readTable } from './markdown.ts';

t.test('every attack has a test that exists', async (t) => {
  for (const { Attack = '', Tests = '' } of readTable(readDoc('security.md'), 'Attack', 'Tests')) {
    t.not(codes(Tests).length, 0, Attack);
    for (const file of codes(Tests)) t.ok(existsSync(join(docs, '..', file)), `${Attack}: ${file}`);
  }
});
