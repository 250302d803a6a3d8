import type { Params } from '../claims/match.ts';
import type { Refusal } from '../errors.ts';
import { foldSegment } from '../path/fold.ts';
import type { Rule, RulesOptions } from './compile.ts';
import { createGuard } from './guard.ts';
import { createTrie } from './trie.ts';

export interface RuleMatch {
  readonly rule: Rule;
  /** The path's parameters, percent-decoded. */
  readonly params: Params;
}

/** A path that a server behind us could take for one that another rule decides. */
export interface Ambiguity extends Refusal {
  readonly refused: 'path_ambiguous';
  readonly rule?: never;
  /** The rule that matches the path as it is written; null: none does. */
  readonly written: Rule | null;
  /** The rule that it would meet if the server compared less exactly; null: none. */
  readonly near: Rule | null;
}

export interface RuleTable {
  /**
   * The first rule, in the order of the config, that matches a method and a canonical path. Null: none does. An
   * ambiguity where `paths.case` forbids to go by that: such a request is refused, whatever either rule says.
   */
  match(method: string, path: string): RuleMatch | Ambiguity | null;
}

const noParams: Params = Object.freeze(Object.create(null));

/** Builds the table. Rules must come in the order of the config. */
export function createTable(rules: readonly Rule[], options: RulesOptions): RuleTable {
  const { trailingSlash } = options;
  const keyOf = options.case === 'insensitive' ? foldSegment : null;
  const trie = createTrie(rules, { trailingSlash, keyOf: keyOf ?? ((literal) => literal) });
  const guard = options.case === 'sensitive' ? null : createGuard(rules, trie, options.case, trailingSlash);

  return {
    match(method, path) {
      const segments = path.split('/', trie.limit);
      const rule = trie.find(method, keyOf === null ? segments : segments.map(keyOf));
      const near = guard === null ? rule : guard(method, path, rule);
      if (near !== rule) return { refused: 'path_ambiguous', written: rule, near };
      return rule === null ? null : { rule, params: readParams(rule, segments) };
    },
  };
}

function readParams(rule: Rule, segments: readonly string[]): Params {
  const { parameters } = rule.pattern;
  if (parameters.length === 0) return noParams;
  const params = Object.create(null) as Record<string, string>;
  for (const { name, position } of parameters) params[name] = decodeURIComponent(segments[position] ?? '');
  return params;
}
