import { type Access, compileAccess } from './admin-access.ts';
import type { Clock } from './clock.ts';
import type { Loaded } from './config/complete.ts';
import type { Config } from './config/schema.ts';
import { createKeySets, type KeySets, type KeySetsOptions } from './key-sets.ts';
import { compilePolicy, type Policy, rulesOptions } from './policy.ts';
import { compileRulesInSlices } from './rules/compile.ts';
import { type ReadTls, readTls } from './tls.ts';

/** A config and all that is made of it: what a reload replaces, as a whole. */
export interface InForce {
  readonly config: Config;
  /** Where it came from: a file's path, `environment` or `object`. */
  readonly source: string;
  /** Epoch milliseconds. */
  readonly loadedAt: number;
  readonly keySets: KeySets;
  readonly policy: Policy;
  readonly access: Access;
  /** Of the traffic port; null: plain HTTP. */
  readonly tls: ReadTls | null;
}

export interface InForceParts extends KeySetsOptions {
  readonly clock: Clock;
  /** Of `log.subject: hash`. */
  readonly subjectKey: Uint8Array;
}

type From = Pick<Loaded, 'config' | 'source'>;

/** Compiles the first config. Throws where a file that it names cannot be read. */
export function compileInForce({ config, source }: From, parts: InForceParts): InForce {
  const keySets = createKeySets(config.issuers, parts);
  return {
    config,
    source,
    loadedAt: parts.clock.now(),
    keySets,
    policy: compilePolicy(config, { ...parts, keySets: keySets.all }),
    access: compileAccess(config.admin),
    tls: config.listen.tls && readTls(config.listen.tls),
  };
}

/**
 * Compiles another config in place of one in force. Rejects where a file cannot be used or an issuer would lose its
 * keys; then nothing has changed. Once it has resolved nothing can fail any more.
 */
export async function compileNext(
  { config, source }: From,
  before: InForce,
  parts: InForceParts,
): Promise<InForce> {
  const access = compileAccess(config.admin);
  const tls = config.listen.tls && readTls(config.listen.tls);
  // Ten thousand rules take longer to compile than a request may wait.
  const rules = await compileRulesInSlices(config.rules, rulesOptions(config));
  const keySets = await before.keySets.change(config.issuers);
  try {
    const policy = compilePolicy(config, { ...parts, keySets: keySets.all, rules, previous: before.policy });
    return { config, source, loadedAt: parts.clock.now(), keySets, policy, access, tls };
  } catch (error) {
    keySets.close(before.keySets);
    throw error;
  }
}
