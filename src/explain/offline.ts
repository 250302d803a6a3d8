import { randomBytes } from 'node:crypto';
import { systemClock } from '../clock.ts';
import type { Loaded } from '../config/complete.ts';
import { isRefusal } from '../errors.ts';
import { createKeySets } from '../key-sets.ts';
import { createLogger } from '../observe/logger.ts';
import { createMetrics } from '../observe/metrics.ts';
import { compilePolicy } from '../policy.ts';
import { readToken } from '../token/read.ts';
import { type ExplainInput, type Explanation, explain } from './explain.ts';
import { readGiven } from './given.ts';

/** Explains with a config and no running sidecar: the keys of the token's issuer are fetched. */
export async function explainOffline(
  input: ExplainInput,
  { config, proxy }: Pick<Loaded, 'config' | 'proxy'>,
): Promise<Explanation> {
  const clock = systemClock;
  const logger = createLogger({ level: 'silent' });
  const metrics = createMetrics({ version: '' });
  // What the issuer publishes is asked for, and the file is a running sidecar's.
  const issuers = config.issuers.map((each) => ({ ...each, keys: { ...each.keys, cacheFile: null } }));
  const keySets = createKeySets(issuers, { clock, logger, metrics, proxy, onWithdrawn: () => {} });
  const policy = compilePolicy(config, { keySets: keySets.all, clock, subjectKey: randomBytes(32) });
  const token = readToken(readGiven(input.token), config.token.maxSize);
  const index = isRefusal(token) ? -1 : config.issuers.findIndex(({ issuer }) => issuer === token.issuer);
  try {
    await keySets.all[index]?.start();
    return await explain(input, { policy, clock });
  } finally {
    keySets.close();
    policy.upstreams.destroy();
  }
}
