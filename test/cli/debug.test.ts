import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { startSidecar } from './command.ts';

const changed = 'log level changed';

async function world(t: Test) {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const file = join(t.testdir({}), 'sidecar.yaml');
  const write = (level: string) =>
    writeFileSync(
      file,
      JSON.stringify({
        listen: { host: '127.0.0.1', port: 0 },
        admin: { host: '127.0.0.1', port: 0 },
        upstream: echo.url,
        issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
        log: { level },
        drain: { delay: 0, timeout: '1s' },
      }),
    );
  write('info');
  // It is warned about, which shows that the config is read.
  const env = { SIDECAR_NONSENSE: '1' };
  return { sidecar: startSidecar(t, ['run', '--config', file], { env }), write };
}

t.test('SIGUSR2 turns debug on and off, whatever the level is', async (t) => {
  const { sidecar, write } = await world(t);
  const { port, adminPort } = await sidecar.said('listening');
  const [url, admin] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
  const status = async () => ((await request(admin, { path: '/api/status' })).json() as { log: object }).log;
  await sidecar.said('started');
  t.same(await status(), { level: 'info', configured: 'info' });
  let changes = 0;
  const toggle = () => {
    sidecar.kill('SIGUSR2');
    changes++;
    return sidecar.saidAgain(changed, changes);
  };
  t.match(await toggle(), { level: 'info', from: 'info', to: 'debug' });

  let reloads = 0;
  for (const level of ['silent', 'error', 'warn']) {
    write(level);
    reloads++;
    await sidecar.saidAgain('config reloaded', reloads);
    t.same(await status(), { level: 'debug', configured: level }, 'a reload does not turn it off');
    t.match(await toggle(), { level: 'info', from: 'debug', to: level });
    t.same(await status(), { level, configured: level });
    await request(url, { path: `/quiet/${level}` });
    t.match(await toggle(), { level: 'info', from: level, to: 'debug' });
    await request(url, { path: `/loud/${level}` });
    await sidecar.lineWhere(({ path }) => path === `/loud/${level}`);
  }
  t.notOk(sidecar.lines.some(({ path }) => String(path).startsWith('/quiet')));
  sidecar.kill('SIGTERM');
  t.equal((await sidecar.ended).code, 0);
});

t.test('SIGUSR2 ends no process that begins or ends', async (t) => {
  const { sidecar } = await world(t);
  await sidecar.complained('warning');
  sidecar.kill('SIGUSR2');
  await sidecar.said(changed);
  await sidecar.said('started');
  sidecar.kill('SIGTERM');
  await sidecar.said('drained');
  sidecar.kill('SIGUSR2');
  t.equal((await sidecar.ended).code, 0);
});
