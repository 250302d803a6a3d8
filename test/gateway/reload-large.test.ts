import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { loadAside } from '../../src/config/load-aside.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createServer } from '../../src/server.ts';
import { startEcho } from '../helpers/echo.ts';
import { request } from '../helpers/request.ts';

const count = 2500;

t.test('requests are answered while a config of thousands of rules is reloaded', async (t) => {
  const echo = await startEcho(t);
  const file = join(t.testdir({}), 'sidecar.yaml');
  const write = (version: number) => {
    const rules = Array.from({ length: count }, (_, index) => {
      return `  - { path: "/s${index}/:id/*", methods: [GET], scopes: [s${index}.${version}] }`;
    });
    const head = [
      `upstream: ${echo.url}`,
      'listen: { host: 127.0.0.1, port: 0 }',
      'admin: { host: 127.0.0.1, port: 0 }',
      'issuers: [{ issuer: https://idp.example.com, audience: a, discovery: false, jwks: { keys: [] } }]',
      'unmatched: deny',
      'rules:',
      `  - { path: /v${version}, auth: none }`,
    ];
    writeFileSync(file, [...head, ...rules, ''].join('\n'));
  };
  write(1);
  const options = { file, env: {}, cwd: '/' };
  const logger = createLogger({ level: 'fatal' });
  const server = createServer(loadConfig(options).config, { logger });
  t.teardown(() => server.close());
  const { port } = await server.start();
  const statusOf = async (path: string) => (await request(`http://127.0.0.1:${port}`, { path })).status;

  write(2);
  let phase: 'loading' | 'compiling' | 'ended' = 'loading';
  const answers = { loading: 0, compiling: 0 };
  const load = async () => {
    const loaded = await loadAside(options);
    phase = 'compiling';
    return loaded;
  };
  const reloaded = server.reload(load).finally(() => {
    phase = 'ended';
  });
  const now = () => phase;
  for (let during = now(); during !== 'ended'; during = now()) {
    const status = await statusOf('/v1');
    // One that arrives later is decided by the other config.
    if (now() !== during) continue;
    t.equal(status, 200, 'by the config in force');
    answers[during]++;
  }
  await reloaded;
  t.ok(answers.loading >= 10, `${answers.loading} requests were answered while it was read and checked`);
  t.ok(answers.compiling >= 3, `${answers.compiling} while it was compiled`);
  t.equal(await statusOf('/v1'), 404, 'and then the other one is in force');
  t.equal(await statusOf('/v2'), 200);
});
