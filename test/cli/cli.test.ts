import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';

const cli = join(import.meta.dirname, '../../src/cli.ts');
const { PATH = '' } = process.env;

function start(args: readonly string[], env: Record<string, string> = {}, cwd = '/') {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, ...args], {
    env: { PATH, ...env },
    cwd,
  });
  const ended = Promise.all([once(child, 'close'), text(child.stderr)]).then(([[code], stderr]) => ({
    code: code as number,
    stderr,
  }));
  return { child, ended };
}

async function run(args: readonly string[], env?: Record<string, string>, cwd?: string) {
  const { child, ended } = start(args, env, cwd);
  const [stdout, { code, stderr }] = await Promise.all([text(child.stdout), ended]);
  return { stdout, code, stderr };
}

t.test('help and version', async (t) => {
  const { stdout, code } = await run(['--help']);
  t.equal(code, 0);
  for (const command of ['run', 'check', 'schema', 'demo']) {
    t.match(stdout, command);
    t.match((await run([command, '--help'])).stdout, `usage: jwks-sidecar ${command}`);
  }
  t.match((await run(['--version'])).stdout, /^jwks-sidecar \d+\.\d+\.\d+\n$/);
});

t.test('bad usage', async (t) => {
  for (const args of [
    ['nonsense'],
    ['run', '--nonsense'],
    ['run', 'more'],
    ['schema', '--online'],
    ['check', '--config'],
  ]) {
    const { code, stderr, stdout } = await run(args);
    t.equal(code, 2, args.join(' '));
    t.match(stderr, /^jwks-sidecar: .*\nTry "jwks-sidecar --help"\.\n$/);
    t.equal(stdout, '');
  }
});

t.test('schema', async (t) => {
  t.match(JSON.parse((await run(['schema'])).stdout), { type: 'object', required: ['upstream', 'issuers'] });
});

t.test('check', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const cwd = t.testdir({
    'good.yaml': `upstream: ${echo.url}\nissuers:\n  - issuer: ${issuer.issuer}\n    audience: a\n`,
    'bad.yaml': `upstream: ${echo.url}\nissuers: []\nlisten:\n  prot: 1\n`,
    'dead.yaml': 'upstream: http://127.0.0.1:1\nissuers:\n  - issuer: http://127.0.0.1:2\n    audience: a\n',
  });
  const good = await run(['check', '--config', 'good.yaml'], {}, cwd);
  t.match(good, { code: 0, stdout: 'good.yaml: valid\n' });
  t.match(good.stderr, /^warning: good\.yaml:\d+:\d+ /m);
  const bad = await run(['check', '--config', 'bad.yaml'], {}, cwd);
  t.equal(bad.code, 2);
  t.match(bad.stderr, 'error: bad.yaml:2:10 issuers: must not be empty');
  t.match(bad.stderr, 'error: bad.yaml:4:3 listen.prot: unknown key — did you mean "port"?');
  const online = await run(['check', '--online', '--config', 'good.yaml'], {}, cwd);
  t.match(online, {
    code: 0,
    stdout: 'ok: issuers[0]: 1 usable key\nok: upstream: accepts connections\ngood.yaml: valid\n',
  });
  const dead = await run(['check', '--online', '--config', 'dead.yaml'], {}, cwd);
  t.equal(dead.code, 2);
  t.match(dead.stdout, /^failed: issuers\[0\]: /m);
  t.match(dead.stdout, 'failed: upstream: no connection: ECONNREFUSED');
  t.match(await run(['check'], {}, cwd), { code: 2, stderr: /there is no config/ });
});

t.test('run', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const env = {
    SIDECAR_UPSTREAM: echo.url,
    SIDECAR_ISSUER: issuer.issuer,
    SIDECAR_AUDIENCE: issuer.audience,
    SIDECAR_LISTEN__PORT: '0',
    SIDECAR_ADMIN__PORT: '0',
    SIDECAR_DRAIN__DELAY: '0',
  };
  const { child, ended } = start([], env);
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const events = new Map<string, { port: number }>();
  for await (const line of lines) {
    const event = JSON.parse(line);
    events.set(event.msg, event);
    if (event.msg === 'started') break;
  }
  const port = events.get('listening')?.port;
  child.stdout.resume();
  const answer = await request(`http://127.0.0.1:${port}`, {
    headers: { authorization: `Bearer ${issuer.mint()}` },
  });
  t.equal(answer.status, 200);
  child.kill('SIGTERM');
  t.equal((await ended).code, 0, 'a clean drain');

  const stubborn = start([], { ...env, SIDECAR_DRAIN__DELAY: '10s' });
  t.teardown(() => stubborn.child.kill('SIGKILL'));
  const more = createInterface({ input: stubborn.child.stdout });
  const draining = new Promise((resolve) =>
    more.on('line', (line) => line.includes('"draining"') && resolve(line)),
  );
  await once(more, 'line');
  stubborn.child.kill('SIGINT');
  await draining;
  stubborn.child.kill('SIGINT');
  t.equal((await stubborn.ended).code, 1, 'a second signal ends it at once');
});

t.test('run that cannot', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const env = {
    SIDECAR_UPSTREAM: 'http://127.0.0.1:1',
    SIDECAR_ISSUER: 'http://127.0.0.1:2',
    SIDECAR_AUDIENCE: 'a',
    SIDECAR_LISTEN__HOST: '127.0.0.1',
  };
  const { code, stderr } = await run([], {
    ...env,
    SIDECAR_LISTEN__PORT: String((taken.address() as AddressInfo).port),
  });
  t.equal(code, 1);
  t.match(stderr, /EADDRINUSE/);
  t.notMatch(stderr, /\n {4}at /, 'no stack');
  t.equal((await run([], { SIDECAR_UPSTREAM: 'x' })).code, 2, 'a bad config');
});
