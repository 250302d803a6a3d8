import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkCertificates } from './check-certificates.ts';
import type { Path } from './path.ts';
import type { Config, UpstreamConfig } from './schema.ts';
import type { Checked, Finding } from './validate.ts';

const leastTokenBytes = 32;

/** Ports, files, upstreams and times. */
export function checkPorts(config: Config): Checked {
  const { listen, admin, drain, upstream, upstreams } = config;
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  if (listen.port === admin.port && listen.port !== 0) {
    faults.push({ path: ['admin', 'port'], message: 'must be another one than listen.port' });
  }
  if (drain.timeout <= drain.delay) {
    faults.push({
      path: ['drain', 'timeout'],
      message: 'must be longer than drain.delay: both begin at SIGTERM',
    });
  }
  if (listen.tls !== null) {
    const { certFile, keyFile, clientCaFile, clientCertificates } = listen.tls;
    const files = { certFile, keyFile, authorities: { clientCaFile } };
    const checked = checkCertificates(files, ['listen', 'tls']);
    faults.push(...checked.faults);
    warnings.push(...checked.warnings);
    if (clientCertificates !== 'none' && clientCaFile === null) {
      faults.push({
        path: ['listen', 'tls', 'clientCaFile'],
        message: `is needed with clientCertificates: ${clientCertificates}`,
      });
    }
  }
  faults.push(...checkTokenFile(admin.tokenFile));
  if (admin.tokenRequired && admin.tokenFile === null) {
    faults.push({
      path: ['admin', 'tokenFile'],
      message: 'is needed with tokenRequired: nobody knows a token otherwise',
    });
  }
  const named = Object.entries(upstreams).map(([name, each]) => checkUpstream(each, ['upstreams', name]));
  for (const checked of [checkUpstream(upstream, ['upstream']), ...named]) {
    faults.push(...checked.faults);
    warnings.push(...checked.warnings);
  }
  if (listen.trustedProxies.length === 0 && !isLoopback(listen.host)) {
    warnings.push({
      path: ['listen', 'trustedProxies'],
      message:
        'is empty: every X-Forwarded-* is replaced, and clients behind one proxy share one failure limit',
    });
  }
  if (config.mode === 'report') {
    warnings.push({ path: ['mode'], message: 'is report: requests without a good token are forwarded' });
  }
  return { faults, warnings };
}

function checkTokenFile(tokenFile: string | null): Finding[] {
  const path = ['admin', 'tokenFile'];
  const [fault] = readable({ tokenFile }, ['admin']);
  if (fault !== undefined) return [fault];
  if (tokenFile === null || readFileSync(tokenFile, 'utf8').trim().length >= leastTokenBytes) return [];
  return [{ path, message: `must hold at least ${leastTokenBytes} bytes` }];
}

function checkUpstream({ tls }: UpstreamConfig, path: Path): Checked {
  const { caFile, certFile, keyFile, serverName } = tls;
  const { faults, warnings } = checkCertificates({ certFile, keyFile, authorities: { caFile } }, [
    ...path,
    'tls',
  ]);
  const unpaired = { path: [...path, 'tls', 'certFile'], message: 'and keyFile are needed together' };
  const unnamed = { path: [...path, 'tls', 'serverName'], message: 'must be a name, not an address' };
  return {
    faults: [
      ...faults,
      ...((certFile === null) === (keyFile === null) ? [] : [unpaired]),
      ...(isIP(serverName ?? '') === 0 ? [] : [unnamed]),
    ],
    warnings,
  };
}

/** A fault for each file that is named and cannot be read. */
export function readable(files: Readonly<Record<string, string | null>>, path: Path): Finding[] {
  return Object.entries(files).flatMap(([key, file]) => {
    if (file === null) return [];
    try {
      readFileSync(file);
      return [];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return [{ path: [...path, key], message: `the file cannot be read (${code ?? 'error'})` }];
    }
  });
}

function isLoopback(host: string | null): boolean {
  return host === 'localhost' || host === '::1' || (host?.startsWith('127.') ?? false);
}
