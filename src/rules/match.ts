import type { Params } from '../claims/match.ts';
import type { Rule, RulesOptions } from './compile.ts';
import { fold } from './fold.ts';

export interface RuleMatch {
  readonly rule: Rule;
  /** The path's parameters, percent-decoded. */
  readonly params: Params;
}

export interface RuleTable {
  /** The first rule, in the order of the config, that matches a method and a canonical path. */
  match(method: string, path: string): RuleMatch | null;
}

/** A place in the trie of all paths. Each is visited at most once a look-up, so that many rules cost no more than one. */
interface Node {
  readonly literals: Map<string, Node>;
  parameter: Node | null;
  /** Rules that end here. */
  readonly ends: Firsts;
  /** Rules that end here in `/*`. */
  readonly opens: Firsts;
}

/** Of all rules with one path, those that can decide: the first for each method and the first for all. */
interface Firsts {
  readonly byMethod: Map<string, Rule>;
  forAll: Rule | null;
}

const noParams: Params = Object.freeze(Object.create(null));

/** Builds the table. Rules must come in the order of the config. */
export function createTable(rules: readonly Rule[], options: RulesOptions): RuleTable {
  const { caseSensitive } = options;
  const ignoreSlash = options.trailingSlash === 'ignore';
  const root = createNode();
  for (const rule of rules) insert(root, rule, options);
  // What lies deeper than every rule need not be split; the spare places keep a cut from looking like an end.
  const limit = Math.max(0, ...rules.map(({ pattern }) => pattern.segments.length)) + 3;

  return {
    match(method, path) {
      const segments = path.split('/', limit);
      if (ignoreSlash && segments.length > 2 && segments.at(-1) === '') segments.pop();
      const keys = caseSensitive ? segments : segments.map(fold);
      const rule = find(root, keys, 1, method, null);
      return rule === null ? null : { rule, params: readParams(rule, segments) };
    },
  };
}

function createNode(): Node {
  return { literals: new Map(), parameter: null, ends: createFirsts(), opens: createFirsts() };
}

function createFirsts(): Firsts {
  return { byMethod: new Map(), forAll: null };
}

function insert(root: Node, rule: Rule, { caseSensitive, trailingSlash }: RulesOptions): void {
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
    const key = caseSensitive ? segment.literal : fold(segment.literal);
    const next = node.literals.get(key) ?? createNode();
    node.literals.set(key, next);
    node = next;
  }
  add(open ? node.opens : node.ends, rule);
}

function add(firsts: Firsts, rule: Rule): void {
  if (rule.methods === null) firsts.forAll ??= rule;
  for (const method of rule.methods ?? []) {
    if (!firsts.byMethod.has(method)) firsts.byMethod.set(method, rule);
  }
}

/** Walks all branches that the segments from `at` on fit, and keeps the rule that stands first. */
function find(
  node: Node,
  segments: readonly string[],
  at: number,
  method: string,
  best: Rule | null,
): Rule | null {
  const found = earliest(node.opens, method, best);
  const segment = segments[at];
  if (segment === undefined) return earliest(node.ends, method, found);
  const literal = node.literals.get(segment);
  const below = literal === undefined ? found : find(literal, segments, at + 1, method, found);
  if (node.parameter === null || segment === '') return below;
  return find(node.parameter, segments, at + 1, method, below);
}

function earliest(firsts: Firsts, method: string, best: Rule | null): Rule | null {
  return earlier(firsts.byMethod.get(method) ?? null, earlier(firsts.forAll, best));
}

function earlier(a: Rule | null, b: Rule | null): Rule | null {
  if (a === null) return b;
  return b === null || a.index < b.index ? a : b;
}

function readParams(rule: Rule, segments: readonly string[]): Params {
  const { parameters } = rule.pattern;
  if (parameters.length === 0) return noParams;
  const params = Object.create(null) as Record<string, string>;
  for (const { name, position } of parameters) params[name] = decodeURIComponent(segments[position] ?? '');
  return params;
}
