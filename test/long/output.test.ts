import t from 'tap';
import { Pool } from 'undici';
import { openConfig } from '../cli/open-config.ts';
import { startPiped } from '../cli/piped.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { residentMemory } from './memory.ts';

const requests = 60_000;

t.test('lines that nobody reads are lost, and said to be', { timeout: 240_000 }, async (t) => {
  const { child, lines, url } = await startPiped(t, openConfig('http://127.0.0.1:1', { rules: [] }));
  child.stdout.pause();
  const pool = new Pool(url, { connections: 8 });
  t.teardown(() => pool.destroy());
  let left = requests;
  const path = `/${'x'.repeat(500)}`;
  const worker = async () => {
    while (left-- > 0) {
      const { statusCode, body } = await pool.request({ path, method: 'GET' });
      await body.dump();
      if (statusCode !== 401) throw new Error(`${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const memory = residentMemory(child.pid ?? 0);
  t.ok(memory < 400_000_000, `${Math.round(memory / 1e6)} MB`);
  const said = new Promise<Record<string, unknown>>((resolve) => {
    lines.on('line', (text) => {
      if (text.includes('log lines lost')) resolve(JSON.parse(text));
    });
  });
  child.stdout.resume();
  const { lines: lost } = await withDeadline(said, 'the line that says so', 60_000);
  t.ok((lost as number) > 1000, `${lost} of ${requests} lines`);
});
