import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { findPeer } from '../test/peers/peer.ts';
import type { Load } from './loads.ts';
import { cores } from './process.ts';

/** What a load generator saw. Latencies in microseconds. */
export interface Seen {
  readonly requests: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Answers that were 400 or more. */
  readonly refused: number;
  /** Connections that failed, answers that never came. */
  readonly broken: number;
}

const wrk = findPeer('wrk', 'wrk');
const script = fileURLToPath(new URL('wrk.lua', import.meta.url));

export const generator = wrk.path === null ? 'autocannon' : 'wrk';

/** Puts a load on an address for some seconds. */
export async function generate(url: string, load: Load, job: string, seconds: number): Promise<Seen> {
  if (wrk.path === null) return generateByNode(url, load, job, seconds);
  const args = ['-t1', `-c${load.connections}`, `-d${seconds}s`, '--timeout', '10s', '--latency'];
  const { stdout } = await promisify(execFile)(
    'taskset',
    ['-c', String(cores.load), wrk.path, ...args, '-s', script, url],
    { env: { ...process.env, JOB: job } },
  );
  const line = stdout.split('\n').find((line) => line.startsWith('{'));
  if (line === undefined) throw new Error(`wrk said nothing: ${stdout}`);
  const { microseconds, statuses, ...figures } = JSON.parse(line);
  return { ...figures, seconds: microseconds / 1e6, refused: statuses };
}

/** The same from this process, where wrk is missing: it costs the load's core more, the candidate nothing. */
async function generateByNode(url: string, load: Load, job: string, seconds: number): Promise<Seen> {
  const [, ...lines] = readFileSync(job, 'utf8').trim().split('\n');
  const tokens = lines.filter((line) => !line.startsWith('order:'));
  const requests = tokens.map((token) => ({
    method: load.method,
    path: load.path,
    headers: token === '-' ? {} : { authorization: `Bearer ${token}` },
    ...(load.body > 0 && { body: Buffer.alloc(load.body, 'x') }),
  }));
  const result = await autocannon({
    url,
    connections: load.connections,
    duration: seconds,
    requests,
  });
  return {
    requests: result.requests.total,
    seconds: result.duration,
    bytes: result.throughput.total,
    p50: result.latency.p50 * 1000,
    p99: result.latency.p99 * 1000,
    p999: result.latency.p99_9 * 1000,
    refused: result.non2xx,
    broken: result.errors + result.timeouts,
  };
}
