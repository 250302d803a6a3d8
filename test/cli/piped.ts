import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Test } from 'tap';
import { withDeadline } from '../helpers/deadline.ts';
import { program } from '../helpers/program.ts';

export interface Piped {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly lines: Interface;
  readonly url: string;
}

/** Starts a sidecar whose standard output a test may read or not; `config` is the text of its file. */
export async function startPiped(t: Test, config: string): Promise<Piped> {
  const file = join(t.testdir({ 'sidecar.json': config }), 'sidecar.json');
  const args = [program, 'run', '--config', file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const [line] = await withDeadline(once(lines, 'line'), 'the first line');
  return { child, lines, url: `http://127.0.0.1:${JSON.parse(line as string).port}` };
}
