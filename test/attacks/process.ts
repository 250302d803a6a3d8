import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type LogLine, startSidecar } from '../cli/command.ts';
import { request } from '../helpers/request.ts';

/** The gateway in a process of its own, known by its ports and its standard output alone. */
export interface GatewayProcess {
  readonly url: string;
  readonly admin: string;
  /** The line of a request, once it is logged. */
  line(requestId: string | undefined): Promise<LogLine>;
  metrics(): Promise<string>;
  /** Puts another config in its file, until it is in force. */
  reload(config: ConfigInput): Promise<void>;
  /** Ends it in order. All that it ever wrote; throws where it ended otherwise. */
  stop(): Promise<string[]>;
}

/** Starts what `npm run build` made. */
export async function startProcess(t: Test, config: ConfigInput): Promise<GatewayProcess> {
  const file = join(t.testdir({ 'sidecar.json': JSON.stringify(config) }), 'sidecar.json');
  const sidecar = startSidecar(t, ['run', '--config', file]);
  const { port, adminPort } = await sidecar.said('listening');
  await sidecar.said('started');
  const admin = `http://127.0.0.1:${adminPort}`;
  return {
    url: `http://127.0.0.1:${port}`,
    admin,
    line: (requestId) => sidecar.lineWhere((line) => line.msg === 'request' && line.requestId === requestId),
    metrics: async () => (await request(admin, { path: '/metrics' })).text,
    async reload(config) {
      const before = sidecar.lines.filter(({ msg }) => msg === 'config reloaded').length;
      writeFileSync(file, JSON.stringify(config));
      await sidecar.saidAgain('config reloaded', before + 1);
    },
    async stop() {
      sidecar.kill('SIGTERM');
      const { code, stderr } = await sidecar.ended;
      if (code !== 0) throw new Error(`The gateway ended with ${code}: ${stderr}`);
      return [...sidecar.lines.map((line) => JSON.stringify(line)), stderr];
    },
  };
}
