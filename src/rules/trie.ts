import type { Pattern } from './pattern.ts';

/** What can be found by method and path. */
export interface Placed {
  /** Its place in the config: the first that matches wins. */
  readonly index: number;
  readonly pattern: Pattern;
  /** Null: all. */
  readonly methods: ReadonlySet<string> | null;
}

/** All paths of the rules, split into segments. Each place is visited at most once a look-up, so that many rules cost no more than one. */
export interface Trie<R extends Placed> {
  /** The first rule, in the order of the config, that matches a method and a path of these keys. */
  find(method: string, keys: readonly string[]): R | null;
  /** No deeper segment of a path can decide anything. */
  readonly limit: number;
}

export interface TrieOptions {
  readonly trailingSlash: 'ignore' | 'strict';
  /** What a literal segment of a rule's path is compared by. */
  readonly keyOf: (literal: string) => string;
}

interface Node<R> {
  readonly literals: Map<string, Node<R>>;
  parameter: Node<R> | null;
  /** Rules that end here. */
  readonly ends: Firsts<R>;
  /** Rules that end here in `/*`. */
  readonly opens: Firsts<R>;
}

/** Of all rules with one path, those that can decide: the first for each method and the first for all. */
interface Firsts<R> {
  readonly byMethod: Map<string, R>;
  forAll: R | null;
}

/** Builds the trie. Rules must come in the order of the config. */
export function createTrie<R extends Placed>(rules: readonly R[], options: TrieOptions): Trie<R> {
  const ignoreSlash = options.trailingSlash === 'ignore';
  const root = createNode<R>();
  for (const rule of rules) insert(root, rule, options);
  const deepest = rules.reduce((most, { pattern }) => Math.max(most, pattern.segments.length), 0);
  return {
    // The spare places keep a cut from looking like an end.
    limit: deepest + 3,
    find(method, keys) {
      const slashed = ignoreSlash && keys.length > 2 && keys[keys.length - 1] === '';
      return find(root, keys, slashed ? keys.length - 1 : keys.length, 1, method, null);
    },
  };
}

function createNode<R>(): Node<R> {
  return { literals: new Map(), parameter: null, ends: createFirsts(), opens: createFirsts() };
}

function createFirsts<R>(): Firsts<R> {
  return { byMethod: new Map(), forAll: null };
}

function insert<R extends Placed>(root: Node<R>, rule: R, { keyOf, trailingSlash }: TrieOptions): void {
  const { segments, open } = rule.pattern;
  let node = root;
  for (const [index, segment] of segments.entries()) {
    if ('parameter' in segment) {
      node.parameter ??= createNode();
      node = node.parameter;
      continue;
    }
    // Where a trailing slash says nothing, `/a/` is written as `/a`; the root alone stays as it is.
    if (segment.literal === '' && index > 0 && trailingSlash === 'ignore') break;
    const key = keyOf(segment.literal);
    const next = node.literals.get(key) ?? createNode();
    node.literals.set(key, next);
    node = next;
  }
  add(open ? node.opens : node.ends, rule);
}

function add<R extends Placed>(firsts: Firsts<R>, rule: R): void {
  if (rule.methods === null) firsts.forAll ??= rule;
  for (const method of rule.methods ?? []) {
    if (!firsts.byMethod.has(method)) firsts.byMethod.set(method, rule);
  }
}

/** Walks all branches that the keys from `at` to `end` fit, and keeps the rule that stands first. */
function find<R extends Placed>(
  node: Node<R>,
  keys: readonly string[],
  end: number,
  at: number,
  method: string,
  best: R | null,
): R | null {
  const found = earliest(node.opens, method, best);
  if (at === end) return earliest(node.ends, method, found);
  const key = keys[at] as string;
  const literal = node.literals.get(key);
  const below = literal === undefined ? found : find(literal, keys, end, at + 1, method, found);
  if (node.parameter === null || key === '') return below;
  return find(node.parameter, keys, end, at + 1, method, below);
}

function earliest<R extends Placed>(firsts: Firsts<R>, method: string, best: R | null): R | null {
  return earlier(firsts.byMethod.get(method) ?? null, earlier(firsts.forAll, best));
}

function earlier<R extends Placed>(a: R | null, b: R | null): R | null {
  if (a === null) return b;
  return b === null || a.index < b.index ? a : b;
}
