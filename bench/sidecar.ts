import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The built program in a process of its own, so that what it takes can be told from what the load takes. */
export interface Sidecar {
  readonly url: string;
  readonly admin: string;
  /** CPU time so far, user and system, in microseconds. */
  cpu(): number;
  /** Resident memory in MiB. */
  rss(): number;
  /** Writes another config into its file, which it watches. */
  reload(config: object): void;
  stop(): Promise<number>;
}

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const ticksPerSecond = 100;

/** Starts it on free ports of 127.0.0.1 with its log thrown away. */
export async function startSidecar(config: object): Promise<Sidecar> {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-'));
  const file = join(folder, 'sidecar.json');
  const listen = { host: '127.0.0.1', port: 0 };
  const write = (config: object) =>
    writeFileSync(
      file,
      JSON.stringify({ listen, admin: listen, drain: { delay: 0, timeout: 2 }, ...config }),
    );
  write(config);
  const child: ChildProcess = spawn(process.execPath, [cli, 'run', '--config', file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const ports = await firstLine(child);
  child.stdout?.resume();
  const admin = `http://127.0.0.1:${ports.adminPort}`;
  while ((await fetch(`${admin}/readyz`)).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    url: `http://127.0.0.1:${ports.port}`,
    admin,
    cpu() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
    },
    rss() {
      const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      return Math.round(Number(kib) / 1024);
    },
    reload: write,
    async stop() {
      child.kill('SIGTERM');
      const [code] = await exited;
      rmSync(folder, { recursive: true });
      return code as number;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<{ port: number; adminPort: number }> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const event = JSON.parse(line);
    if (event.msg === 'listening') return event;
  }
  throw new Error('the sidecar ended before it listened; run npm run build first');
}

/** An upstream that answers every request with the same small body. */
export async function startUpstream(body = 'x'.repeat(1024)) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-length': body.length, 'content-type': 'text/plain' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.closeAllConnections(),
  };
}
