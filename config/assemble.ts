// Assembles the folder that the image ships: the compiled program, its production dependencies and nothing else.
// Two runs over the same sources give the same bytes, modes and times.
//
//   node config/assemble.ts [FOLDER] [DIST]    default: build/image, from dist, which must have been built
import { execFileSync } from 'node:child_process';
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
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'build/image'));
const dist = resolve(process.argv[3] ?? join(root, 'dist'));
/** Seconds, as https://reproducible-builds.org/specs/source-date-epoch/ has it. */
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? 0);

/** What a package carries at its root and no program loads. */
const idle =
  /^(?:tests?|__tests__|docs?|examples?|bench(?:marks?)?|\.github|\.vscode|\.husky|types|tsconfig.*|\.[^/]*rc.*|\.(?:git|npm|editor).*)$/;
/** Sources, types, maps and prose. Licenses stay. */
const unused = /\.(?:[cm]?ts|map|md|markdown|flow|coffee|tsbuildinfo)$/i;

function list(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** The folders of the production dependencies, nested ones too, as npm resolved them. */
function dependencies(): string[] {
  // npm exits with a failure where a peer is not to its liking; the list is whole all the same.
  const run = () =>
    execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8' });
  let text: string;
  try {
    text = run();
  } catch (error) {
    text = (error as { stdout: string }).stdout;
  }
  return text.split('\n').filter((line) => line.includes('node_modules'));
}

function copyPackage(folder: string): void {
  const place = join(target, relative(root, folder));
  for (const file of list(folder)) {
    const [first = ''] = file.split('/');
    if (first === 'node_modules' || idle.test(first) || unused.test(file)) continue;
    copy(join(folder, file), join(place, file));
  }
}

function copyProgram(): void {
  if (!existsSync(join(dist, 'cli.js'))) throw new Error('there is no dist: run "npm run build" first');
  for (const file of list(dist)) {
    if (file.endsWith('.js')) copy(join(dist, file), join(target, 'dist', file));
  }
  copy(join(root, 'LICENSE'), join(target, 'LICENSE'));
  const { name, version, description, license, type, bin, engines, dependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
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

rmSync(target, { recursive: true, force: true });
copyProgram();
for (const folder of dependencies()) copyPackage(folder);
settle();
