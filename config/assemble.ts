// Assembles the folder that the image ships: the compiled program, its production dependencies and nothing else.
// Two runs over the same sources give the same bytes, modes and times.
//
//   node config/assemble.ts [FOLDER] [DIST]    default: build/image, from dist, which must have been built
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const standard = join(root, 'build/image');
const target = resolve(process.argv[2] ?? standard);
const dist = resolve(process.argv[3] ?? join(root, 'dist'));
/** Seconds, as https://reproducible-builds.org/specs/source-date-epoch/ has it. */
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? 0);

/** What Node loads. */
const loaded = /\.(?:[cm]?js|json|node|wasm)$/;
/** What licenses ask to be kept with every copy. */
const legal = /^(?:licen[cs]e|copying|notice)/i;
/** What a package carries at its root and no program loads: tests, samples, settings of its own tools. */
const idle = /^(?:tests?|__tests__|spec|integration|docs?|examples?|bench(?:marks?)?|tsconfig.*|\..*)$/;

function list(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** What a lockfile says of a folder; https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

/**
 * The folders of the production dependencies, nested ones too, as the lockfile has them.
 * Throws where the installed version is another or none: an image that lacks a package must not be made.
 */
function dependencies(): string[] {
  const { packages } = readJson(join(root, 'package-lock.json')) as { packages: Record<string, Locked> };
  const folders: string[] = [];
  for (const [folder, { version, dev, devOptional, optional }] of Object.entries(packages)) {
    if (folder === '' || dev || devOptional) continue;
    const manifest = join(root, folder, 'package.json');
    const installed = existsSync(manifest) ? (readJson(manifest) as { version: string }).version : 'missing';
    if (installed === version) folders.push(folder);
    // Such as a binary for another platform.
    else if (!(optional && installed === 'missing'))
      throw new Error(`${folder} is ${installed}, the lockfile says ${version}: run "npm ci" first`);
  }
  return folders;
}

function copyPackage(folder: string): void {
  for (const file of list(join(root, folder))) {
    const [first = ''] = file.split('/');
    if (first === 'node_modules' || idle.test(first)) continue;
    if (loaded.test(file) || legal.test(basename(file)))
      copy(join(root, folder, file), join(target, folder, file));
  }
}

function copyProgram(): void {
  if (!existsSync(join(dist, 'cli.js'))) throw new Error('there is no dist: run "npm run build" first');
  for (const file of list(dist)) {
    if (file.endsWith('.js')) copy(join(dist, file), join(target, 'dist', file));
  }
  copy(join(root, 'LICENSE'), join(target, 'LICENSE'));
  const { name, version, description, license, type, bin, engines, dependencies } = readJson(
    join(root, 'package.json'),
  ) as Record<string, unknown>;
  const manifest = { name, version, description, license, type, bin, engines, dependencies };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Deepest first: what is made in a folder changes its time. */
function settle(): void {
  const entries = readdirSync(target, { withFileTypes: true, recursive: true });
  const paths = entries.map((entry) => ({
    path: join(entry.parentPath, entry.name),
    mode: entry.isDirectory() ? 0o755 : 0o644,
  }));
  for (const { path, mode } of [{ path: target, mode: 0o755 }, ...paths].toSorted(
    (a, b) => b.path.length - a.path.length,
  )) {
    chmodSync(path, mode);
    lutimesSync(path, epoch, epoch);
  }
}

/** Only the folder of our own is emptied: a slip in an argument must not cost anybody a folder. */
function clear(): void {
  if (target === standard) rmSync(target, { recursive: true, force: true });
  else if (existsSync(target) && readdirSync(target).length > 0) throw new Error(`${target} is not empty`);
}

if (!Number.isSafeInteger(epoch) || epoch < 0)
  throw new Error('SOURCE_DATE_EPOCH is not a number of seconds');
const folders = dependencies();
clear();
copyProgram();
for (const folder of folders) copyPackage(folder);
settle();
