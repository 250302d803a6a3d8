import { Pool } from 'undici';
import { startIssuer } from './issuer.ts';
import { startSidecar, startUpstream } from './sidecar.ts';

/**
 * Keys rotated every 2 s under load (cooldown 500 ms, refresh 1 s): a token of a new key must pass within a cooldown,
 * none of a withdrawn key after the next refresh, and nothing else may be refused. `node bench/rotation.ts [seconds]`
 */
const seconds = Number(process.argv[2] ?? 60);
const connections = 50;
const cooldown = 500;
const refresh = 1000;

const issuer = await startIssuer();
const upstream = await startUpstream('ok');
const sidecar = await startSidecar({
  upstream: upstream.url,
  issuers: [
    {
      issuer: issuer.issuer,
      audience: 'api://orders',
      jwksUri: issuer.jwksUri,
      keys: { refresh: refresh / 1000, cooldown: cooldown / 1000, timeout: 1 },
    },
  ],
  failureLimit: null,
});
const pool = new Pool(sidecar.url, { connections });

interface Generation {
  readonly token: string;
  readonly since: number;
  withdrawnAt: number | null;
  firstPass: number | null;
}
let current: Generation = begin();
const generations: Generation[] = [current];
const wrong: string[] = [];
let allowed = 0;
let refusedOld = 0;

function begin(): Generation {
  return { token: issuer.mint(), since: performance.now(), withdrawnAt: null, firstPass: null };
}

const rotation = setInterval(() => {
  issuer.rotate();
  current.withdrawnAt = performance.now();
  current = begin();
  generations.push(current);
}, 2000);

const end = performance.now() + seconds * 1000;
async function worker(index: number): Promise<void> {
  while (performance.now() < end) {
    // Every fifth worker goes on with the token of the key before.
    const generation =
      index % 5 === 0 && generations.length > 1 ? (generations.at(-2) as Generation) : current;
    const sent = performance.now();
    const { statusCode, body } = await pool.request({
      path: '/x',
      method: 'GET',
      headers: { authorization: `Bearer ${generation.token}` },
    });
    const text = await body.text();
    const now = performance.now();
    judge(generation, statusCode, text, sent, now);
  }
}

function judge(generation: Generation, status: number, text: string, sent: number, now: number): void {
  const { withdrawnAt, since } = generation;
  if (status === 200) {
    generation.firstPass ??= now;
    allowed++;
    // A refresh comes within its interval and jitter; what was sent after that must not pass.
    if (withdrawnAt !== null && sent > withdrawnAt + refresh * 1.1 + 200)
      wrong.push('a withdrawn key passed');
  } else if (status === 401 && text.includes('key_unknown')) {
    if (withdrawnAt !== null) refusedOld++;
    else if (sent > since + cooldown + 200)
      wrong.push(`a new key refused ${Math.round(sent - since)} ms after it was published`);
  } else {
    wrong.push(`${status} ${text.slice(0, 120)}`);
  }
}

await Promise.all(Array.from({ length: connections }, (_, index) => worker(index)));
clearInterval(rotation);
const delays = generations
  .map(({ since, firstPass }) => Math.round((firstPass ?? Number.NaN) - since))
  .filter(Number.isFinite);
process.stdout.write(
  `${generations.length} keys in ${seconds} s over ${connections} connections: ${allowed} allowed, ${refusedOld} of withdrawn keys refused\n` +
    `first pass of a new key: median ${delays.sort((a, b) => a - b)[delays.length >> 1]} ms, worst ${delays.at(-1)} ms\n` +
    `RSS ${sidecar.rss()} MiB; wrong: ${wrong.length}${wrong.length > 0 ? ` (${[...new Set(wrong)].slice(0, 5).join('; ')})` : ''}\n`,
);
await pool.close();
await sidecar.stop();
process.exit(wrong.length === 0 ? 0 : 1);
