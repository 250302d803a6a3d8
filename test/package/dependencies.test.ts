import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { productionPackages, readDependencies, renderDependencies } from '../../config/dependencies.ts';
import { codes, readDoc, readTable } from '../docs/markdown.ts';
import { root } from '../helpers/compile.ts';
import { manifest } from './pack.ts';

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const page = readDoc('dependencies.md');
const dependencies = readDependencies(lock);
const direct = Object.keys(manifest.dependencies);
const permissive = [
  ...['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'],
  ...['0BSD', 'BlueOak-1.0.0', 'Unlicense', 'Python-2.0'],
];

t.test('every production dependency has a permissive license', async (t) => {
  for (const { name, version, license, folder } of dependencies) {
    t.ok(permissive.includes(license), `${name} ${version}: ${license}`);
    const file = join(root, folder, 'package.json');
    // A binary for another platform is in the lockfile alone.
    if (!existsSync(file)) continue;
    t.match(JSON.parse(readFileSync(file, 'utf8')), { version, license }, `${folder} says so itself`);
  }
  const [, after = ''] = page.split('## What they bring');
  t.same(codes(after.split('\n\n')[1] ?? ''), permissive, 'the page has the same list');
});

t.test('the page says what every dependency is for, and what it brings', async (t) => {
  const rows = readTable(page, 'package', 'license', 'what for');
  t.same(
    rows.map((row) => codes(row.package ?? '')[0]),
    direct.toSorted(),
  );
  for (const row of rows) {
    const [name = ''] = codes(row.package ?? '');
    const found = dependencies.find(({ folder }) => folder === `node_modules/${name}`);
    t.equal(row.license, found?.license, name);
    t.match(row['what for'], /\w{3}/, `${name} has a reason`);
  }
  t.equal(page, renderDependencies(page, lock), 'run npm run generate');
  t.same(
    dependencies.filter(({ comesWith }) => comesWith.length === 0),
    [],
    'nothing that nobody needs',
  );
});

t.test('what is installed for production is small and runs nothing', async (t) => {
  const packages = productionPackages(lock) as Record<string, { hasInstallScript?: boolean }>;
  t.same(
    Object.keys(packages).filter((folder) => folder !== '' && packages[folder]?.hasInstallScript),
    [],
    'no script at the installation',
  );
  const bytes = dependencies.reduce((sum, { folder }) => sum + sizeOf(join(root, folder)), 0);
  t.ok(bytes > 1_000_000, 'they are there');
  t.ok(bytes < 40_000_000, `${bytes} bytes`);
});

/** Bytes of the files of one package, without those of packages within. */
function sizeOf(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules')
    .map((entry) => join(folder, entry.name))
    .reduce((sum, path) => sum + (statSync(path).isDirectory() ? sizeOf(path) : statSync(path).size), 0);
}

t.test('who brings what, in a lockfile made up', async (t) => {
  const made = {
    packages: {
      '': { version: '1.0.0', dependencies: { one: '1', two: '1' } },
      'node_modules/one': { version: '1.0.0', license: 'MIT', dependencies: { shared: '2' } },
      'node_modules/one/node_modules/shared': {
        version: '2.0.0',
        license: 'ISC',
        dependencies: { deep: '1' },
      },
      'node_modules/two': { version: '1.0.0', license: 'MIT', dependencies: { shared: '1', absent: '1' } },
      'node_modules/shared': { version: '1.0.0', license: 'MIT', dependencies: { two: '1' } },
      'node_modules/deep': { version: '1.0.0' },
      'node_modules/tool': { version: '1.0.0', license: 'MIT', dev: true, dependencies: { deep: '1' } },
    },
  };
  t.same(
    readDependencies(made).map(({ name, version, license, comesWith }) => [
      name,
      version,
      license,
      comesWith,
    ]),
    [
      ['deep', '1.0.0', 'unknown', ['one']],
      ['one', '1.0.0', 'MIT', ['one']],
      ['shared', '1.0.0', 'MIT', ['two']],
      ['shared', '2.0.0', 'ISC', ['one']],
      ['two', '1.0.0', 'MIT', ['two']],
    ],
  );
  t.throws(() => renderDependencies('# A page', made), /no place/);
});
