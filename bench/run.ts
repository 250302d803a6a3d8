import { Pool } from 'undici';
import { startIssuer } from './issuer.ts';
import { startSidecar, startUpstream } from './sidecar.ts';

const seconds = 5;
const connections = 32;

/** CPU of the sidecar a request, by kind of load: one token, every token new, no token, one forged token for ever. */
const issuer = await startIssuer();
const upstream = await startUpstream();
const sidecar = await startSidecar({
  upstream: upstream.url,
  issuers: [{ issuer: issuer.issuer, audience: 'api://orders', jwksUri: issuer.jwksUri }],
});
const hot = issuer.mint();
const cold = Array.from({ length: 12_000 }, () => issuer.mint());
const forged = `${hot.slice(0, -20)}${'A'.repeat(19)}Q`;
let next = 0;
const loads: Readonly<Record<string, () => string | null>> = {
  hot: () => hot,
  cold: () => cold[next++ % cold.length] as string,
  missing: () => null,
  forged: () => forged,
};

process.stdout.write(`Node ${process.version}, ${connections} connections, ${seconds} s each\n`);
process.stdout.write('load      requests/s   CPU µs a request   RSS MiB\n');
for (const [name, token] of Object.entries(loads)) {
  await load(token, 1);
  const cpu = sidecar.cpu();
  const requests = await load(token, seconds);
  const each = ((sidecar.cpu() - cpu) / requests).toFixed(0);
  process.stdout.write(
    `${name.padEnd(10)}${String(Math.round(requests / seconds)).padStart(10)}${each.padStart(19)}${String(sidecar.rss()).padStart(10)}\n`,
  );
}
await sidecar.stop();
process.exit(0);

async function load(token: () => string | null, duration: number): Promise<number> {
  const pool = new Pool(sidecar.url, { connections });
  const end = performance.now() + duration * 1000;
  let requests = 0;
  const worker = async () => {
    while (performance.now() < end) {
      const value = token();
      const headers = value === null ? {} : { authorization: `Bearer ${value}` };
      const { body } = await pool.request({ path: '/orders/42?x=1', method: 'GET', headers });
      await body.dump();
      requests++;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  await pool.close();
  return requests;
}
