import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ownConfig, startTarget } from './harness.ts';
import { judgeRegression } from './regressions.ts';

// What fuzzing has found: every file is the bytes of a connection that once was answered as it may not be.

t.test('inputs that fuzzing found', ownConfig, async (t) => {
  const target = await startTarget(t, {
    rules: [{ path: '/forbidden/*', scopes: ['nobody:has'] }, { path: '/*' }],
  });
  const folder = join(import.meta.dirname, 'regressions');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.http'))) {
    const converse = async () => {
      const raw = await target.connect();
      await raw.send(readFileSync(join(folder, file)));
      raw.socket.end();
      return (await raw.rest()).toString('latin1');
    };
    t.ok(await judgeRegression(target, converse), file);
  }
});
