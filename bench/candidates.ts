import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findPeer, freePort } from '../test/peers/peer.ts';
import { accepting, cores, type Running, startPinned } from './process.ts';
import { scratchFolder } from './scratch.ts';

/** What every candidate stands before and whom it trusts. */
export interface Setting {
  readonly upstream: string;
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: string;
  /** The public key as PEM, for programs that take no key set. */
  readonly publicKey: string;
}

/**
 * Candidates that are compared: those that forward good requests, those that refuse bad ones, and the programs for
 * Node on each Node of this machine.
 */
export type Group = 'forwarding' | 'refusing' | 'nodes';

export interface Candidate {
  readonly name: string;
  readonly title: string;
  readonly groups: readonly Group[];
  /** False: it lets everything through, so that only the loads of good tokens say something. */
  readonly verifies: boolean;
  /** Why it cannot be measured here; null where it can. */
  readonly missing: string | null;
  start(setting: Setting): Promise<Started>;
}

export interface Started extends Running {
  readonly url: string;
  /** How it names itself. */
  readonly version: string;
}

const program = (name: string) => fileURLToPath(new URL(`programs/${name}.js`, import.meta.url));
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
/** The `dist/cli.js` of another build, to be measured in the same run; undefined: there is none. */
const before = process.env.BENCH_BEFORE;
const haproxy = findPeer('haproxy', 'haproxy');
const apache = findPeer('apache2', 'apache2-bin');
const oauth2Module = '/usr/lib/apache2/modules/mod_oauth2.so';

interface Node {
  readonly path: string;
  readonly major: string;
}

const thisNode: Node = { path: process.execPath, major: process.versions.node.split('.')[0] as string };
/** Another Node of this machine than the one that runs this. */
const otherNode = findOtherNode();

export const candidates: readonly Candidate[] = [
  {
    name: 'direct',
    title: 'the upstream itself, nothing before it',
    groups: ['forwarding'],
    verifies: false,
    missing: null,
    start: () => startNode(process.execPath, 'upstream', {}),
  },
  ...programs(thisNode),
  {
    name: 'haproxy',
    title: 'HAProxy jwt_verify',
    groups: ['forwarding', 'refusing'],
    verifies: true,
    missing: haproxy.path === null ? 'apt-get install haproxy' : null,
    start: startHaproxy,
  },
  {
    name: 'apache',
    title: 'Apache mod_oauth2',
    groups: ['forwarding', 'refusing'],
    verifies: true,
    missing:
      apache.path === null || !existsSync(oauth2Module) ? 'apt-get install libapache2-mod-oauth2' : null,
    start: startApache,
  },
  ours(thisNode),
  ...(before === undefined
    ? []
    : [{ ...ours(thisNode, before), name: 'before', title: 'the build of BENCH_BEFORE' }]),
  {
    name: 'bare401',
    title: 'node:http that answers 401 to everything',
    groups: ['refusing'],
    verifies: true,
    missing: null,
    start: () => startNode(process.execPath, 'unauthorized', {}),
  },
  ...(otherNode === null ? [] : [...programs(otherNode), ours(otherNode)]),
];

/** The stand-ins written for Node. */
function programs(node: Node): Candidate[] {
  const both: readonly Group[] = ['forwarding', 'refusing', 'nodes'];
  return [
    standIn(node, 'limit', 'node:http + undici dispatch, no verification', ['forwarding', 'nodes'], {}),
    standIn(node, 'proxy', 'Fastify + @fastify/http-proxy, no verification', ['forwarding'], {}),
    standIn(node, 'stack', 'Fastify + @fastify/http-proxy + jose', both, { VERIFY: '1' }),
    standIn(node, 'stack+log', 'the same with Fastify’s own log', ['forwarding'], { VERIFY: '1', LOG: '1' }),
  ];
}

/** A stand-in, with all that it may need to know in its environment. */
function standIn(
  node: Node,
  name: string,
  title: string,
  groups: readonly Group[],
  env: { readonly VERIFY?: string; readonly LOG?: string },
): Candidate {
  return {
    ...onNode(node, name, title, groups),
    verifies: env.VERIFY !== undefined,
    missing: null,
    start: ({ upstream, jwksUri, issuer, audience }) =>
      startNode(node.path, name === 'limit' ? 'limit' : 'proxy', {
        ...env,
        UPSTREAM: upstream,
        JWKS_URI: jwksUri,
        ISSUER: issuer,
        AUDIENCE: audience,
      }),
  };
}

/** What runs on another Node than this is compared under no load but the one for that. */
function onNode({ major, path }: Node, name: string, title: string, groups: readonly Group[]) {
  const own = path === thisNode.path;
  return {
    name: own ? name : `${name}-${major}`,
    title: own ? title : `${title}, Node ${major}`,
    groups: own ? groups : groups.filter((group) => group === 'nodes'),
  };
}

async function startNode(
  binary: string,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Started> {
  const port = await freePort();
  const running = startPinned(cores.candidate, [binary, program(name)], { ...env, PORT: String(port) });
  await accepting(port);
  return { ...running, url: `http://127.0.0.1:${port}`, version: versionOf(binary, '--version') };
}

/** The built program with its defaults: one log line a request, every metric counted. */
function ours(node: Node, program = cli): Candidate {
  return {
    ...onNode(node, 'ours', 'jwks-sidecar', ['forwarding', 'refusing', 'nodes']),
    verifies: true,
    missing: existsSync(program) ? null : 'npm run build',
    start: ({ upstream, issuer, audience, jwksUri }) =>
      startOurs(node.path, { upstream, issuers: [{ issuer, audience, jwksUri }] }, program),
  };
}

export interface StartedOurs extends Started {
  readonly admin: string;
  /** Milliseconds from the start of the process until /readyz said so. */
  readonly readyAfter: number;
}

/** Starts ours on free ports with a config; resolves once it is ready. `wrap` makes another command of its own. */
export async function startOurs(
  binary: string,
  config: { readonly listen?: object; readonly [key: string]: unknown },
  program = cli,
  wrap = (command: readonly string[]): readonly string[] => command,
): Promise<StartedOurs> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = join(scratchFolder(), 'sidecar.json');
  const host = '127.0.0.1';
  const own = {
    listen: { host, port, ...config.listen },
    admin: { host, port: adminPort },
    drain: { delay: 0, timeout: 2 },
  };
  writeFileSync(file, JSON.stringify({ ...config, ...own }));
  const flags = process.env.BENCH_NODE_FLAGS?.split(' ') ?? [];
  const begun = performance.now();
  const command = wrap([binary, ...flags, program, 'run', '--config', file]);
  const running = startPinned(cores.candidate, command);
  await accepting(adminPort);
  const admin = `http://${host}:${adminPort}`;
  while ((await fetch(`${admin}/readyz`)).status !== 200) await wait(10);
  const readyAfter = performance.now() - begun;
  return {
    ...running,
    url: `http://${host}:${port}`,
    admin,
    readyAfter,
    version: versionOf(binary, '--version'),
  };
}

/** Verifies what ours does by default: algorithm, signature, issuer, audience, expiry; and sets the same headers. */
async function startHaproxy({ upstream, issuer, audience, publicKey }: Setting): Promise<Started> {
  const folder = scratchFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'key.pem'), publicKey);
  const deny = 'http-request deny deny_status 401 hdr WWW-Authenticate Bearer';
  const header = (name: string, claim: string) =>
    `  http-request set-header ${name} %[var(txn.token),jwt_payload_query('$.${claim}')]`;
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 30s
  log stdout format raw local0
  option httplog
frontend front
  bind 127.0.0.1:${port}
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  ${deny} unless { var(txn.alg) -m str RS256 }
  ${deny} unless { var(txn.token),jwt_verify(txn.alg,"${join(folder, 'key.pem')}") 1 }
  http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  ${deny} unless { var(txn.exp),sub(txn.now) -m int gt 0 }
  ${deny} unless { var(txn.token),jwt_payload_query('$.iss') -m str ${issuer} }
  ${deny} unless { var(txn.token),jwt_payload_query('$.aud') -m str ${audience} }
  http-request del-header Authorization
${header('X-Verified-Subject', 'sub')}
${header('X-Verified-Issuer', 'iss')}
${header('X-Verified-Client-Id', 'client_id')}
${header('X-Verified-Scope', 'scope')}
  default_backend back
backend back
  server upstream ${upstream.replace('http://', '')}
`,
  );
  const binary = haproxy.path as string;
  const running = startPinned(cores.candidate, [binary, '-db', '-f', join(folder, 'haproxy.cfg')]);
  await accepting(port);
  const version = /HAProxy version (\S+)/.exec(versionOf(binary, '-v'))?.[1] ?? '';
  return { ...running, url: `http://127.0.0.1:${port}`, version };
}

async function startApache({ upstream, issuer, audience, jwksUri }: Setting): Promise<Started> {
  const folder = scratchFolder();
  const port = await freePort();
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'headers'];
  writeFileSync(
    join(folder, 'apache.conf'),
    `${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
LoadModule oauth2_module ${oauth2Module}
ServerRoot ${folder}
ServerName 127.0.0.1
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
Listen 127.0.0.1:${port}
ErrorLog /dev/stderr
LogLevel error
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog /dev/stdout common
User nobody
Group nogroup
StartServers 1
ServerLimit 8
ThreadsPerChild 128
ThreadLimit 128
MinSpareThreads 1
MaxSpareThreads 1024
MaxRequestWorkers 1024
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 75
OAuth2TokenVerify jwks_uri ${jwksUri} verify.exp=required
<Location "/">
  AuthType oauth2
  <RequireAll>
    Require oauth2_claim iss:${issuer}
    Require oauth2_claim aud:${audience}
  </RequireAll>
  ProxyPass ${upstream}/ enablereuse=on keepalive=on
</Location>
`,
  );
  const binary = apache.path as string;
  const running = startPinned(cores.candidate, [binary, '-DFOREGROUND', '-f', join(folder, 'apache.conf')]);
  await accepting(port);
  const version = /Apache\/(\S+)/.exec(versionOf(binary, '-v'))?.[1] ?? '';
  return { ...running, url: `http://127.0.0.1:${port}`, version };
}

function versionOf(binary: string, flag: string): string {
  return execFileSync(binary, [flag], { encoding: 'utf8' }).trim();
}

function findOtherNode(): Node | null {
  const oldestMajor = 22;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'node');
    if (!existsSync(path)) continue;
    const version = versionOf(path, '--version');
    const major = version.slice(1).split('.')[0] as string;
    if (version !== process.version && Number(major) >= oldestMajor) return { path, major };
  }
  return null;
}
