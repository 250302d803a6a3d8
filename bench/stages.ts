import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { getHeapStatistics } from 'node:v8';
import { systemClock } from '../src/clock.ts';
import { completeConfig } from '../src/config/complete.ts';
import type { ConfigInput } from '../src/config/schema.ts';
import { createKeySets } from '../src/key-sets.ts';
import { createLogger } from '../src/observe/logger.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { compileRequestLog } from '../src/observe/request-log.ts';
import { compilePolicy, type Policy } from '../src/policy.ts';
import type { Extracted } from '../src/token/extract.ts';
import { startIssuer } from './issuer.ts';
import { median } from './measure.ts';
import { formatStages } from './report.ts';

/** What a call of one stage costs. */
export interface StageFigures {
  readonly name: string;
  readonly ns: number;
  /** Bytes allocated on V8's heap. */
  readonly bytes: number;
}

/** One stage of a request, called as the gateway calls it. */
interface Stage {
  readonly name: string;
  call(turn: number): unknown;
}

const issuer = await startIssuer();
const metrics = createMetrics({ version: '0' });
const lines = { length: 0 };
const logger = createLogger({
  level: 'info',
  destination: {
    write: (line) => {
      lines.length += line.length;
    },
  },
});
const tokens = Array.from({ length: 500 }, () => issuer.mint());
const token = tokens[0] as string;
const rawHeaders = [
  ['Host', 'orders.example.com'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['Accept', 'application/json'],
  ['Accept-Encoding', 'gzip, deflate, br'],
  ['Authorization', `Bearer ${token}`],
  ['Cookie', 'theme=dark; session=0123456789abcdef'],
  ['X-Forwarded-For', '203.0.113.7'],
  ['Connection', 'keep-alive'],
].flat();
const rules = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    path: `/${serviceName(index)}/:tenant/*`,
    scopes: ['orders:read'],
  }));
/** Of one length, so that tables of any size match paths alike. */
const serviceName = (index: number) => `service-${String(index).padStart(4, '0')}`;

const small = await compile(1, 1);
const policies = { one: small, hundred: await compile(1, 100) };
const tables = { 1: small, 100: await compile(100, 1), 1000: await compile(1000, 1) };
small.verifier.verify(token, null);
policies.hundred.verifier.verify(token, null);
const verified = small.verifier.cached(token);
const { places } = small.extract(rawHeaders) as Extracted;
const upstream = small.upstreams.get('default');
const log = compileRequestLog(logger);

const stages: readonly Stage[] = [
  { name: 'canonical path', call: () => small.canonical('/service-0000/acme/orders/42?page=2') },
  ...Object.entries(tables).map(([count, policy]) => {
    const path = `/${serviceName(Number(count) - 1)}/acme/orders/42`;
    return {
      name: `rule match, ${count === '1' ? '1 rule' : `${Number(count).toLocaleString('en')} rules`}`,
      call: () => policy.rules.match('GET', path),
    };
  }),
  { name: 'extract', call: () => small.extract(rawHeaders) },
  { name: 'cached verdict, 1 issuer', call: () => small.verifier.cached(token) },
  { name: 'cached verdict, 100 issuers', call: () => policies.hundred.verifier.cached(token) },
  {
    name: 'full verification, 1 issuer',
    call: (turn) => small.verifier.verify(tokens[turn % tokens.length] as string, null),
  },
  {
    name: 'full verification, 100 issuers',
    call: (turn) => policies.hundred.verifier.verify(tokens[turn % tokens.length] as string, null),
  },
  {
    name: 'header rewrite',
    call: () =>
      small.requestHeaders({
        rawHeaders,
        hop: { peer: '127.0.0.1', trusted: false, secure: false, port: 8080 },
        requestId: '2f1e9b5c-7a5e-4a53-9c55-0d6f1d3c2b1a',
        tokens: places,
        identity: verified?.prepared.identity ?? [],
        upstream,
        stripPrefix: null,
      }),
  },
  {
    name: 'metrics of a request',
    call: () => {
      metrics.requests.of('default', 'GET', '200').value++;
      metrics.decisions.of('allow', 'ok', issuer.issuer).value++;
      metrics.requestDuration.of('default').observe(0.0021);
      metrics.upstreamDuration.of('default').observe(0.0018);
    },
  },
  {
    name: 'log line',
    call: (turn) =>
      log({
        requestId: '2f1e9b5c-7a5e-4a53-9c55-0d6f1d3c2b1a',
        client: '127.0.0.1',
        method: 'GET',
        path: '/service-0000/acme/orders/42',
        rule: 'default',
        status: 200,
        decision: 'allow',
        reason: 'ok',
        issuer: issuer.issuer,
        sub: verified?.prepared.subject,
        kid: verified?.kid,
        token: verified?.fingerprint,
        cached: true,
        durationMs: turn / 1000,
        upstreamMs: turn / 2000,
        bytes: 1024,
      }),
  },
];

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const only = stages.find(({ name }) => name === options.only);
const rows = only === undefined ? stages.map(({ name }) => inOwnProcess(name)) : [await measureStage(only)];
process.stdout.write(
  options.json ? JSON.stringify(rows) : `Node ${process.version}\n\n${formatStages(rows)}\n`,
);
issuer.close();
process.exit(0);

/** What V8 has learnt from one stage about code that they share would change another's figures, by twice as much. */
function inOwnProcess(name: string): StageFigures {
  const file = fileURLToPath(import.meta.url);
  const command = [...process.execArgv, file, '--json', '--only', name];
  return JSON.parse(execFileSync(process.execPath, command, { encoding: 'utf8' }))[0];
}

/** The median of nine batches, each of about 30 ms, after as many to warm up. */
async function measureStage(stage: Stage): Promise<StageFigures> {
  const { ns } = await batch(stage, 2000);
  const count = Math.max(200, Math.round(3e7 / ns));
  const batches: Batch[] = [];
  for (let i = 0; i < 18; i++) batches.push(await batch(stage, count));
  const warm = batches.slice(9);
  return {
    name: stage.name,
    ns: median(warm.map((each) => each.ns)),
    bytes: Math.round(median(warm.map((each) => each.bytes))),
  };
}

type Batch = Pick<StageFigures, 'ns' | 'bytes'>;

async function batch({ call }: Stage, count: number): Promise<Batch> {
  const allocated = getHeapStatistics().total_allocated_bytes;
  const start = process.hrtime.bigint();
  for (let turn = 0; turn < count; turn++) {
    const result = call(turn);
    if (result instanceof Promise) await result;
  }
  const ns = Number(process.hrtime.bigint() - start) / count;
  return { ns, bytes: (getHeapStatistics().total_allocated_bytes - allocated) / count };
}

async function compile(ruleCount: number, issuerCount: number): Promise<Policy> {
  const others = Array.from({ length: issuerCount - 1 }, (_, index) => ({
    issuer: `https://idp-${index}.example.com`,
    audience: 'api://orders',
    jwks: issuer.jwks(),
  }));
  const own = { issuer: issuer.issuer, audience: 'api://orders', jwks: issuer.jwks() };
  const { config } = completeConfig({
    upstream: 'http://127.0.0.1:3000',
    issuers: [...others, own],
    rules: rules(ruleCount),
    unmatched: 'required',
  } as ConfigInput);
  const keySets = createKeySets(config.issuers, {
    clock: systemClock,
    logger,
    metrics,
    onWithdrawn() {},
    proxy: null,
  });
  await keySets.start();
  return compilePolicy(config, { keySets: keySets.all, clock: systemClock, subjectKey: new Uint8Array(32) });
}
