import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../test/peers/peer.ts';
import { barCandidates, barLoads, formatVerdict, judge } from './bars.ts';
import { candidates } from './candidates.ts';
import { makeContainer } from './container.ts';
import { generator } from './generate.ts';
import { startIssuer } from './issuer.ts';
import { loads, writeJob } from './loads.ts';
import { type Figures, measure } from './measure.ts';
import { measureMemory } from './memory.ts';
import { accepting, cores, startPinned } from './process.ts';
import { formatReport } from './report.ts';

const help = `npm run bench -- [options]

Measures the gateway beside what else one could put before an API, and writes bench/results.md.

  --check             only what the bars speak of: prints each ratio with its bar, writes nothing,
                      and exits with 1 when one is missed
  --loads A,B         only these loads, and neither stages nor memory; writes nothing
                      (${loads.map(({ name }) => name).join(', ')})
  --candidates A,B    only these candidates
                      (${candidates.map(({ name }) => name).join(', ')})
  --rounds N          rounds of each candidate under each load; 5
  --seconds N         seconds of a round, after one to warm up; 3

BENCH_BEFORE=/elsewhere/dist/cli.js adds another build of the gateway, "before", to the same run.
`;

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    loads: { type: 'string' },
    candidates: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) {
  process.stdout.write(help);
  process.exit(0);
}

const pace = { rounds: count('rounds'), seconds: count('seconds'), warmUp: 1 };
const chosenLoads = choose('loads', loads, options.check ? barLoads : undefined);
const chosen = choose('candidates', candidates, options.check ? barCandidates : undefined);
const whole = options.loads === undefined;

const issuer = await startIssuer();
const upstreamPort = await freePort();
const upstream = startPinned(cores.load, [process.execPath, path('programs/upstream.js')], {
  PORT: String(upstreamPort),
});
await accepting(upstreamPort);
const setting = {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  issuer: issuer.issuer,
  audience: 'api://orders',
  jwksUri: issuer.jwksUri,
  publicKey: issuer.publicKeyPem(),
};

const measured: Record<string, readonly Figures[]> = {};
print(`load from ${generator}, Node ${process.version}\n`);
for (const load of chosenLoads) {
  const able = chosen.filter(({ groups, missing }) => groups.includes(load.candidates) && missing === null);
  if (able.length === 0) continue;
  print(`\n${load.name}: ${load.title}\n`);
  const job = writeJob(load, () => issuer.mint());
  const figures = await measure(load, able, setting, job, pace);
  measured[load.name] = figures;
  for (const { candidate, perSecond, cpu, p50, p99, rss } of figures) {
    const rate = `${perSecond.toFixed(0)}/s`.padStart(10);
    print(
      `  ${candidate.padEnd(10)}${rate} ${cpu.toFixed(1).padStart(9)} µs CPU  p50 ${p50} µs  p99 ${p99} µs  ${rss} MiB\n`,
    );
  }
}
const results = {
  loads: measured,
  stages: whole ? measureStages() : [],
  memory: whole ? await measureMemory(setting.upstream) : undefined,
  contained: whole && !options.check ? await measureContained() : undefined,
};
await upstream.stop();
issuer.close();

const verdicts = judge(results).filter(({ value }) => whole || value !== undefined);
if (verdicts.length > 0) print(`\n${verdicts.map(formatVerdict).join('\n')}\n`);
if (options.check) process.exit(verdicts.some(({ holds }) => holds === false) ? 1 : 0);
if (whole) {
  const report = formatReport(results, loads, {
    command: ['npm run bench --', ...process.argv.slice(2)].join(' ').replace(/ --$/, ''),
    generator,
    pace,
    candidates,
  });
  writeFileSync(path('results.md'), `${report}\n`);
  print('\nwrote bench/results.md\n');
}
process.exit(0);

/** Within the memory that k8s/base gives the sidecar. */
async function measureContained() {
  const container = makeContainer(384);
  if (container === null) return undefined;
  try {
    return { ...(await measureMemory(setting.upstream, container)), limit: container.limit };
  } finally {
    container.remove();
  }
}

/** In a process of their own, which nothing else has warmed up or filled. */
function measureStages() {
  print('\nstages\n');
  const command = [process.execPath, ...process.execArgv, path('stages.ts'), '--json'];
  const json = execFileSync('taskset', ['-c', String(cores.candidate), ...command], { encoding: 'utf8' });
  return JSON.parse(json);
}

function choose<T extends { readonly name: string }>(
  option: 'loads' | 'candidates',
  all: readonly T[],
  otherwise: readonly string[] | undefined,
): readonly T[] {
  const names = options[option]?.split(',') ?? otherwise;
  const unknown = names?.find((name) => !all.some((each) => each.name === name));
  if (unknown !== undefined)
    fail(`--${option}: "${unknown}" is none of ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => names === undefined || names.includes(name));
}

function count(option: 'rounds' | 'seconds'): number {
  const value = Number(options[option]);
  if (!Number.isInteger(value) || value < 1) fail(`--${option}: must be a whole number from 1`);
  return value;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function print(text: string): void {
  process.stdout.write(text);
}

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
