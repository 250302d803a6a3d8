import { isIP } from 'node:net';
import { readRegularFile } from '../regular-file.ts';
import { checkCertificates } from './check-certificates.ts';
import { checkLoops } from './check-loops.ts';
import { checkNetworks } from './check-networks.ts';
import { type Checked, type Finding, join } from './finding.ts';
import { parseUrl } from './formats.ts';
import type { Path } from './path.ts';
import type { Config, UpstreamConfig } from './schema.ts';
import { formatDuration } from './units.ts';
import { codeOf, explainUnreadable } from './unreadable.ts';

const leastTokenBytes = 32;

/** Ports, files, upstreams and times. */
export function checkPorts(config: Config): Checked {
  const { listen, admin, upstream, upstreams } = config;
  const named = Object.entries(upstreams).map(([name, each]) => checkUpstream(each, ['upstreams', name]));
  return join([
    checkTimes(config),
    checkListen(config),
    checkHost(listen.host, ['listen', 'host']),
    checkHost(admin.host, ['admin', 'host']),
    { faults: checkTokenFile(admin), warnings: [] },
    checkUpstream(upstream, ['upstream']),
    ...named,
    checkLoops(config),
    checkNetworks(config),
    listen.trustedProxies.length === 0 && !isLoopback(listen.host) ? withoutProxies : nothing,
    config.mode === 'report' ? reporting : nothing,
  ]);
}

const nothing: Checked = { faults: [], warnings: [] };

const withoutProxies: Checked = {
  ...nothing,
  notes: [
    {
      path: ['listen', 'trustedProxies'],
      message:
        'is empty: every X-Forwarded-* is replaced, and clients behind one proxy share one failure limit',
      restsOn: [['listen', 'host']],
    },
  ],
};

const reporting: Checked = {
  ...nothing,
  warnings: [{ path: ['mode'], message: 'is report: requests without a good token are forwarded' }],
};

function checkTimes({ listen, admin, drain }: Config): Checked {
  const faults: Finding[] = [];
  if (listen.port === admin.port && listen.port !== 0) {
    faults.push({
      path: ['admin', 'port'],
      message: 'must be another one than listen.port',
      got: String(admin.port),
      restsOn: [['listen', 'port']],
    });
  }
  if (drain.timeout <= drain.delay) {
    faults.push({
      path: ['drain', 'timeout'],
      message: 'must be longer than drain.delay: both begin at SIGTERM',
      hint: `timeout is ${formatDuration(drain.timeout)}, delay is ${formatDuration(drain.delay)}`,
      restsOn: [['drain', 'delay']],
    });
  }
  return { faults, warnings: [] };
}

/** An address to listen on is an address, or a name for one, and nothing more. */
function checkHost(host: string | null, path: Path): Checked {
  const [section] = path;
  if (host === null || isIP(host) !== 0 || /^[\w.-]+$/.test(host) || /^[\da-f:.]+%[\w.-]+$/i.test(host))
    return nothing;
  const hint = host === '*' ? 'leave it out for all addresses' : `the port belongs under ${section}.port`;
  return {
    faults: [{ path, message: 'must be an address alone, such as 127.0.0.1 or ::1', hint }],
    warnings: [],
  };
}

function checkListen({ listen: { tls } }: Config): Checked {
  if (tls === null) return nothing;
  const { certFile, keyFile, clientCaFile, clientCertificates } = tls;
  const checked = checkCertificates({ certFile, keyFile, authorities: { clientCaFile } }, ['listen', 'tls']);
  if (clientCertificates === 'none' || clientCaFile !== null) return checked;
  const unknown = {
    path: ['listen', 'tls', 'clientCaFile'],
    message: `is needed with clientCertificates: ${clientCertificates}`,
    restsOn: [['listen', 'tls', 'clientCertificates']],
  };
  return { ...checked, faults: [...checked.faults, unknown] };
}

function checkTokenFile({ tokenFile, tokenRequired }: Config['admin']): Finding[] {
  const path = ['admin', 'tokenFile'];
  if (tokenFile === null && tokenRequired) {
    const message = 'is needed with tokenRequired: nobody knows a token otherwise';
    return [{ path, message, restsOn: [['admin', 'tokenRequired']] }];
  }
  const [fault] = readable({ tokenFile }, ['admin']);
  if (fault !== undefined) return [fault];
  if (tokenFile === null || readRegularFile(tokenFile).toString('utf8').trim().length >= leastTokenBytes)
    return [];
  return [{ path, message: `must hold at least ${leastTokenBytes} bytes` }];
}

function checkUpstream({ url, preserveHost, tls }: UpstreamConfig, path: Path): Checked {
  const { caFile, certFile, keyFile, serverName } = tls;
  const { faults, warnings } = checkCertificates({ certFile, keyFile, authorities: { caFile } }, [
    ...path,
    'tls',
  ]);
  const unpaired = {
    path: [...path, 'tls', 'certFile'],
    message: 'and keyFile are needed together',
    restsOn: [[...path, 'tls', 'keyFile']],
  };
  const name = [...path, 'tls', 'serverName'];
  const unnamed = { path: name, message: 'must be a name, not an address' };
  const overnamed = { path: name, message: 'must be a name alone, without scheme, port and path' };
  return {
    faults: [
      ...faults,
      ...((certFile === null) === (keyFile === null) ? [] : [unpaired]),
      ...(isIP(serverName ?? '') === 0 ? [] : [unnamed]),
      ...(isIP(serverName ?? '') === 0 && /[:/]/.test(serverName ?? '') ? [overnamed] : []),
    ],
    warnings,
    notes: preserveHost && !isLoopback(parseUrl(url)?.hostname ?? null) ? [adviseOnHost(path)] : [],
  };
}

/** No rule can ask for a host yet, so any that a client sends goes on. */
function adviseOnHost(path: Path): Finding {
  return {
    path: [...path, 'preserveHost'],
    message:
      "is true: the client's Host header goes on as it came, and chooses the service where this upstream is a mesh, an ingress or a server of several hosts",
    hint: 'set preserveHost: false if it is',
    restsOn: [[...path, 'url']],
  };
}

/** A fault for each file that is named and cannot be read. */
export function readable(files: Readonly<Record<string, string | null>>, path: Path): Finding[] {
  return Object.entries(files).flatMap(([key, file]) => {
    if (file === null) return [];
    try {
      readRegularFile(file);
      return [];
    } catch (error) {
      const message = `the file cannot be read (${codeOf(error)})`;
      return [{ path: [...path, key], message, hint: explainUnreadable(file, error) }];
    }
  });
}

function isLoopback(host: string | null): boolean {
  return host === 'localhost' || /^(\[?::1\]?|127\..*|.*\.localhost)$/.test(host ?? '');
}
