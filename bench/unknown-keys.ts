import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { startIssuer } from './issuer.ts';
import { startSidecar, startUpstream } from './sidecar.ts';

/**
 * Tokens that name random keys, 1,000 a second from 50 addresses, beside honest requests: how many fetches they cause,
 * and what becomes of the honest ones' latency. Rounds of 5 s with and without the flood, in turns.
 * `node bench/unknown-keys.ts [rounds]`
 */
const rounds = Number(process.argv[2] ?? 3);
const seconds = 5;
const perSecond = 1000;
const clients = 50;

const issuer = await startIssuer();
const upstream = await startUpstream('ok');
const sidecar = await startSidecar({
  upstream: upstream.url,
  issuers: [{ issuer: issuer.issuer, audience: 'api://orders', jwksUri: issuer.jwksUri }],
  failureLimit: null,
});
const honest = new Pool(sidecar.url, { connections: 8 });
const floods = Array.from(
  { length: clients },
  (_, client) => new Pool(sidecar.url, { connections: 1, localAddress: `127.0.1.${client + 1}` }),
);
const token = issuer.mint();
const [, payload = '', signature = ''] = token.split('.');
const unknown = () =>
  `${Buffer.from(JSON.stringify({ alg: 'RS256', kid: randomUUID() })).toString('base64url')}.${payload}.${signature}`;
const wrong = new Map<string, number>();

async function send(pool: Pool, bearer: string, expected: number): Promise<void> {
  const headers = { authorization: `Bearer ${bearer}` };
  const { statusCode, body } = await pool.request({ path: '/x', method: 'GET', headers });
  await body.dump();
  if (statusCode !== expected) {
    const what = `${statusCode} instead of ${expected}`;
    wrong.set(what, (wrong.get(what) ?? 0) + 1);
  }
}

/** Milliseconds of each honest request in one round. */
async function measure(flooded: boolean): Promise<number[]> {
  const end = performance.now() + seconds * 1000;
  const times: number[] = [];
  const load = async () => {
    while (performance.now() < end) {
      const begun = performance.now();
      await send(honest, token, 200);
      times.push(performance.now() - begun);
      // A steady rate, so that what is measured is not the load's own queue.
      await sleep(2);
    }
  };
  const flood = async () => {
    while (performance.now() < end) {
      const due = performance.now() + 10;
      const batch = Array.from({ length: perSecond / 100 }, (_, n) =>
        send(floods[Math.floor(Math.random() * clients + n) % clients] as Pool, unknown(), 401),
      );
      await Promise.all(batch);
      await sleep(Math.max(0, due - performance.now()));
    }
  };
  await Promise.all([...Array.from({ length: 8 }, load), ...(flooded ? [flood()] : [])]);
  return times.sort((a, b) => a - b);
}

const p = (times: readonly number[], share: number) => times[Math.floor(times.length * share)] ?? 0;
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const results = { quiet: [] as number[], flooded: [] as number[] };
await measure(false);
for (let round = 0; round < rounds; round++) {
  results.quiet.push(p(await measure(false), 0.99));
  results.flooded.push(p(await measure(true), 0.99));
}
const metrics = await (await fetch(`${sidecar.admin}/metrics`)).text();
const fetches = /jwks_fetches_total\{[^}]*trigger="unknown_key"\} (\d+)/.exec(metrics)?.[1] ?? '0';
const [quiet, flooded] = [median(results.quiet), median(results.flooded)];
process.stdout.write(
  `Node ${process.version}, ${rounds} rounds of ${seconds} s each way\n` +
    `p99 of honest requests: ${quiet.toFixed(2)} ms quiet, ${flooded.toFixed(2)} ms flooded, ratio ${(flooded / quiet).toFixed(2)}\n` +
    `fetches for unknown keys: ${fetches}; wrong: ${wrong.size === 0 ? 'none' : JSON.stringify([...wrong])}\n`,
);
await Promise.all([honest, ...floods].map((pool) => pool.close()));
await sidecar.stop();
process.exit(wrong.size === 0 ? 0 : 1);
