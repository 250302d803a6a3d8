import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { type Answer, request } from '../helpers/request.ts';
import { type CommandOptions, startSidecar } from './command.ts';

async function world(t: Test) {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const text = (more: object = {}) =>
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      upstream: echo.url,
      issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
      rules: [{ path: '/open', auth: 'none' }],
      ...more,
    });
  return { text, echo };
}

async function start(t: Test, file: string | null, options: CommandOptions = {}) {
  const sidecar = startSidecar(t, file === null ? ['run'] : ['run', '--config', file], options);
  const { port, adminPort } = await sidecar.said('listening');
  await sidecar.said('started');
  const [url, admin] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
  const get = (path: string): Promise<Answer> => request(url, { path });
  const config = async () =>
    (await request(admin, { path: '/api/status' })).json() as { config: Record<string, unknown> };
  return { sidecar, get, config };
}

t.test('SIGHUP, and a file that is written again', async (t) => {
  const { text } = await world(t);
  const file = join(t.testdir({ 'sidecar.yaml': text() }), 'sidecar.yaml');
  const { sidecar, get, config } = await start(t, file);
  sidecar.kill('SIGHUP');
  t.match(await sidecar.said('config reloaded'), { source: file });

  t.equal((await get('/x')).status, 401);
  writeFileSync(file, text({ unmatched: 'deny', listen: { host: '127.0.0.1', port: 1 } }));
  await sidecar.saidAgain('config reloaded', 2);
  t.equal((await get('/x')).status, 404);
  t.match(await sidecar.said('restart needed'), { settings: ['listen.port'] });

  writeFileSync(file, text({ unmatched: 'never' }));
  const { faults } = await sidecar.said('config not reloaded');
  t.match(faults, [/unmatched/]);
  t.equal((await get('/x')).status, 404, 'the config in force stays');
  t.match(await config(), {
    config: { source: file, lastReload: { result: 'failure', faults: [/unmatched/] } },
  });
  rmSync(file);
  await sidecar.saidAgain('config not reloaded', 2);
  writeFileSync(file, text());
  await sidecar.saidAgain('config reloaded', 3);
  t.equal((await get('/x')).status, 401, 'one that is gone is watched for');
  sidecar.kill('SIGTERM');
  t.equal((await sidecar.ended).code, 0);
});

t.test('a mounted ConfigMap and Secret, whose links are swapped', async (t) => {
  const { text, echo } = await world(t);
  const folder = t.testdir({ config: {}, secret: {} });
  /** As the kubelet does it: a new folder, and one link that is replaced as a whole. */
  const mount = (volume: string, version: string, files: Readonly<Record<string, string>>) => {
    const root = join(folder, volume);
    mkdirSync(join(root, `..${version}`));
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(root, `..${version}`, name), content);
    symlinkSync(`..${version}`, join(root, '..data_tmp'));
    renameSync(join(root, '..data_tmp'), join(root, '..data'));
  };
  const secret = join(folder, 'secret', 'basic');
  const upstream = { url: echo.url, setHeaders: { 'X-Basic': `\${file:${secret}}` } };
  mount('secret', '1', { basic: 'first' });
  mount('config', '1', { 'sidecar.yaml': text({ upstream }) });
  symlinkSync('..data/basic', secret);
  symlinkSync('..data/sidecar.yaml', join(folder, 'config', 'sidecar.yaml'));
  const { sidecar, get } = await start(t, join(folder, 'config', 'sidecar.yaml'));
  await get('/open');
  t.ok(echo.seen[0]?.rawHeaders.includes('first'));

  mount('config', '2', { 'sidecar.yaml': text({ upstream, unmatched: 'deny' }) });
  await sidecar.said('config reloaded');
  t.equal((await get('/x')).status, 404);

  mount('secret', '2', { basic: 'second' });
  await sidecar.saidAgain('config reloaded', 2);
  await get('/open');
  t.ok(echo.seen[1]?.rawHeaders.includes('second'));
});

t.test('a file that is gone is not made up for by another, or by the environment', async (t) => {
  const { text, echo } = await world(t);
  const cwd = t.testdir({ config: { 'sidecar.yaml': text({ unmatched: 'deny' }) } });
  const env = {
    SIDECAR_UPSTREAM: echo.url,
    SIDECAR_LISTEN__PORT: '0',
    SIDECAR_ADMIN__PORT: '0',
    SIDECAR_ISSUER: 'http://127.0.0.1:1',
    SIDECAR_AUDIENCE: 'api://orders',
  };
  const { sidecar, get } = await start(t, null, { cwd, env });
  rmSync(join(cwd, 'config', 'sidecar.yaml'));
  t.match(await sidecar.said('config not reloaded'), {
    faults: [/sidecar\.yaml: cannot be read \(ENOENT\)/],
  });
  t.equal((await get('/x')).status, 404, 'its rules stay in force');
  writeFileSync(join(cwd, 'config', 'sidecar.yaml'), text());
  await sidecar.said('config reloaded');
  t.equal((await get('/x')).status, 401);
});

t.test('SIGHUP ends no process that begins or ends', async (t) => {
  const { text } = await world(t);
  const file = join(
    t.testdir({ 'sidecar.yaml': text({ drain: { delay: 0, timeout: '1s' } }) }),
    'sidecar.yaml',
  );
  // A variable that sets nothing is warned about: the config is read, and nothing listens yet.
  const sidecar = startSidecar(t, ['run', '--config', file], { env: { SIDECAR_NONSENSE: '1' } });
  await sidecar.complained('warning');
  sidecar.kill('SIGHUP');
  await sidecar.said('started');
  sidecar.kill('SIGTERM');
  await sidecar.said('drained');
  sidecar.kill('SIGHUP');
  t.equal((await sidecar.ended).code, 0);
});

t.test('files that come after the config that names them', async (t) => {
  const { text, echo } = await world(t);
  const folder = t.testdir({ 'sidecar.yaml': text() });
  const file = join(folder, 'sidecar.yaml');
  const { sidecar, get } = await start(t, file);
  const [secret, tokenFile] = [join(folder, 'secret'), join(folder, 'token')];
  const upstream = { url: echo.url, setHeaders: { 'X-Secret': `\${file:${secret}}` } };
  writeFileSync(file, text({ upstream }));
  await sidecar.said('config not reloaded');
  writeFileSync(secret, 'there');
  await sidecar.said('config reloaded');
  writeFileSync(file, text({ admin: { host: '127.0.0.1', port: 0, tokenFile }, unmatched: 'deny' }));
  await sidecar.saidAgain('config not reloaded', 2);
  writeFileSync(tokenFile, 't'.repeat(32));
  await sidecar.saidAgain('config reloaded', 2);
  t.equal((await get('/x')).status, 404);
});

t.test('a changed file and SIGHUP are one reload, whether it succeeds or not', async (t) => {
  const { text } = await world(t);
  const file = join(t.testdir({ 'sidecar.yaml': text() }), 'sidecar.yaml');
  const { sidecar, get } = await start(t, file);
  writeFileSync(file, text({ unmatched: 'deny' }));
  sidecar.kill('SIGHUP');
  await sidecar.said('config reloaded');
  t.equal((await get('/x')).status, 404);
  writeFileSync(file, text({ unmatched: 'never' }));
  sidecar.kill('SIGHUP');
  await sidecar.said('config not reloaded');
  // The watcher looks once a second. Nothing tells that nothing comes.
  await wait(2500);
  const said = (msg: string) => sidecar.lines.filter((line) => line.msg === msg).length;
  t.equal(said('config reloaded'), 1);
  t.equal(said('config not reloaded'), 1);
  writeFileSync(file, text());
  await sidecar.saidAgain('config reloaded', 2);
  t.equal((await get('/x')).status, 401, 'a change after that is seen as ever');
});
