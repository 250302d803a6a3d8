import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const root = resolve(import.meta.dirname, '../..');

/**
 * Runs the TypeScript compiler, without the options that the test runner hands down to its children: it does not bear
 * them. Rejects with what it says.
 */
export async function compile(args: readonly string[]): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const all = ['-u', 'NODE_OPTIONS', process.execPath, tsc, ...args];
  await promisify(execFile)('env', all, { cwd: root }).catch(({ stdout, message }) => {
    throw new Error(stdout || message);
  });
}

/** Compiles the program into a folder. */
export function build(dist: string): Promise<void> {
  return compile(['-p', join(root, 'tsconfig.build.json'), '--outDir', dist]);
}
