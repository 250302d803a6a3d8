import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { build, root } from '../helpers/compile.ts';

const run = promisify(execFile);
const { PATH = '' } = process.env;

/** What package.json says, as far as tests ask. */
export interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
}

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** What `npm pack` made, and where it is as if somebody had installed it. */
export interface Packed {
  /** A project whose node_modules hold the package, what it depends on, and nothing else. */
  readonly project: string;
  /** The folder of the package in it. */
  readonly folder: string;
  /** The program, as npm links it. */
  readonly cli: string;
  /** The path of every file in the package. */
  readonly files: readonly string[];
  /** Bytes of the tarball. */
  readonly size: number;
  readonly unpackedSize: number;
}

/** Builds, packs and installs the package into a folder of its own, without a registry. */
export async function pack(t: Test): Promise<Packed> {
  // Not within the checkout, whose own packages would be found from there.
  const place = mkdtempSync(join(tmpdir(), 'jwks-sidecar-'));
  t.teardown(() => rmSync(place, { recursive: true }));
  const source = join(place, 'source');
  mkdirSync(source);
  await build(join(source, 'dist'));
  for (const each of ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', 'config'])
    cpSync(join(root, each), join(source, each), { recursive: true });
  // What may lie about in a checkout.
  for (const each of ['src', 'test', 'docs'])
    cpSync(join(root, each), join(source, each), { recursive: true });

  // As with compile(): without the test runner's options.
  const args = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', place];
  const { stdout } = await run('env', ['-u', 'NODE_OPTIONS', 'npm', ...args], {
    cwd: source,
    env: { PATH, HOME: place, npm_config_update_notifier: 'false' },
  });
  const [{ filename, files, size, unpackedSize }] = JSON.parse(stdout);

  const project = join(place, 'project');
  const folder = join(project, 'node_modules/jwks-sidecar');
  mkdirSync(folder, { recursive: true });
  await run('tar', ['-xzf', join(place, filename), '-C', folder, '--strip-components=1']);
  for (const name of Object.keys(manifest.dependencies)) link(project, name);
  const cli = join(project, 'node_modules/.bin/jwks-sidecar');
  mkdirSync(dirname(cli));
  symlinkSync(join(folder, manifest.bin['jwks-sidecar'] ?? ''), cli);
  const paths = (files as { path: string }[]).map(({ path }) => path).toSorted();
  return { project, folder, cli, files: paths, size, unpackedSize };
}

/** Puts an installed package of the checkout into a project. */
export function link(project: string, name: string): void {
  const target = join(project, 'node_modules', name);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), target);
}
