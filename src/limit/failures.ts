import { hash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
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
  /** At most so many of the blocks that began last, the latest first, without the first `skip` of them. */
  latestBlocks(most: number, skip?: number): readonly Block[];
  /**
   * Ends a block before its time. The count of this client begins anew.
   *
   * @param text the network as `latestBlocks` has it, or any address in it
   * @returns the network; null: it is not blocked
   */
  release(text: string): string | null;
}

export interface Block {
  /** The first address of the network that is blocked. */
  readonly address: string;
  /** The network: an address alone where the prefix is the whole address, otherwise CIDR notation. */
  readonly network: string;
  /** Milliseconds since it began. */
  readonly ageMs: number;
  /** Milliseconds that it still lasts. */
  readonly remainingMs: number;
}

/**
 * Prints are numbers, and no list is made for one alone: a flood from 100,000 networks fills the table with clients
 * that failed once.
 */
interface Count {
  readonly endsAt: number;
  readonly first: number;
  others: number[] | null;
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

  const prefixOf = (key: string): number | null =>
    isIPv4(key) ? options.ipv4Prefix : isIPv6(key) ? options.ipv6Prefix : null;
  const networkOf = (key: string): string => {
    const prefix = prefixOf(key);
    return prefix === null || prefix === (isIPv4(key) ? 32 : 128) ? key : `${key}/${prefix}`;
  };
  const dropEnded = (now: number): void => {
    for (let first = blocks.oldest(); first && first.value <= now; first = blocks.oldest()) {
      blocks.delete(first.key);
    }
  };
  const makeRoom = (): void => {
    if (counts.size + blocks.size < maxClients) return;
    const counted = counts.oldest();
    const block = blocks.oldest();
    if (counted) counts.delete(counted.key);
    else if (block) blocks.delete(block.key);
  };
  /** How many distinct tokens have failed in this window, this one included. */
  const count = (key: string, print: number, now: number): number => {
    const counted = counts.get(key);
    if (counted === undefined || counted.endsAt <= now) {
      counts.delete(key);
      makeRoom();
      counts.add(key, { endsAt: now + window, first: print, others: null });
      return 1;
    }
    if (counted.first !== print && !counted.others?.includes(print)) {
      if (counted.others === null) counted.others = [print];
      else counted.others.push(print);
    }
    return 1 + (counted.others?.length ?? 0);
  };

  return {
    get size() {
      return counts.size + blocks.size;
    },
    blockedFor(address) {
      if (blocks.size === 0) return 0;
      const endsAt = blocks.get(keyOf(address));
      return endsAt === undefined ? 0 : Math.max(0, secondsUntil(endsAt, clock.elapsed()));
    },
    failed(address, token) {
      const now = clock.elapsed();
      dropEnded(now);
      const key = keyOf(address);
      if (blocks.get(key) !== undefined) return false;
      const print = hash('sha256', token, 'buffer').readUIntBE(0, 6);
      if (count(key, print, now) < max) return false;
      counts.delete(key);
      blocks.add(key, now + blockFor);
      return true;
    },
    blockedClients() {
      dropEnded(clock.elapsed());
      return blocks.size;
    },
    latestBlocks(most, skip = 0) {
      const now = clock.elapsed();
      dropEnded(now);
      return blocks
        .youngest(skip + most)
        .slice(skip)
        .map(({ key, value }) => ({
          address: key,
          network: networkOf(key),
          ageMs: now - (value - blockFor),
          remainingMs: value - now,
        }));
    },
    release(text) {
      dropEnded(clock.elapsed());
      const slash = text.indexOf('/');
      const key = keyOf(slash < 0 ? text : text.slice(0, slash));
      if (slash >= 0 && text.slice(slash + 1) !== String(prefixOf(key))) return null;
      if (blocks.get(key) === undefined) return null;
      blocks.delete(key);
      counts.delete(key);
      return networkOf(key);
    },
  };
}

function secondsUntil(endsAt: number, now: number): number {
  return Math.ceil((endsAt - now) / 1000);
}
