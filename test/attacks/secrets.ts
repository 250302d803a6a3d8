/** Characters of a token that, found together anywhere, betray it. */
const window = 16;
/** Fewer different characters in a window, and it could stand in a log by chance. */
const variety = 6;

/** Remembers tokens, to find any sixteen characters in a row of one of them elsewhere. */
export class Secrets {
  readonly #windows = new Set<string>();

  /** A token as it was minted or sent, well formed or not. */
  add(token: string): void {
    for (const run of token.match(/[\w+/-]{16,}/g) ?? []) {
      for (const piece of windows(run)) {
        if (new Set(piece).size >= variety) this.#windows.add(piece);
      }
    }
  }

  /** Whatever in the bytes of a request stands where a token does, or looks like one. */
  addSent(bytes: string): void {
    for (const [, token = ''] of bytes.matchAll(/\bbearer[ \t]+([^\r\n]+)/gi)) this.add(token);
    for (const [token] of bytes.matchAll(/eyJ[\w-]{13,}\.[\w-]{16,}(?:\.[\w-]*)?/g)) this.add(token);
  }

  /** The first texts in which something of a token stands, shortened around it. */
  leaks(texts: Iterable<string>): string[] {
    const leaks: string[] = [];
    for (const text of texts) {
      for (const run of text.match(/[\w+/-]{16,}/g) ?? []) {
        const found = windows(run).find((piece) => this.#windows.has(piece));
        if (found !== undefined) leaks.push(text.slice(Math.max(0, text.indexOf(found) - 80)).slice(0, 200));
      }
    }
    return leaks;
  }
}

function windows(run: string): string[] {
  return Array.from({ length: run.length - window + 1 }, (_, at) => run.slice(at, at + window));
}
