import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { completeConfig } from '../config/complete.ts';
import type { ConfigInput } from '../config/schema.ts';
import { createLogger } from '../observe/logger.ts';
import { createServer, type Server } from '../server.ts';
import { type Echo, startEcho } from './echo.ts';
import { type DemoIssuer, startIssuer } from './issuer.ts';
import { startWorkshop, type Workshop } from './workshop.ts';

/** All that the demo runs, in one process, on 127.0.0.1. */
export interface Stage {
  readonly issuer: DemoIssuer;
  readonly workshop: Workshop;
  readonly echo: Echo;
  readonly server: Server;
  /** The traffic port's URL. */
  readonly url: string;
  readonly admin: string;
  /** The file with the token of the admin port, which ends with the demo. */
  readonly adminTokenFile: string;
  /** The sidecar's log, a line an entry, the newest last. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/** Keeps enough of the log for the tour, not of all that is served after it. */
const keptLines = 200;

/**
 * Starts an issuer, an echo upstream and a sidecar in front of it; on the usual ports where they are free.
 *
 * @throws DemoUnavailableError where oidc-provider cannot be loaded
 */
export async function startStage(): Promise<Stage> {
  const issuer = await onFreePort(4000, (port) =>
    startIssuer({ port, clientId: 'demo', clientSecret: 'demo-secret' }),
  );
  const workshop = await startWorkshop(issuer);
  const echo = await onFreePort(3000, (port) => startEcho({ port }));
  const lines: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'jwks-sidecar-demo-'));
  const adminTokenFile = join(folder, 'admin-token');
  writeFileSync(adminTokenFile, randomBytes(32).toString('hex'), { mode: 0o600 });
  const { server, ports } = await onFreePort(8080, (port) =>
    startSidecar(demoConfig(issuer, echo, port, adminTokenFile), lines),
  );
  return {
    issuer,
    workshop,
    echo,
    server,
    url: `http://127.0.0.1:${ports.port}`,
    admin: `http://127.0.0.1:${ports.adminPort}`,
    adminTokenFile,
    lines,
    async close() {
      await server.close();
      await Promise.all([workshop.close(), issuer.close(), echo.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function demoConfig(issuer: DemoIssuer, echo: Echo, port: number, tokenFile: string): ConfigInput {
  return {
    listen: { host: '127.0.0.1', port },
    admin: { host: '127.0.0.1', port: port === 0 ? 0 : 9090, tokenFile },
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience, maxLifetime: '1h' }],
    token: { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'access_token' }] },
    rules: [
      { name: 'health', path: '/healthz', methods: ['GET'], auth: 'none' },
      { name: 'admin', path: '/orders/admin/*', scopes: ['orders:admin'] },
      { name: 'orders', path: '/orders/*', scopes: ['orders:read'] },
    ],
    unmatched: 'required',
    // Short, so that who pastes the forgeries again does not wait a minute.
    failureLimit: { max: 10, blockFor: '10s' },
    drain: { delay: 0, timeout: '2s' },
  };
}

async function startSidecar(input: ConfigInput, lines: string[]) {
  const { config } = completeConfig(input);
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(...chunk.toString().split('\n').filter(Boolean));
      lines.splice(0, Math.max(0, lines.length - keptLines));
      done();
    },
  });
  const server = createServer(config, {
    logger: createLogger({ level: config.log.level, destination }),
    source: 'demo',
  });
  try {
    return { server, ports: await server.start() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Tries the usual port first, then any free one. */
async function onFreePort<T>(usual: number, start: (port: number) => Promise<T>): Promise<T> {
  try {
    return await start(usual);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return start(0);
  }
}
