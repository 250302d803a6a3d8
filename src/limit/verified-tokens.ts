/** 64 bits of a token's SHA-256, as two unsigned integers. Both being 0 marks a slot that is free. */
interface Print {
  readonly high: number;
  readonly low: number;
}

/** A part of the set: an open-addressing table of a fixed size, two integers a slot. */
interface Part {
  readonly slots: Uint32Array;
  /** How many prints it may hold. At that load the table is still at most two thirds full. */
  readonly most: number;
  size: number;
}

/** A set is made of this many full parts, and of the one that is being filled. */
const fullParts = 4;

/**
 * Remembers tokens that were verified once, by 64 bits of their SHA-256: 8 bytes a slot and no object for a token. It
 * grows by parts, so that no table is ever copied, and forgets the part that is oldest, so that it holds the last
 * `capacity` tokens at least and a quarter more at most. A token that is added again keeps its age.
 */
export class VerifiedTokens {
  readonly #capacity: number;
  /** The oldest first; the last one is being filled. */
  readonly #parts: Part[];

  /**
   * @param capacity - how many tokens are remembered at least
   * @param previous - a set whose tokens are taken over, after a reload
   */
  constructor(capacity: number, previous?: VerifiedTokens) {
    this.#capacity = capacity;
    this.#parts = previous === undefined ? [] : [...previous.#parts];
    this.#forget();
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.#parts.reduce((sum, { size }) => sum + size, 0);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** @param digest - the SHA-256 of the token */
  has(digest: Uint8Array): boolean {
    const print = readPrint(digest);
    return this.#parts.some((part) => isAt(part, print, find(part, print)));
  }

  /** @param digest - the SHA-256 of the token */
  add(digest: Uint8Array): void {
    if (this.has(digest)) return;
    const print = readPrint(digest);
    let part = this.#parts.at(-1);
    if (part === undefined || part.size >= part.most) {
      part = createPart(Math.ceil(this.#capacity / fullParts));
      this.#parts.push(part);
      this.#forget();
    }
    const at = find(part, print);
    part.slots[at] = print.high;
    part.slots[at + 1] = print.low;
    part.size++;
  }

  #forget(): void {
    for (let oldest = this.#parts[0]; oldest !== undefined; oldest = this.#parts[0]) {
      if (this.#parts.length === 1 || this.size - oldest.size < this.#capacity) return;
      this.#parts.shift();
    }
  }
}

function createPart(most: number): Part {
  const slots = 2 ** Math.ceil(Math.log2(most * 1.5));
  return { slots: new Uint32Array(2 * slots), most, size: 0 };
}

function readPrint(digest: Uint8Array): Print {
  const view = new DataView(digest.buffer, digest.byteOffset, 8);
  const high = view.getUint32(0);
  const low = view.getUint32(4);
  return { high, low: high === 0 && low === 0 ? 1 : low };
}

/** Where a print is, or the free slot where it would be. */
function find(part: Part, print: Print): number {
  const { slots } = part;
  let at = (2 * print.low) % slots.length;
  while ((slots[at] !== 0 || slots[at + 1] !== 0) && !isAt(part, print, at)) at = (at + 2) % slots.length;
  return at;
}

function isAt({ slots }: Part, { high, low }: Print, at: number): boolean {
  return slots[at] === high && slots[at + 1] === low;
}
