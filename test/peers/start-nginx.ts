import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { accepting } from './peer.ts';

export interface NginxOptions {
  /** The program. */
  readonly path: string;
  /** A folder that it may write into. */
  readonly root: string;
  /** Where it will listen, on 127.0.0.1. */
  readonly port: number;
  /** Of the block `http`, the server included. */
  readonly http: string;
}

/** Starts nginx in the foreground for as long as a test runs; resolves once it listens. */
export async function startNginx(t: Test, { path, root, port, http }: NginxOptions): Promise<void> {
  const tmp = join(root, 'tmp');
  mkdirSync(tmp, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${tmp};`,
  );
  const config = join(root, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${root}/nginx.pid; error_log ${root}/error.log;
    events {}
    http { ${temporary.join(' ')} ${http} }`,
  );
  const child = spawn(path, ['-p', root, '-c', config], { stdio: 'ignore' });
  t.teardown(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  });
  await accepting(port);
}
