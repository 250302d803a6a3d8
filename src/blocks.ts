import type { Clock } from './clock.ts';
import type { FailureLimit } from './limit/failures.ts';
import type { Logger } from './observe/logger.ts';
import type { BlockedNetwork } from './status.ts';

/** The clients that the failure limit blocks, for those who may see and release them. */
export interface Blocks {
  /** The latest first. None where the failure limit is switched off. */
  list(page: { readonly limit: number; readonly offset: number }): {
    readonly blocks: readonly BlockedNetwork[];
    /** Of all that are blocked now. */
    readonly total: number;
  };
  /**
   * Ends a block, and says so in the log.
   *
   * @param text - a network as `list` has it, or any address in it
   * @returns the network; null: it is not blocked
   */
  release(text: string): string | null;
}

export interface BlocksParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The failure limit in force; null: it is switched off. */
  failures(): FailureLimit | null;
}

export function createBlocks({ clock, logger, failures }: BlocksParts): Blocks {
  return {
    list({ limit, offset }) {
      const now = clock.now();
      const iso = (epochMilliseconds: number) => new Date(epochMilliseconds).toISOString();
      const blocks = failures()?.latestBlocks(limit, offset) ?? [];
      return {
        blocks: blocks.map(({ network, ageMs, remainingMs }) => ({
          network,
          since: iso(now - ageMs),
          until: iso(now + remainingMs),
          remainingMs: Math.ceil(remainingMs),
        })),
        total: failures()?.blockedClients() ?? 0,
      };
    },
    release(text) {
      const network = failures()?.release(text) ?? null;
      if (network !== null) logger.info({ msg: 'block released', network });
      return network;
    },
  };
}
