import { hash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { createFifo } from '../fifo.ts';
import { compilePrefix, type PrefixOptions } from './prefix.ts';

export interface FailureLimitOptions extends PrefixOptions {
  /** Distinct failed tokens that begin a block. */
  readonly max: number;
  /** Milliseconds, from a client's first failure on; after them its count begins anew. */
  readonly window: number;
  /** Milliseconds; after them the client is forgotten. */
  readonly blockFor: number;
  /** Most clients remembered. */
  readonly maxClients: number;
}

/** Who sends forged tokens, and for how long nothing of theirs is verified. */
export interface FailureLimit {
  /** Clients remembered, counted and blocked. */
  readonly size: number;
  /** Whole seconds that an address stays blocked, at least 1; 0: it is not. */
  blockedFor(address: string): number;
  /**
   * Counts a failed token against an address; the same token counts once a window. What fails while the address is
   * blocked, because it was under way before, changes nothing.
   *
   * @param token what tells tokens apart: the token or a hash of it; 48 bits of its SHA-256 are kept
   * @returns whether this failure began a block
   */
  failed(address: string, token: string): boolean;
  blockedClients(): number;
  /** At most so many of the blocks that began last, the latest first. */
  latestBlocks(most: number): readonly Block[];
}

export interface Block {
  /** The network that is blocked, by its first address. */
  readonly network: string;
  /** Whole seconds that it still lasts, at least 1. */
  readonly seconds: number;
}

interface Count {
  readonly endsAt: number;
  /** Numbers rather than text: one client in each of 100,000 networks could otherwise fill memory with hashes. */
  readonly tokens: number[];
}

/**
 * Creates an empty failure limit. It holds at most `maxClients` networks: to make room the oldest count goes before
 * any block does, so that hopping between addresses frees nobody.
 */
export function createFailureLimit(options: FailureLimitOptions, clock: Clock): FailureLimit {
  const { max, window, blockFor, maxClients } = options;
  const keyOf = compilePrefix(options);
  const counts = createFifo<Count>();
  // When each block ends; all last equally long, so the oldest is the first to end.
  const blocks = createFifo<number>();

  const dropEnded = (now: number): void => {
    for (let first = blocks.oldest(); first && first.value <= now; first = blocks.oldest()) {
      blocks.delete(first.key);
    }
  };
  const makeRoom = (): void => {
    if (counts.size + blocks.size < maxClients) return;
    const count = counts.oldest();
    const block = blocks.oldest();
    if (count) counts.delete(count.key);
    else if (block) blocks.delete(block.key);
  };
  const countOf = (key: string, now: number): Count => {
    const count = counts.get(key);
    if (count !== undefined && count.endsAt > now) return count;
    counts.delete(key);
    makeRoom();
    const begun = { endsAt: now + window, tokens: [] };
    counts.add(key, begun);
    return begun;
  };

  return {
    get size() {
      return counts.size + blocks.size;
    },
    blockedFor(address) {
      const endsAt = blocks.get(keyOf(address));
      return endsAt === undefined ? 0 : Math.max(0, secondsUntil(endsAt, clock.elapsed()));
    },
    failed(address, token) {
      const now = clock.elapsed();
      dropEnded(now);
      const key = keyOf(address);
      if (blocks.get(key) !== undefined) return false;
      const { tokens } = countOf(key, now);
      const print = hash('sha256', token, 'buffer').readUIntBE(0, 6);
      if (!tokens.includes(print)) tokens.push(print);
      if (tokens.length < max) return false;
      counts.delete(key);
      blocks.add(key, now + blockFor);
      return true;
    },
    blockedClients() {
      dropEnded(clock.elapsed());
      return blocks.size;
    },
    latestBlocks(most) {
      const now = clock.elapsed();
      dropEnded(now);
      return blocks
        .youngest(most)
        .map(({ key, value }) => ({ network: key, seconds: secondsUntil(value, now) }));
    },
  };
}

function secondsUntil(endsAt: number, now: number): number {
  return Math.ceil((endsAt - now) / 1000);
}
