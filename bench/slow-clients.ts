import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/peers/peer.ts';
import { startIssuer } from './issuer.ts';
import { accepting, cores, startPinned } from './process.ts';
import { startSidecar } from './sidecar.ts';

/**
 * Many connections of one client that send or read nothing, or next to nothing, and honest requests beside them, from
 * the same address and from another. `node bench/slow-clients.ts [sockets] [seconds] [kind]`
 */
const sockets = Number(process.argv[2] ?? 256);
const seconds = Number(process.argv[3] ?? 12);
const kinds = ['short body', 'long body', 'chunked body', 'trickled body', 'unread answer'];
const chosen = kinds.filter((kind) => kind.includes(process.argv[4] ?? ''));
const program = (name: string) => fileURLToPath(new URL(`programs/${name}.js`, import.meta.url));
/** Milliseconds from one honest request to the next. */
const every = 8;

const issuer = await startIssuer();
const port = await freePort();
const upstream = startPinned(cores.load, [process.execPath, program('upstream')], { PORT: String(port) });
await accepting(port);

async function ask(url: string, agent: Agent, localAddress: string, n: number): Promise<boolean> {
  const method = n % 4 === 0 ? 'POST' : 'GET';
  const options = { agent, method, localAddress, timeout: 60_000 };
  return new Promise((resolve) => {
    const asked = request(`${url}/1k`, options, (answer) => {
      answer.on('end', () => resolve(answer.statusCode === 200)).on('error', () => resolve(false));
      answer.resume();
    });
    asked.on('error', () => resolve(false)).end(method === 'GET' ? '' : '{"a":1}');
  });
}

/** Requests at a steady rate, whatever the answers take: a wait is seen by all that come meanwhile. */
async function load(url: string, address: string, duration: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const took: number[] = [];
  let failed = 0;
  const all: Promise<void>[] = [];
  const end = performance.now() + duration * 1000;
  for (let n = 0; performance.now() < end; n++) {
    const begun = performance.now();
    all.push(
      ask(url, agent, address, n).then((good) => {
        took.push(performance.now() - begun);
        if (!good) failed++;
      }),
    );
    await wait(every);
  }
  await Promise.all(all);
  agent.destroy();
  took.sort((a, b) => a - b);
  const at = (share: number) => (took[Math.floor(took.length * share)] ?? 0).toFixed(1).padStart(8);
  return `p50 ${at(0.5)}  p99 ${at(0.99)}  most ${at(0.9999)} ms, ${failed} of ${took.length} failed`;
}

const say = (line: string) => process.stdout.write(`${line}\n`);
for (const kind of chosen) {
  for (const address of ['127.0.0.1', '127.0.0.2']) {
    const sidecar = await startSidecar({
      upstream: `http://127.0.0.1:${port}`,
      issuers: [{ issuer: issuer.issuer, audience: 'api://orders', jwksUri: issuer.jwksUri }],
      rules: [{ path: '/*', auth: 'none' }],
    });
    await load(sidecar.url, '127.0.0.1', 2);
    say(`quiet                                      ${await load(sidecar.url, '127.0.0.1', 6)}`);
    const env = { ...process.env, PORT: new URL(sidecar.url).port, KIND: kind, ADDRESS: address };
    const attack = spawn('taskset', ['-c', String(cores.load), process.execPath, program('hold')], {
      env: { ...env, SOCKETS: String(sockets) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await wait(2000);
    const before = sidecar.cpu();
    const figures = await load(sidecar.url, '127.0.0.1', seconds);
    const cpu = ((sidecar.cpu() - before) / 1e4 / seconds).toFixed(0);
    attack.kill('SIGTERM');
    const [opened] = await once(attack.stdout, 'data');
    const from = address === '127.0.0.1' ? 'same address' : 'another     ';
    say(
      `${kind.padEnd(14)} x ${sockets}, ${from}       ${figures}, CPU ${cpu} %, ${String(opened).trim()} connections opened`,
    );
    await sidecar.stop();
  }
}
await upstream.stop();
issuer.close();
process.exit(0);
