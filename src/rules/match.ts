import type { Params } from '../claims/match.ts';
import type { Rule, RulesOptions } from './compile.ts';

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
  /** Rules that end here, in their order. */
  readonly ends: Rule[];
  /** Rules that end here in `/*`, in their order. */
  readonly opens: Rule[];
}

const noParams: Params = Object.freeze(Object.create(null));

/** Builds the table. Rules must come in the order of the config. */
export function createTable(rules: readonly Rule[], options: RulesOptions): RuleTable {
  const { caseSensitive, trailingSlash } = options;
  const spell = (segment: string) => (caseSensitive ? segment : segment.toLowerCase());
  const split = (path: string): readonly string[] => {
    const segments = path.split('/');
    segments.shift();
    if (trailingSlash === 'ignore' && segments.length > 1 && segments.at(-1) === '') segments.pop();
    return segments;
  };
  const root = createNode();
  for (const rule of rules) insert(root, rule, trailingSlash === 'ignore', spell);

  return {
    match(method, path) {
      const segments = split(path);
      const rule = find(root, segments, method, spell);
      return rule === null ? null : { rule, params: readParams(rule, segments) };
    },
  };
}

function createNode(): Node {
  return { literals: new Map(), parameter: null, ends: [], opens: [] };
}

function insert(root: Node, rule: Rule, ignoreSlash: boolean, spell: (segment: string) => string): void {
  const { open } = rule.pattern;
  const segments = [...rule.pattern.segments];
  const last = segments.at(-1);
  // Where a trailing slash says nothing, `/a/` is written as `/a`; the root alone stays as it is.
  if (ignoreSlash && segments.length > 1 && last && 'literal' in last && last.literal === '') segments.pop();
  let node = root;
  for (const segment of segments) node = descend(node, segment, spell);
  (open ? node.opens : node.ends).push(rule);
}

function descend(
  node: Node,
  segment: Rule['pattern']['segments'][number],
  spell: (text: string) => string,
): Node {
  if ('parameter' in segment) {
    node.parameter ??= createNode();
    return node.parameter;
  }
  const key = spell(segment.literal);
  const next = node.literals.get(key) ?? createNode();
  node.literals.set(key, next);
  return next;
}

/** Walks all branches that the path fits, level by level, and keeps the rule that stands first. */
function find(
  root: Node,
  segments: readonly string[],
  method: string,
  spell: (s: string) => string,
): Rule | null {
  let level: Node[] = [root];
  let best: Rule | null = null;
  for (const segment of segments) {
    const key = spell(segment);
    const next: Node[] = [];
    for (const node of level) {
      best = first(node.opens, method, best);
      const literal = node.literals.get(key);
      if (literal) next.push(literal);
      if (node.parameter && segment !== '') next.push(node.parameter);
    }
    if (next.length === 0) return best;
    level = next;
  }
  for (const node of level) {
    best = first(node.opens, method, best);
    best = first(node.ends, method, best);
  }
  return best;
}

function first(rules: readonly Rule[], method: string, best: Rule | null): Rule | null {
  for (const rule of rules) {
    if (best !== null && best.index < rule.index) return best;
    if (rule.methods === null || rule.methods.has(method)) return rule;
  }
  return best;
}

function readParams(rule: Rule, segments: readonly string[]): Params {
  let params: Record<string, string> | null = null;
  rule.pattern.segments.forEach((segment, index) => {
    if (!('parameter' in segment)) return;
    params ??= Object.create(null) as Record<string, string>;
    params[segment.parameter] = decodeURIComponent(segments[index] ?? '');
  });
  return params ?? noParams;
}
