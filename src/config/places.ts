import { formatPath, type Path } from './path.ts';

/** Places of a config, asked for in a time that does not grow with their number: a config may have a fault a line. */
export class Places {
  readonly #exact = new Set<string>();
  /** They and all that is around them. */
  readonly #around = new Set<string>();

  constructor(paths: readonly Path[] = []) {
    for (const path of paths) this.add(path);
  }

  add(path: Path): void {
    this.#exact.add(formatPath(path));
    for (let length = 0; length <= path.length; length++) this.#around.add(formatPath(path.slice(0, length)));
  }

  /** Whether a place is one of them. */
  has(path: Path): boolean {
    return this.#exact.has(formatPath(path));
  }

  /** Whether a place is one of them or lies within one. */
  hold(path: Path): boolean {
    return prefixes(path).some((each) => this.#exact.has(each));
  }

  /** Whether a place is one of them, lies within one, or has one within. */
  touch(path: Path): boolean {
    return this.#around.has(formatPath(path)) || this.hold(path);
  }
}

function prefixes(path: Path): string[] {
  return Array.from({ length: path.length + 1 }, (_, length) => formatPath(path.slice(0, length)));
}
