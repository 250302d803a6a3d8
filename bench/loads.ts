import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Group } from './candidates.ts';
import { scratchFolder } from './scratch.ts';

/** What clients ask for, and with which tokens. */
export interface Load {
  readonly name: string;
  readonly title: string;
  readonly tokens: 'hot' | 'mixed' | 'cold' | 'forged' | 'blocked' | 'missing';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Bytes of the request's body. */
  readonly body: number;
  readonly connections: number;
  /** Whom it says something about. */
  readonly candidates: Group;
}

const hot = {
  tokens: 'hot',
  method: 'GET',
  path: '/1k',
  body: 0,
  connections: 32,
  candidates: 'forwarding',
} as const;

export const loads: readonly Load[] = [
  { ...hot, name: 'hot', title: 'one token, 1 KiB answers' },
  { ...hot, name: 'mixed', title: '1,000 tokens by Zipf’s law, 1 KiB answers', tokens: 'mixed' },
  { ...hot, name: 'cold', title: '40,000 tokens in turn, more than the cache holds', tokens: 'cold' },
  {
    ...hot,
    name: 'forged',
    title: 'one forged token, looked at every time',
    tokens: 'forged',
    candidates: 'refusing',
  },
  {
    ...hot,
    name: 'blocked',
    title: '1,000 forged tokens from one client',
    tokens: 'blocked',
    candidates: 'refusing',
  },
  { ...hot, name: 'missing', title: 'no token', tokens: 'missing', candidates: 'refusing' },
  { ...hot, name: 'hot-1', title: 'one token, 1 connection', connections: 1 },
  { ...hot, name: 'hot-512', title: 'one token, 512 connections', connections: 512 },
  { ...hot, name: '100k', title: 'one token, 100 KiB answers', path: '/100k' },
  { ...hot, name: '10m', title: 'one token, 10 MiB answers', path: '/10m' },
  { ...hot, name: 'upload', title: 'one token, 1 MiB uploads', method: 'POST', path: '/', body: 1024 * 1024 },
  { ...hot, name: 'nodes', title: 'one token, by version of Node', candidates: 'nodes' },
];

const counts = { hot: 1, mixed: 1000, cold: 40_000, forged: 1, blocked: 1000, missing: 0 } as const;

/** Makes the file that tells a load generator what to send. */
export function writeJob(load: Load, mint: () => string): string {
  const { tokens: kind, method, path, body } = load;
  const forging = kind === 'forged' || kind === 'blocked';
  const tokens =
    kind === 'missing'
      ? ['-']
      : Array.from({ length: counts[kind] }, () => (forging ? forgeFrom(mint()) : mint()));
  const order = kind === 'mixed' ? [`order:${zipf(tokens.length, 50_000).join(' ')}`] : [];
  const file = join(scratchFolder(), `${load.name}.job`);
  writeFileSync(file, `${[`${method} ${path} ${body}`, ...tokens, ...order].join('\n')}\n`);
  return file;
}

/** Another signature of the same length. */
function forgeFrom(token: string): string {
  const at = token.lastIndexOf('.') + 1;
  const noise = createHash('sha512').update(token).digest('base64url');
  return token.slice(0, at) + noise.slice(0, 80) + token.slice(at + 80);
}

/** Ranks from 1, the nth as likely as 1/n; the same ones in every run. */
function zipf(count: number, length: number): number[] {
  const sums: number[] = [];
  for (let n = 1; n <= count; n++) sums.push((sums.at(-1) ?? 0) + 1 / n);
  const total = sums.at(-1) as number;
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return Array.from({ length }, () => {
    const at = random() * total;
    return 1 + sums.findIndex((sum) => sum >= at);
  });
}
