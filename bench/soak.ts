import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { startSidecar } from './sidecar.ts';

/**
 * A day in the life of a sidecar, again and again: load, keys that rotate, an issuer that fails in every way, reloads,
 * an upstream that restarts. Exits with 1 on a false refusal, a false allow, a 5xx that nothing explains, or memory
 * that grows by more than 20 % after the warm-up. `npm run soak -- --seconds 600`
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 60)) throw new Error('--seconds must be at least 60');

const refresh = 2000;
/** A round holds a rotation, an outage, a reload, a restart and a withdrawal; milliseconds. */
const round = 12_000;
const workers = 16;
const begun = performance.now();
const end = begun + seconds * 1000;
const running = () => performance.now() < end;

/** A time in which something was not as it should be, on purpose. */
interface Window {
  readonly from: number;
  to: number;
}
const restarts: Window[] = [];
const within = (windows: readonly Window[], from: number, to: number) =>
  windows.some((each) => from < each.to + 300 && to > each.from - 50);

// The issuer.
interface Key {
  readonly kid: string;
  readonly jwk: object;
  readonly privateKey: ReturnType<typeof makePair>['privateKey'];
  withdrawnAt: number | null;
}
const makePair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
let made = 0;
const makeKey = (): Key => {
  const { privateKey, publicKey } = makePair();
  const kid = `k${++made}`;
  return {
    kid,
    privateKey,
    withdrawnAt: null,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' },
  };
};
let published: Key[] = [makeKey()];
const withdrawn: Key[] = [];
type Outage = 'none' | 'down' | 'hangs' | 'resets' | 'garbage' | 'empty';
let outage: Outage = 'none';
const issuerServer = createServer((request, response) => {
  if (outage === 'hangs') return;
  if (outage === 'resets') return void request.socket.resetAndDestroy();
  if (outage === 'down') return void response.writeHead(503).end();
  if (outage === 'garbage') return void response.end('<html>');
  response.end(JSON.stringify({ keys: outage === 'empty' ? [] : published.map(({ jwk }) => jwk) }));
}).listen(0, '127.0.0.1');
await once(issuerServer, 'listening');
const issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`;
const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
let minted = 0;
function mint(key: Key, claims: object = {}): string {
  const iat = Math.floor(Date.now() / 1000);
  const payload = {
    iss: issuer,
    aud: 'api://orders',
    sub: `user${minted++}`,
    iat,
    exp: iat + 600,
    ...claims,
  };
  const input = `${part({ alg: 'RS256', kid: key.kid })}.${part(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key.privateKey).toString('base64url')}`;
}

// The upstream, which keeps its port.
const listener: Parameters<typeof createServer>[1] = (request, response) => {
  request.resume();
  request.on('end', () => response.end('ok'));
};
let upstream: Server = createServer(listener).listen(0, '127.0.0.1');
await once(upstream, 'listening');
const { port } = upstream.address() as AddressInfo;
async function restartUpstream(): Promise<void> {
  const window = { from: performance.now(), to: Number.POSITIVE_INFINITY };
  restarts.push(window);
  upstream.close();
  upstream.closeAllConnections();
  await once(upstream, 'close');
  await sleep(200);
  upstream = createServer(listener).listen(port, '127.0.0.1');
  await once(upstream, 'listening');
  window.to = performance.now();
}

// The sidecar.
const config = (version: number) => ({
  upstream: { url: `http://127.0.0.1:${port}`, connections: 64 + (version % 2) },
  issuers: [
    {
      issuer,
      audience: 'api://orders',
      jwksUri: `${issuer}/jwks`,
      keys: { refresh: refresh / 1000, cooldown: 0.2, timeout: 1, maxStale: 3600 },
    },
  ],
  rules: [{ path: '/never', scopes: [`v${version}`] }],
  unmatched: 'required',
});
const sidecar = await startSidecar(config(0));
const honest = new Pool(sidecar.url, { connections: workers });
// Another address: what it forges must not count against the honest ones.
const hostile = new Pool(sidecar.url, { connections: 4, localAddress: '127.0.0.2' });

const counts = new Map<string, number>();
const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
const wrong = new Map<string, number>();
const blame = (what: string) => wrong.set(what, (wrong.get(what) ?? 0) + 1);

async function ask(pool: Pool, token: string | null) {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const from = performance.now();
  const { statusCode, body } = await pool.request({ path: '/x', method: 'GET', headers });
  const text = await body.text();
  const code = statusCode === 200 ? 'ok' : String((/"code":"(\w+)"/.exec(text) ?? [])[1]);
  return { code, from, to: performance.now() };
}

/** Good tokens: nothing but the upstream's restarts may stand in their way. */
async function honestWorker(): Promise<void> {
  let key = published[0] as Key;
  let token = mint(key);
  for (let n = 0; running(); n++) {
    const newest = published[0] as Key;
    if (key !== newest || n % 50 === 0) {
      key = newest;
      token = mint(key);
    }
    const { code, from, to } = await ask(honest, token);
    if (code === 'ok') count('good tokens allowed');
    else if (code.startsWith('upstream_') && within(restarts, from, to))
      count('while the upstream restarted');
    else if (code.startsWith('upstream_')) blame(`unexplained ${code}`);
    else blame(`a good token refused: ${code}`);
  }
}

/** Bad ones: nothing may let them through. */
async function hostileWorker(): Promise<void> {
  const stranger = makeKey();
  while (running()) {
    const key = published[0] as Key;
    const good = mint(key);
    const old = withdrawn.at(-1);
    const bad: Record<string, string | null> = {
      none: null,
      forged: `${good.slice(0, -8)}${'A'.repeat(8)}`,
      expired: mint(key, { exp: 1 }),
      'another audience': mint(key, { aud: 'api://other' }),
      'another key': mint({ ...stranger, kid: key.kid }),
      'an unknown key': mint(stranger),
      ...(old && { 'a withdrawn key': mint(old) }),
    };
    for (const [name, token] of Object.entries(bad)) {
      const { code, from } = await ask(hostile, token);
      const fresh = name === 'a withdrawn key' && from < (old?.withdrawnAt ?? 0) + refresh * 1.1 + 1500;
      if (code === 'ok' && !fresh) blame(`allowed: ${name}`);
      else if (code === 'internal_error') blame(`unexplained ${code}`);
      else count('bad tokens refused');
    }
    await sleep(20);
  }
}

const outages: readonly Outage[] = ['down', 'hangs', 'resets', 'garbage', 'empty'];
async function trouble(): Promise<void> {
  for (let n = 1; running(); n++) {
    // A new key beside the old one, then the old one withdrawn; an outage only between the two.
    published = [makeKey(), ...published];
    count('rotations');
    await sleep(round / 6);
    outage = outages[n % outages.length] as Outage;
    count('outages of the issuer');
    await sleep(round / 3);
    outage = 'none';
    await restartUpstream();
    count('restarts of the upstream');
    sidecar.reload(config(n));
    count('reloads');
    await sleep(round / 3);
    for (const key of published.splice(1)) {
      key.withdrawnAt = performance.now();
      withdrawn.push(key);
    }
    await sleep(round / 6);
  }
}

const memory: number[] = [];
async function watch(): Promise<void> {
  while (running()) {
    memory.push(sidecar.rss());
    await sleep(1000);
    if (process.stderr.isTTY)
      process.stderr.write(`\r${Math.round((end - performance.now()) / 1000)} s left `);
  }
}

await Promise.all([...Array.from({ length: workers }, honestWorker), hostileWorker(), trouble(), watch()]);
const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
const warm = median(memory.slice(Math.floor(memory.length * 0.2), Math.floor(memory.length * 0.4)));
const last = median(memory.slice(Math.floor(memory.length * 0.8)));
if (last > warm * 1.2) blame(`memory grew from ${warm} to ${last} MiB`);
const metrics = await (await fetch(`${sidecar.admin}/metrics`)).text();
const failed = Number(/config_reloads_total\{result="failure"\} (\d+)/.exec(metrics)?.[1] ?? 0);
if (failed > 0) blame(`${failed} reloads failed`);
const code = await sidecar.stop();
if (code !== 0) blame(`the sidecar ended with ${code}`);

const rows = [
  ...counts,
  [
    'keys fetched',
    Number(/jwks_fetches_total\{[^}]*result="success",trigger="refresh"\} (\d+)/.exec(metrics)?.[1] ?? 0),
  ],
  ['memory after the warm-up, MiB', warm],
  ['memory at the end, MiB', last],
] as const;
process.stdout.write(`\n${seconds} s over ${workers} connections, Node ${process.version}\n`);
for (const [name, value] of rows)
  process.stdout.write(`  ${name.padEnd(32)} ${String(value).padStart(10)}\n`);
process.stdout.write(wrong.size === 0 ? '  nothing was wrong\n' : '');
for (const [name, times] of wrong) process.stdout.write(`  WRONG: ${name}, ${times} times\n`);
process.exit(wrong.size === 0 ? 0 : 1);
