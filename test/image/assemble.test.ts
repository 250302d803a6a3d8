import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { build, root } from '../helpers/compile.ts';

const run = promisify(execFile);
const node = process.execPath;
const { PATH = '' } = process.env;

/** Every file and folder with its mode, time and content. */
function digest(folder: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  for (const path of entries) {
    const { mode, mtimeMs } = statSync(path);
    hash.update(`${relative(folder, path)} ${mode.toString(8)} ${mtimeMs}\n`);
    if (statSync(path).isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

t.test('the folder that the image ships', async (t) => {
  // Not within the checkout, whose own packages would be found from there.
  const folder = mkdtempSync(join(tmpdir(), 'jwks-sidecar-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [dist, one, two] = [join(folder, 'dist'), join(folder, 'one'), join(folder, 'two')];
  await build(dist);
  const assemble = (target: string, env = {}) =>
    run(node, [join(root, 'config/assemble.ts'), target, dist], {
      cwd: root,
      env: { PATH, ...env },
    });
  await assemble(one, { SOURCE_DATE_EPOCH: '1700000000' });
  await assemble(two, { SOURCE_DATE_EPOCH: '1700000000' });
  t.equal(digest(one), digest(two), 'is the same every time');
  t.equal(statSync(join(one, 'dist/cli.js')).mtimeMs, 1_700_000_000_000);

  t.same(readdirSync(one).toSorted(), ['LICENSE', 'dist', 'node_modules', 'package.json']);
  const files = readdirSync(one, { recursive: true, encoding: 'utf8' });
  t.same(
    files.filter(
      (file) => !/\.([cm]?js|json)$|\/licen[cs]e(\.\w+)?$/i.test(file) && statSync(join(one, file)).isFile(),
    ),
    ['LICENSE'],
    'holds no sources, types, maps or prose',
  );
  for (const folder of files.filter((file) => existsSync(join(one, file, 'package.json')))) {
    const licenses = readdirSync(join(root, folder)).filter((file) =>
      /^(licen[cs]e|copying|notice)/i.test(file),
    );
    for (const file of licenses) t.ok(files.includes(join(folder, file)), `${folder} keeps its ${file}`);
  }
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies))
    t.ok(files.includes(`node_modules/${name}/package.json`), name);
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const forDevelopment = Object.keys(packages).filter((name) => packages[name].dev);
  t.ok(forDevelopment.includes('node_modules/node'), 'a Node binary among them');
  t.same(
    forDevelopment.filter((name) => files.includes(`${name}/package.json`)),
    [],
    'holds nothing that is for development',
  );
  const size = files.reduce((sum, file) => sum + statSync(join(one, file)).size, 0);
  t.ok(size < 40_000_000, `${size} bytes`);
  t.same(
    files.filter((file) => (statSync(join(one, file)).mode & 0o022) !== 0),
    [],
    'nothing is anybody’s to write',
  );

  const cli = join(one, 'dist/cli.js');
  const env = {
    SIDECAR_UPSTREAM: 'http://127.0.0.1:1',
    SIDECAR_ISSUER: 'https://a.example',
    SIDECAR_AUDIENCE: 'a',
  };
  t.match((await run(node, [cli, '--version'], { cwd: '/', env })).stdout, /^jwks-sidecar \d/);
  t.match((await run(node, [cli, 'check'], { cwd: '/', env })).stdout, 'valid');
  // Every module is loaded that does no work of its own then: nothing that it needs is missing.
  const modules = files.filter(
    (file) =>
      /^dist\/.*\.js$/.test(file) && !/^dist\/(cli|cli\/.*|config\/load-worker|demo\/.*)\.js$/.test(file),
  );
  const load = modules.map((file) => `await import(${JSON.stringify(join(one, file))});`).join('\n');
  await run(node, ['--input-type=module', '--eval', `${load}\nprocess.exit();`], { cwd: '/', env: {} });
  t.pass(`${modules.length} modules`);
  const demo = await run(node, [cli, 'demo'], { cwd: '/', env: {} }).catch((error) => error);
  t.match(demo, { code: 2, stdout: /oidc-provider/ }, 'the demo says what it lacks');
});

t.test('what cannot be assembled', async (t) => {
  const checkout = t.testdir({
    config: {},
    dist: { 'cli.js': '' },
    precious: { file: 'kept' },
    'package-lock.json': JSON.stringify({
      packages: {
        '': {},
        'node_modules/one': { version: '1.2.3' },
        'node_modules/tool': { version: '1.0.0', dev: true },
        'node_modules/elsewhere': { version: '1.0.0', optional: true },
      },
    }),
    'package.json': '{}',
    LICENSE: '',
  });
  copyFileSync(join(root, 'config/assemble.ts'), join(checkout, 'config/assemble.ts'));
  const assemble = (target: string, env = {}) =>
    run(node, [join(checkout, 'config/assemble.ts'), join(checkout, target)], {
      env: { PATH, ...env },
    });
  const install = (version: string) => {
    mkdirSync(join(checkout, 'node_modules/one'), { recursive: true });
    writeFileSync(join(checkout, 'node_modules/one/package.json'), JSON.stringify({ version }));
  };

  await t.rejects(assemble('image'), { message: /node_modules\/one is missing, the lockfile says 1\.2\.3/ });
  install('1.2.4');
  await t.rejects(assemble('image'), { message: /node_modules\/one is 1\.2\.4/ });
  t.notOk(existsSync(join(checkout, 'image')), 'no half of an image');
  install('1.2.3');
  await t.rejects(assemble('precious'), { message: /precious is not empty/ });
  t.same(readdirSync(join(checkout, 'precious')), ['file'], 'a folder of somebody else stays');
  for (const epoch of ['yesterday', '-1', '1.5'])
    await t.rejects(assemble('image', { SOURCE_DATE_EPOCH: epoch }), { message: /SOURCE_DATE_EPOCH/ }, epoch);
  await assemble('image');
  t.same(readdirSync(join(checkout, 'image/node_modules')), ['one'], 'with everything in its place it is');
});
