import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import t from 'tap';
import { build, root } from '../helpers/compile.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { findPeer, freePort, type Peer } from './peer.ts';

const bwrap = findSandbox();
const run = promisify(execFile);

/** Says who it is, and where it could write. */
const probe = `
  const { writeFileSync } = require('node:fs');
  const folders = ['/', '/app', '/app/dist', '/tmp', '/dev', '/dev/shm', '/proc', '/lib', '/usr/lib'];
  const written = folders.filter((folder) => {
    try {
      writeFileSync(folder + '/x', '');
      return true;
    } catch {
      return false;
    }
  });
  const seen = { pid: process.pid, uid: process.getuid(), gid: process.getgid(), written };
  process.stdout.write(JSON.stringify(seen));
`;

/** bubblewrap, where the kernel lets it make a sandbox. */
function findSandbox(): Peer {
  const peer = findPeer('bwrap', 'bubblewrap');
  if (peer.path === null) return peer;
  const { status, stderr } = spawnSync(peer.path, ['--unshare-all', '--ro-bind', '/', '/', 'true'], {
    encoding: 'utf8',
  });
  return status === 0 ? peer : { ...peer, skip: `user namespaces are off here: ${stderr.trim()}` };
}

t.test(
  'the image’s folder, as nobody on a read-only root',
  { skip: bwrap.skip, timeout: 120_000 },
  async (t) => {
    const folder = t.testdir({ dist: {}, image: {} });
    const [dist, image] = [join(folder, 'dist'), join(folder, 'image')];
    await build(dist);
    await run(process.execPath, [join(root, 'config/assemble.ts'), image, dist], { cwd: root });
    const [issuer, echo, port, adminPort] = await Promise.all([
      startFakeIssuer(t),
      startEcho(t),
      freePort(),
      freePort(),
    ]);
    const settings = {
      SIDECAR_UPSTREAM: echo.url,
      SIDECAR_ISSUER: issuer.issuer,
      SIDECAR_AUDIENCE: issuer.audience,
      SIDECAR_LISTEN__PORT: String(port),
      SIDECAR_ADMIN__PORT: String(adminPort),
      SIDECAR_DRAIN__DELAY: '0',
    };
    const libraries = ['/lib', '/lib64', '/usr/lib'].filter((each) => existsSync(each));
    const sandbox = [
      ...['--unshare-all', '--share-net', '--die-with-parent', '--uid', '65532', '--gid', '65532'],
      // As in a container, the program is process 1: no signal does anything that it does not handle.
      ...['--as-pid-1', '--cap-drop', 'ALL', '--clearenv', '--proc', '/proc', '--dev', '/dev'],
      ...libraries.flatMap((each) => ['--ro-bind', each, each]),
      ...['--ro-bind', process.execPath, '/node', '--ro-bind', image, '/app', '--chdir', '/app'],
      ...['--remount-ro', '/dev', '--remount-ro', '/'],
      ...Object.entries(settings).flatMap(([name, value]) => ['--setenv', name, value]),
    ];
    const program = bwrap.path as string;
    const asked = await run(program, [...sandbox, '/node', '--eval', probe]);
    t.same(
      JSON.parse(asked.stdout),
      { pid: 1, uid: 65532, gid: 65532, written: [] },
      'nothing can be written',
    );

    const child = spawn(program, ['--info-fd', '3', ...sandbox, '/node', '/app/dist/cli.js', 'run'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const info = text(child.stdio[3] as Readable);
    const lines = createInterface({ input: child.stdout as Readable });
    await withDeadline(
      new Promise<void>((done) => lines.on('line', (line) => line.includes('"started"') && done())),
      'the start',
    );
    const url = `http://127.0.0.1:${port}`;
    t.equal((await request(url)).status, 401);
    const headers = { authorization: `Bearer ${issuer.mint({ claims: { sub: 'alice' } })}` };
    t.equal((await request(url, { path: '/orders', headers })).status, 200);
    t.equal(echo.seen.length, 1);
    t.ok(echo.seen[0]?.rawHeaders.includes('alice'));
    await run(program, [...sandbox, '/node', '/app/dist/cli.js', 'health']);
    t.pass('its health check is content');
    process.kill(JSON.parse(await info)['child-pid'], 'SIGTERM');
    const [code] = await withDeadline(once(child, 'exit'), 'the end');
    t.equal(code, 0, 'it drains on SIGTERM');
    await t.rejects(run(program, [...sandbox, '/node', '/app/dist/cli.js', 'health']), { code: 1 });
  },
);
