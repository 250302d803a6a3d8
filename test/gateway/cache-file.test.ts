import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { completeConfig } from '../../src/config/complete.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, type Responder, startFakeIssuer } from '../helpers/issuer.ts';
import { assertRefused } from './scene.ts';

const down: Responder = (_request, response) => response.writeHead(503).end();
const trust = ({ issuer, audience }: FakeIssuer, cacheFile: string) => ({
  issuer,
  audience,
  keys: { cacheFile },
});

/** A cache file as a gateway leaves it behind, and its issuer, which is down from then on. */
async function leaveBehind(t: Test) {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const folder = t.testdir({});
  const file = join(folder, 'keys.json');
  const config = { upstream: echo.url, issuers: [trust(issuer, file)], log: { level: 'debug' as const } };
  const gateway = await startGateway(t, config);
  await gateway.lineWhere(({ msg }) => msg === 'keys.cacheFile written');
  await gateway.server.close();
  issuer.respond(down);
  return { issuer, folder, file, config };
}

t.test('after a restart during an outage the file serves, if nobody else can have written it', async (t) => {
  const { issuer, folder, file, config } = await leaveBehind(t);
  const whole = join(folder, 'whole.json');
  copyFileSync(file, whole);
  const good = await startGateway(t, config);
  t.equal((await good.get('/', issuer.mint())).status, 200);
  await good.lineWhere(({ msg }) => msg === 'keys.cacheFile serves');

  const places: Readonly<Record<string, { put: (path: string) => void; why: RegExp }>> = {
    'writable by its group': { put: (path) => place(path, 0o660), why: /group or others/ },
    'writable by others': { put: (path) => place(path, 0o602), why: /group or others/ },
    'a link to a good one': { put: (path) => symlinkSync(whole, path), why: /symbolic link/ },
    'a link in the folder of a device': {
      put: (path) => symlinkSync('/dev/zero', path),
      why: /symbolic link/,
    },
    'a pipe': { put: (path) => execFileSync('mkfifo', [path]), why: /not a regular file/ },
    'a folder': { put: (path) => mkdirSync(path), why: /not a regular file/ },
  };
  function place(path: string, mode: number): void {
    copyFileSync(whole, path);
    chmodSync(path, mode);
  }
  for (const [name, { put, why }] of Object.entries(places)) {
    const path = join(folder, name.replaceAll(' ', '-'));
    put(path);
    const gateway = await startGateway(t, { ...config, issuers: [trust(issuer, path)] });
    const line = await gateway.lineWhere(({ msg }) => msg === 'keys.cacheFile not used');
    t.match(line, { level: 'warn', action: 'read', error: { code: 'cache_invalid', message: why } }, name);
    assertRefused(t, name, await gateway.get('/', issuer.mint()), 'keys_unavailable');
  }
});

t.test(
  'a link that somebody put where the file goes is replaced, and nothing is written through it',
  async (t) => {
    const { issuer, folder, file, config } = await leaveBehind(t);
    const victim = join(folder, 'victim');
    renameSync(file, victim);
    const before = readFileSync(victim, 'utf8');
    symlinkSync(victim, file);
    issuer.respond();
    await issuer.rotate({ keepOld: false });
    const gateway = await startGateway(t, config);
    await gateway.lineWhere(({ msg }) => msg === 'keys.cacheFile written');
    t.ok(lstatSync(file).isFile());
    t.equal(lstatSync(file).mode & 0o777, 0o600);
    t.equal(readFileSync(victim, 'utf8'), before);
  },
);

t.test('a folder where others may write is warned about', async (t) => {
  const folder = t.testdir({ own: {} });
  const path = join(folder, 'own');
  const warned = (more: object = {}) =>
    completeConfig({
      upstream: 'http://127.0.0.1:1',
      issuers: [
        {
          issuer: 'https://a.example',
          audience: 'a',
          maxLifetime: '1h',
          keys: { cacheFile: join(path, 'k') },
          ...more,
        },
      ],
    })
      .warnings.filter(({ path }) => path === 'issuers[0].keys.cacheFile')
      .map(({ message }) => message);
  for (const mode of [0o777, 0o1777, 0o770, 0o775, 0o2775]) {
    chmodSync(path, mode);
    t.match(warned(), [/^is in a folder where others may write/], mode.toString(8));
  }
  for (const mode of [0o700, 0o755, 0o750]) {
    chmodSync(path, mode);
    t.same(warned(), [], mode.toString(8));
  }
  chmodSync(path, 0o777);
  t.match(warned({ jwks: { keys: [] } }), [/is not used/], 'said once');
});
