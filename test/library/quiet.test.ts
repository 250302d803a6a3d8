import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { request } from '../helpers/request.ts';
import { create, loopback, world } from './scene.ts';

const index = join(import.meta.dirname, '../../src/index.ts');
const { PATH = '' } = process.env;

/** A life with traffic, a refused reload and a drain; it tells its parent what it found, and does not exit. */
const program = `
import { createGateway } from ${JSON.stringify(index)};
const before = JSON.stringify(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
const input = JSON.parse(process.argv[1]);
const gateway = createGateway(input);
const { port } = await gateway.start();
const { status } = await fetch('http://127.0.0.1:' + port, { headers: { authorization: 'Bearer x' } });
await gateway.reload({ ...input, unmatched: 'deny' });
const refused = await gateway.reload({}).catch(({ code }) => code);
const after = JSON.stringify(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
await gateway.drain();
process.send({ status, refused, listens: after === before ? 'as before' : after });
process.disconnect();
`;

t.test(
  'as a library it prints nothing, listens to no signal, reads no environment and ends by itself',
  async (t) => {
    const config = {
      ...loopback,
      upstream: 'http://127.0.0.1:1',
      issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
      log: { level: 'trace' },
      drain: { delay: 0 },
    };
    const misleading = { SIDECAR_MODE: 'report', SIDECAR_LISTEN__PORT: 'none', HTTPS_PROXY: 'nonsense' };
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
    const child = spawn(process.execPath, [...args, JSON.stringify(config)], {
      env: { PATH, ...misleading },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const whole = Promise.all([
      once(child, 'message'),
      once(child, 'close'),
      text(child.stdout as NonNullable<typeof child.stdout>),
      text(child.stderr as NonNullable<typeof child.stderr>),
    ]);
    const [[told], [code], stdout, stderr] = await withDeadline(whole, 'its end');
    t.same(told, { status: 401, refused: 'config_invalid', listens: 'as before' });
    t.same({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
  },
);

t.test('its log goes where it is told to, and a log that fails costs lines alone', async (t) => {
  const echo = await startEcho(t);
  const { issuer, config } = await world(t, echo.url);
  const lines: Record<string, unknown>[] = [];
  const log = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()));
      done();
    },
  });
  const failing = {
    write() {
      throw new Error('disk full');
    },
  };
  const headers = { authorization: `Bearer ${issuer.mint({ claims: { sub: 'alice' } })}` };
  for (const destination of [log, failing]) {
    const gateway = create(t, config, { log: destination });
    const { port } = await gateway.start();
    t.equal((await request(`http://127.0.0.1:${port}`, { headers })).status, 200);
    t.equal((await request(`http://127.0.0.1:${port}`)).status, 401);
    t.same(await gateway.drain(), { cut: 0 });
  }
  t.match(
    lines.map(({ msg }) => msg),
    ['listening', 'keys changed', 'started', 'request', 'request', 'draining', 'closing', 'drained'],
  );
  t.match(lines[3], { decision: 'allow', reason: 'ok', status: 200 });
  t.match(lines[4], { decision: 'deny', reason: 'token_missing', status: 401 });
});

t.test('the config that it is given stays as it was', async (t) => {
  const { config } = await world(t, 'http://127.0.0.1:1');
  const rules = [{ path: '/a/*', scopes: ['a'], claims: { roles: { oneOf: ['b'] } } }];
  const input = { ...config, rules, unmatched: 'deny' as const };
  const before = structuredClone(input);
  const gateway = create(t, input);
  await gateway.start();
  await gateway.reload(input);
  t.strictSame(input, before);
  for (const part of [input, input.rules, input.rules[0], input.rules[0]?.claims.roles.oneOf, input.issuers])
    t.notOk(Object.isFrozen(part), 'nor is it frozen');
});
