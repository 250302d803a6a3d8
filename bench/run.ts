import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../test/peers/peer.ts';
import { candidates } from './candidates.ts';
import { generator } from './generate.ts';
import { startIssuer } from './issuer.ts';
import { loads, writeJob } from './loads.ts';
import { measure } from './measure.ts';
import { accepting, cores, startPinned } from './process.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    candidates: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
  },
});
const pace = { rounds: Number(options.rounds), seconds: Number(options.seconds), warmUp: 1 };
const issuer = await startIssuer();
const port = await freePort();
const upstream = startPinned(
  cores.load,
  [process.execPath, fileURLToPath(new URL('programs/upstream.js', import.meta.url))],
  { PORT: String(port) },
);
await accepting(port);
const setting = {
  upstream: `http://127.0.0.1:${port}`,
  issuer: issuer.issuer,
  audience: 'api://orders',
  jwksUri: issuer.jwksUri,
  publicKey: issuer.publicKeyPem(),
};
process.stdout.write(`load from ${generator}, Node ${process.version}\n`);
for (const load of loads) {
  if (options.only && !options.only.split(',').includes(load.name)) continue;
  const some = candidates.filter(
    (c) => c.missing === null && (!options.candidates || options.candidates.split(',').includes(c.name)),
  );
  const figures = await measure(
    load,
    some,
    setting,
    writeJob(load, () => issuer.mint()),
    pace,
  );
  process.stdout.write(`\n${load.name}: ${load.title}\n`);
  for (const f of figures)
    process.stdout.write(
      `${f.candidate.padEnd(10)}${f.perSecond.toFixed(0).padStart(9)}/s ${f.cpu.toFixed(1).padStart(8)} µs  p50 ${f.p50} p99 ${f.p99} p999 ${f.p999}  ${f.rss} MiB\n`,
    );
}
await upstream.stop();
issuer.close();
