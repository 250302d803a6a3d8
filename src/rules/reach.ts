import { servedMethods } from './methods.ts';
import type { Pattern, PatternSegment } from './pattern.ts';

/** What decides whether a rule is reached: which requests it matches, and its place among the others. */
export interface ReachRule {
  readonly index: number;
  readonly pattern: Pattern;
  /** As `decidedMethods` has them; null: all. */
  readonly methods: ReadonlySet<string> | null;
}

export interface ReachOptions {
  /** What two literals have in common that match the same segments. */
  key(literal: string): string;
  readonly trailingSlash: 'ignore' | 'strict';
}

/** A way through the trie that a pattern allows. */
interface Way {
  readonly node: Node;
  readonly taken: readonly PatternSegment[];
  /** Whether it has a literal where the pattern takes others too. */
  readonly narrowed: boolean;
}

/** The rules that decide the requests of some kind: the index of one for each group of methods. `nobody` where no rule matches. */
export type Deciders = readonly number[];

/** Greater than every index. */
export const nobody = 2 ** 30;

/** A place in the trie of all paths, with the first rule for each method that ends there or is open there. */
interface Node {
  /** The segment that leads here, as a rule writes it. */
  readonly segment: PatternSegment;
  readonly literals: Map<string, Node>;
  parameter: Node | null;
  ends: number[] | null;
  opens: number[] | null;
}

/**
 * Tells which rules decide the requests that a pattern matches.
 *
 * Paths are without number, but few of them have to be looked at. Take a segment that no rule writes as a literal: of
 * all segments that fit a parameter or a `*`, it is the one that the fewest rules match, and whatever rule matches it
 * matches every other segment in its place too. So a rule that never decides a path with such segments never decides
 * at all. What remains is the length of the path, up to that of the longest rule.
 */
export class Reach {
  readonly #root = createNode(parameter);
  /** The methods that all rules decide alike are one group: each that is named, and all others together. */
  readonly groups: readonly (readonly string[])[];
  /** The groups of the methods that rules name. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #all: readonly number[];
  readonly #strict: boolean;
  readonly #key: ReachOptions['key'];
  #visits = 0;

  constructor(rules: readonly ReachRule[], { key, trailingSlash }: ReachOptions) {
    const named = new Set(rules.flatMap(({ methods }) => [...(methods ?? [])]));
    this.#places = new Map([...named].map((method, place) => [method, place]));
    const others = servedMethods.filter((method) => !named.has(method));
    this.groups = [...[...named].map((method) => [method]), ...(others.length > 0 ? [others] : [])];
    this.#all = [...this.groups.keys()];
    this.#strict = trailingSlash === 'strict';
    this.#key = key;
    for (const rule of rules) this.#insert(rule);
  }

  /** How many places of the trie were looked at: what a check of many rules costs. */
  get visits(): number {
    return this.#visits;
  }

  /**
   * The earlier rules that decide in the place of a rule, or null where it decides a request itself. `rule` must be
   * one of those that were given.
   */
  findDeciders({ index, pattern, methods }: ReachRule): readonly number[] | null {
    const places = this.#placesOf(methods);
    const deciders = new Set<number>();
    const reached = this.#walk(pattern, { places, below: index }, (first) => {
      for (const place of places) {
        const decider = first[place] as number;
        if (decider >= index) return true;
        deciders.add(decider);
      }
      return false;
    });
    return reached ? null : [...deciders].sort((a, b) => a - b);
  }

  /** Calls back for each kind of path that a pattern matches. */
  everyKind(pattern: Pattern, visit: (deciders: Deciders) => void): void {
    this.#walk(pattern, { places: this.#all, below: -1 }, (first) => {
      visit(first);
      return false;
    });
  }

  /**
   * What rules match of a pattern, where that is less than all paths of a kind: the pattern itself, with literals of
   * theirs in it or after it.
   *
   * @param most - how many places of the trie are looked at
   */
  *narrower(pattern: Pattern, most: number): Generator<Pattern> {
    const { open } = pattern;
    const segments = this.#segmentsOf(pattern);
    if (!open && segments.every((segment) => 'literal' in segment)) return;
    const limit = this.#visits + most;
    const pending: Way[] = [{ node: this.#root, taken: [], narrowed: false }];
    for (let way = pending.pop(); way !== undefined && this.#visits < limit; way = pending.pop()) {
      this.#visits++;
      const { node, taken, narrowed } = way;
      const rest = segments.slice(taken.length);
      if (narrowed && (node.opens !== null || (node.ends !== null && rest.length === 0))) {
        yield { segments: [...taken, ...rest], open: open && node.opens !== null, parameters: [] };
      }
      if (rest.length > 0 || open) pending.push(...this.#further(way, rest[0]));
    }
  }

  /** One segment further on, where the pattern has this one; undefined: it is open, and anything may follow. */
  #further({ node, taken, narrowed }: Way, segment: PatternSegment | undefined): Way[] {
    const ways: Way[] = [];
    if (segment !== undefined && 'literal' in segment) {
      const { literal } = segment;
      for (const next of this.#step([node], literal))
        ways.push({ node: next, taken: [...taken, segment], narrowed });
      return ways;
    }
    if (node.parameter !== null) ways.push({ node: node.parameter, taken: [...taken, parameter], narrowed });
    for (const next of node.literals.values()) {
      if (isEmpty(next.segment) && segment !== undefined) continue;
      ways.push({ node: next, taken: [...taken, next.segment], narrowed: true });
    }
    return ways;
  }

  /** Whether a pattern matches all that another does. */
  includes(outer: Pattern, inner: Pattern): boolean {
    const all = this.#segmentsOf(outer);
    const some = this.#segmentsOf(inner);
    if (!outer.open && (inner.open || all.length !== some.length)) return false;
    return all.every((segment, at) => {
      const other = some[at];
      if (other === undefined) return false;
      if ('parameter' in segment) return !isEmpty(other);
      return 'literal' in other && this.#key(other.literal) === this.#key(segment.literal);
    });
  }

  /** The places where a segment leads: null is one that no rule writes. */
  #step(nodes: readonly Node[], literal: string | null): Node[] {
    const next: Node[] = [];
    for (const node of nodes) {
      this.#visits++;
      const child = literal === null ? undefined : node.literals.get(this.#key(literal));
      if (child !== undefined) next.push(child);
      if (node.parameter !== null && literal !== '') next.push(node.parameter);
    }
    return next;
  }

  /** Calls back with the first rule for each method, for each kind of path, until it answers true. */
  #walk(
    pattern: Pattern,
    { places, below }: { readonly places: readonly number[]; readonly below: number },
    visit: (first: readonly number[]) => boolean,
  ): boolean {
    const segments = this.#segmentsOf(pattern);
    const opened = this.#all.map(() => nobody);
    const enter = (nodes: readonly Node[]) => {
      for (const { opens } of nodes) keepFirst(opened, opens);
      return nodes;
    };
    const endAt = (nodes: readonly Node[]): boolean => {
      const first = opened.slice();
      for (const { ends } of nodes) keepFirst(first, ends);
      return visit(first);
    };
    let nodes = enter([this.#root]);
    for (const segment of segments) {
      nodes = enter(this.#step(nodes, 'literal' in segment ? segment.literal : null));
    }
    if (!pattern.open) return endAt(nodes);
    for (let length = segments.length; ; length++) {
      // There is no path without any segment: that of the root is one that is empty.
      if (length > 0 && endAt(nodes)) return true;
      if ((length === 0 || this.#strict) && endAt(nodes.flatMap(({ literals }) => literals.get('') ?? []))) {
        return true;
      }
      if (nodes.length === 0 || places.every((place) => (opened[place] as number) < below)) return false;
      nodes = enter(this.#step(nodes, null));
    }
  }

  /** Those of a pattern, without a slash at its end that says nothing. */
  #segmentsOf({ segments }: Pattern): readonly PatternSegment[] {
    const isSlashed = segments.length > 1 && isEmpty(segments.at(-1));
    return isSlashed && !this.#strict ? segments.slice(0, -1) : segments;
  }

  #insert({ index, pattern, methods }: ReachRule): void {
    let node = this.#root;
    for (const segment of this.#segmentsOf(pattern)) {
      if ('parameter' in segment) {
        node.parameter ??= createNode(parameter);
        node = node.parameter;
        continue;
      }
      const key = this.#key(segment.literal);
      const next = node.literals.get(key) ?? createNode(segment);
      node.literals.set(key, next);
      node = next;
    }
    const field = pattern.open ? 'opens' : 'ends';
    const first = node[field] ?? this.#all.map(() => nobody);
    node[field] = first;
    for (const place of this.#placesOf(methods)) first[place] = Math.min(first[place] as number, index);
  }

  #placesOf(methods: ReadonlySet<string> | null): readonly number[] {
    return methods === null ? this.#all : [...methods].map((method) => this.#places.get(method) as number);
  }
}

const parameter: PatternSegment = { parameter: '' };

function isEmpty(segment: PatternSegment | undefined): boolean {
  return segment !== undefined && 'literal' in segment && segment.literal === '';
}

function createNode(segment: PatternSegment): Node {
  return { segment, literals: new Map(), parameter: null, ends: null, opens: null };
}

/** Puts the smaller of each pair into the first. */
function keepFirst(first: number[], other: readonly number[] | null): void {
  if (other === null) return;
  for (let place = 0; place < first.length; place++) {
    if ((other[place] as number) < (first[place] as number)) first[place] = other[place] as number;
  }
}
