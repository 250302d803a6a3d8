import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { publint } from 'publint';
import t from 'tap';
import { environment, run, startSidecar } from '../cli/command.ts';
import { root } from '../helpers/compile.ts';
import { startEcho } from '../helpers/echo.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { manifest, pack } from './pack.ts';

const packed = await pack(t);
const read = (file: string) => readFileSync(join(packed.folder, file), 'utf8');

t.test('the package holds what runs, its types and nothing else', async (t) => {
  const allowed = [
    /^(package\.json|LICENSE|README\.md|CHANGELOG\.md)$/,
    /^config\/(schema\.json|full\.yaml|minimal\.yaml)$/,
    /^dist\/([\w-]+\/)*[\w-]+\.(js|d\.ts)$/,
  ];
  t.same(
    packed.files.filter((file) => !allowed.some((pattern) => pattern.test(file))),
    [],
    'no source, test, map, document or secret',
  );
  const modules = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.d)\.ts$/.test(file) && !file.startsWith('demo/'))
    .flatMap((file) => ['.js', '.d.ts'].map((end) => `dist/${file.replace(/\.ts$/, end)}`));
  t.same(
    packed.files.filter((file) => file.startsWith('dist/')),
    modules.toSorted(),
    'all of the program but its demo',
  );
  t.ok(packed.size < 400_000, `${packed.size} bytes`);
  t.ok(packed.unpackedSize < 1_300_000, `${packed.unpackedSize} bytes unpacked`);
  const pointing = (text: string) => packed.files.filter((file) => read(file).includes(text));
  t.same(pointing('sourceMappingURL'), [], 'nothing points at sources');
  t.same(pointing(root), [], 'nothing says where it was built');
});

t.test('the package runs nothing when it is installed', async (t) => {
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare', 'preuninstall', 'postuninstall'])
    t.notOk(Object.hasOwn(manifest.scripts, script), script);
  t.notOk(packed.files.includes('binding.gyp'), 'npm would compile it');
});

t.test('the package declares what it imports, and imports what it declares', async (t) => {
  const pattern = /(?:\bfrom |\bimport\(|^import )['"]([^.'"][^'"]*)['"]/gm;
  const imported = new Set(
    packed.files
      .filter((file) => file.startsWith('dist/'))
      .flatMap((file) => [...read(file).matchAll(pattern)].map(([, name = '']) => name))
      .filter((name) => !name.startsWith('node:'))
      .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')),
  );
  t.same([...imported].toSorted(), Object.keys(manifest.dependencies).toSorted());
  t.notOk(
    [...imported].some((name) => builtinModules.includes(name)),
    'modules of Node are called node:',
  );
});

t.test('publint finds nothing', async (t) => {
  const { messages } = await publint({ pkgDir: packed.folder, strict: true, pack: false });
  t.same(messages, []);
});

t.test('the program of the package', async (t) => {
  const { cli, project: cwd } = packed;
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const env = environment(issuer, echo);
  t.match(await run(t, ['--version'], { cli, cwd }), {
    code: 0,
    stdout: `jwks-sidecar ${manifest.version}\n`,
    stderr: '',
  });
  t.match(await run(t, ['check'], { cli, cwd, env }), { code: 0, stdout: /: valid, \d+ notes\n$/ });
  t.match(
    await run(t, ['check', '--config', join(packed.folder, 'config/minimal.yaml')], { cli, cwd }),
    { code: 0 },
    'the minimal config that comes with it',
  );
  t.equal((await run(t, ['schema'], { cli, cwd })).stdout, read('config/schema.json'));
  t.match(
    await run(t, ['demo'], { cli, cwd }),
    { code: 2, stdout: '', stderr: /^jwks-sidecar: The demo runs from a checkout: .*\n$/ },
    'the demo says where it is',
  );

  const sidecar = startSidecar(t, ['run'], { cli, cwd, env });
  const { port, adminPort } = await sidecar.said('listening');
  await sidecar.said('started');
  const [url, admin] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
  t.match((await request(url)).json(), { status: 401, code: 'token_missing' });
  t.equal(echo.seen.length, 0);
  const authorization = `Bearer ${issuer.mint({ claims: { sub: 'alice' } })}`;
  t.equal((await request(url, { headers: { authorization } })).status, 200);
  const [{ rawHeaders = [] } = {}] = echo.seen;
  t.equal(rawHeaders[rawHeaders.indexOf('X-Verified-Subject') + 1], 'alice');
  t.match((await request(admin, { path: '/metrics' })).text, `version="${manifest.version}"`);
  sidecar.kill('SIGTERM');
  t.equal((await sidecar.ended).code, 0);
});
