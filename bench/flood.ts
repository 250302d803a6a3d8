import { randomBytes, randomInt } from 'node:crypto';
import { Pool } from 'undici';
import { startIssuer } from './issuer.ts';
import { startSidecar, startUpstream } from './sidecar.ts';

/**
 * Random and mutated tokens, each another one: none may pass, none may cause a 5xx, memory must stay flat.
 * `node bench/flood.ts [count]`
 */
const count = Number(process.argv[2] ?? 100_000);
const issuer = await startIssuer();
const upstream = await startUpstream('ok');
const sidecar = await startSidecar({
  upstream: upstream.url,
  issuers: [{ issuer: issuer.issuer, audience: 'api://orders', jwksUri: issuer.jwksUri }],
  // Every token is looked at: the limit would spare the verifier the work.
  failureLimit: null,
});
const pool = new Pool(sidecar.url, { connections: 32 });
const valid = issuer.mint();
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';

function mutate(token: string): string {
  const at = randomInt(token.length);
  const letter = alphabet[randomInt(alphabet.length)] as string;
  const kind = randomInt(3);
  if (kind === 0) return token.slice(0, at) + token.slice(at + 1);
  if (kind === 1) return token.slice(0, at) + letter + token.slice(at);
  return (
    token.slice(0, at) + (token[at] === letter ? (letter === 'A' ? 'B' : 'A') : letter) + token.slice(at + 1)
  );
}

function make(): string {
  switch (randomInt(4)) {
    case 0:
      return randomBytes(randomInt(1, 600)).toString('base64url');
    case 1:
      return [0, 1, 2].map(() => randomBytes(randomInt(1, 200)).toString('base64url')).join('.');
    case 2:
      return mutate(mutate(valid));
    default:
      return mutate(valid);
  }
}

const statuses = new Map<string, number>();
let sent = 0;
const memory: number[] = [];
async function worker(): Promise<void> {
  while (sent < count) {
    if (sent++ % 10_000 === 0) memory.push(sidecar.rss());
    const token = make();
    if (token === valid) continue;
    const headers = { authorization: `Bearer ${token}` };
    const { statusCode, body } = await pool.request({ path: '/x', method: 'GET', headers });
    const answer = (await body.json()) as { code?: string };
    const key = `${statusCode} ${answer.code ?? ''}`;
    statuses.set(key, (statuses.get(key) ?? 0) + 1);
  }
}
await Promise.all(Array.from({ length: 32 }, worker));
memory.push(sidecar.rss());
const bad = [...statuses.keys()].filter((key) => !key.startsWith('401 '));
for (const [key, times] of [...statuses].sort((a, b) => b[1] - a[1]))
  process.stdout.write(`${String(times).padStart(8)} ${key}\n`);
process.stdout.write(`RSS every 10,000: ${memory.join(' ')} MiB\n`);
await pool.close();
const code = await sidecar.stop();
process.stdout.write(`exit ${code}; other than 401: ${bad.length === 0 ? 'none' : bad.join(', ')}\n`);
process.exit(bad.length === 0 && code === 0 ? 0 : 1);
