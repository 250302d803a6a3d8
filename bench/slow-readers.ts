import { Agent, get, type IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/peers/peer.ts';
import { startOurs } from './candidates.ts';
import { startIssuer } from './issuer.ts';
import { median } from './measure.ts';
import { accepting, cores, startPinned } from './process.ts';

/**
 * Answers of 10 MiB to a hundred clients that read slower than the upstream writes: all of it must come, in flat
 * memory. `node bench/slow-readers.ts [GiB]`, 10 unless told.
 */
const readers = 100;
const answer = 10 * 2 ** 20;
const rounds = Math.round((Number(process.argv[2] ?? 10) * 2 ** 30) / (readers * answer));
/** Every reader takes so much and then rests: 0.8 MiB a second. */
const sip = 64 * 1024;
const rest = 75;

const issuer = await startIssuer();
const port = await freePort();
const upstream = startPinned(
  cores.load,
  [process.execPath, fileURLToPath(new URL('programs/upstream.js', import.meta.url))],
  { PORT: String(port) },
);
await accepting(port);
const sidecar = await startOurs(process.execPath, {
  upstream: `http://127.0.0.1:${port}`,
  issuers: [{ issuer: issuer.issuer, audience: 'api://orders', jwksUri: issuer.jwksUri }],
});

const agent = new Agent({ keepAlive: true });
const headers = { authorization: `Bearer ${issuer.mint()}` };
let bytes = 0;
let short = 0;

async function read(): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${sidecar.url}/10m`, { agent, headers }, resolve).on('error', reject);
  });
  let taken = 0;
  let sinceRest = 0;
  for await (const chunk of response) {
    taken += chunk.length;
    bytes += chunk.length;
    sinceRest += chunk.length;
    if (sinceRest < sip) continue;
    sinceRest = 0;
    await wait(rest);
  }
  if (response.statusCode !== 200 || taken !== answer) short++;
}

const memory: number[] = [];
const timer = setInterval(() => memory.push(sidecar.resident()), 1000);
const begun = performance.now();
await Promise.all(
  Array.from({ length: readers }, async () => {
    for (let round = 0; round < rounds; round++) await read();
  }),
);
clearInterval(timer);
const seconds = (performance.now() - begun) / 1000;

/** What it has at any one time depends on when V8 last collected. */
const fifth = Math.floor(memory.length / 5);
const early = median(memory.slice(fifth, 2 * fifth));
const late = median(memory.slice(-fifth));
process.stdout.write(
  `${(bytes / 2 ** 30).toFixed(1)} GiB through ${readers} slow readers in ${seconds.toFixed(0)} s, ${short} answers cut short\n` +
    `resident in the second fifth of the time ${early} MiB, in the last ${late} MiB, at most ${Math.max(...memory)} MiB\n` +
    `CPU ${(sidecar.cpu() / 1e6).toFixed(1)} s\n`,
);
agent.destroy();
const code = await sidecar.stop();
await upstream.stop();
issuer.close();
process.exit(short === 0 && code === 0 && late < early * 1.2 ? 0 : 1);
