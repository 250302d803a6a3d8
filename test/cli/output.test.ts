import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { request } from '../helpers/request.ts';
import { openConfig } from './open-config.ts';
import { startPiped } from './piped.ts';

async function start(t: Test) {
  const echo = await startEcho(t);
  return startPiped(t, openConfig(echo.url));
}

async function ends(child: ChildProcess): Promise<number> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await withDeadline(exit, 'the end');
  return code as number;
}

t.test('a standard output that is closed stops no traffic', async (t) => {
  const { child, url } = await start(t);
  child.stdout?.destroy();
  for (let n = 0; n < 200; n++) t.equal((await request(url)).status, 200);
  t.equal(await ends(child), 0);
});

t.test('nor does one that nobody reads', async (t) => {
  const { child, url } = await start(t);
  child.stdout?.pause();
  // A pipe holds 64 KiB; these lines are more.
  for (let n = 0; n < 500; n++) {
    const { status } = await request(url, { path: `/${'x'.repeat(500)}` });
    if (status !== 200) t.fail(`${status}`);
  }
  t.equal(await ends(child), 0);
});
