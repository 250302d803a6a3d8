import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import t from 'tap';
import { build, root } from '../helpers/compile.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { findPeer, freePort } from './peer.ts';

const bwrap = findPeer('bwrap', 'bubblewrap');
const run = promisify(execFile);

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
      ...['--cap-drop', 'ALL', '--clearenv', '--proc', '/proc', '--dev', '/dev'],
      ...libraries.flatMap((each) => ['--ro-bind', each, each]),
      ...['--ro-bind', process.execPath, '/node', '--ro-bind', image, '/app', '--remount-ro', '/'],
      ...Object.entries(settings).flatMap(([name, value]) => ['--setenv', name, value]),
      '/node',
    ];
    const program = bwrap.path as string;
    const probe =
      "const fs = require('fs'); let n = 0; for (const f of ['/x', '/app/x', '/lib/x']) { try { fs.writeFileSync(f, '') } catch { n++ } } console.log(n, process.getuid())";
    t.equal(
      (await run(program, [...sandbox, '--eval', probe])).stdout,
      '3 65532\n',
      'nothing can be written',
    );

    const child = spawn(program, [...sandbox, '/app/dist/cli.js', 'run'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout });
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
    await run(program, [...sandbox, '/app/dist/cli.js', 'health']);
    t.pass('its health check is content');
    // bwrap waits for its child, which has the signal from its process group in a container.
    const [inner = ''] = (await run('pgrep', ['-P', String(child.pid)])).stdout.split('\n');
    const [node = inner] = (await run('pgrep', ['-P', inner]).catch(() => ({ stdout: inner }))).stdout.split(
      '\n',
    );
    process.kill(Number(node), 'SIGTERM');
    const [code] = await withDeadline(once(child, 'exit'), 'the end');
    t.equal(code, 0, 'it drains on SIGTERM');
  },
);
