import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const all = mkdtempSync(join(tmpdir(), 'bench-'));

/** A folder for the files of one job or program; gone when this program ends. */
export function scratchFolder(): string {
  return mkdtempSync(join(all, 'x-'));
}

// A signal's own way out would leave the folders and the programs that it started behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => rmSync(all, { recursive: true, force: true }));
