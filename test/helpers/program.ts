import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The command line as users start it, which `npm run build` makes. */
export const program = join(root, 'dist/cli.js');

// A test of what was built before the last change would prove nothing.
const built = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const changed = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .find((file) => statSync(join(root, 'src', file)).mtimeMs > built);
if (changed !== undefined) throw new Error(`src/${changed} is newer than dist: run "npm run build" first`);
