import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
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
    faults.push(...checkCertificates({ certFile, keyFile, caFile: clientCaFile }, ['listen', 'tls']));
    if (clientCertificates !== 'none' && clientCaFile === null) {
      faults.push({
        path: ['listen', 'tls', 'clientCaFile'],
        message: `is needed with clientCertificates: ${clientCertificates}`,
      });
    }
  }
  faults.push(...checkTokenFile(admin.tokenFile));
  faults.push(...checkUpstream(upstream, ['upstream']));
  for (const [name, each] of Object.entries(upstreams))
    faults.push(...checkUpstream(each, ['upstreams', name]));
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

function checkUpstream({ tls }: UpstreamConfig, path: Path): Finding[] {
  const { caFile, certFile, keyFile } = tls;
  const faults = checkCertificates({ caFile, certFile, keyFile }, [...path, 'tls']);
  if ((certFile === null) !== (keyFile === null)) {
    faults.push({ path: [...path, 'tls', 'certFile'], message: 'and keyFile are needed together' });
  }
  return faults;
}

type CertificateFiles = Readonly<Record<'certFile' | 'keyFile' | 'caFile', string | null>>;

/** Files that cannot be read, or that OpenSSL makes nothing of: no PEM, or a key of another certificate. */
function checkCertificates(files: CertificateFiles, path: Path): Finding[] {
  const { certFile, keyFile, caFile } = files;
  const faults = readable({ certFile, keyFile }, path);
  const unreadableCa = readable(path[0] === 'listen' ? { clientCaFile: caFile } : { caFile }, path);
  if (faults.length + unreadableCa.length > 0) return [...faults, ...unreadableCa];
  const read = (file: string | null) => (file === null ? undefined : readFileSync(file));
  try {
    createSecureContext({ cert: read(certFile), key: read(keyFile), ca: read(caFile) });
    return [];
  } catch (error) {
    return [
      {
        path,
        message: `the files cannot be used together (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
      },
    ];
  }
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
