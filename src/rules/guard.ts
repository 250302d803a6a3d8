import { foldSegment } from '../path/fold.ts';
import { isOrdinary, lookAlikeKey, readings } from '../path/look-alike.ts';
import type { Rule } from './compile.ts';
import { createTrie, type Trie } from './trie.ts';

/**
 * The rule that a server could find for a path which compares less exactly than we do: that of the rule given where all
 * agree, else the first other one, or null where such a server finds none.
 */
export type Guard = (method: string, path: string, rule: Rule | null) => Rule | null;

/**
 * Compiles the second look at a path. Where the rules are written in comparison form, as nearly all are, a path that is
 * in this form as well costs no look-up, and one with capital letters costs a second one.
 */
export function createGuard(
  rules: readonly Rule[],
  exact: Trie<Rule>,
  mode: 'guarded' | 'insensitive',
  trailingSlash: 'ignore' | 'strict',
): Guard {
  const asWritten = (literal: string) => (mode === 'insensitive' ? foldSegment(literal) : literal);
  const isPlain = rules.every(({ pattern }) =>
    pattern.segments.every(
      (segment) => !('literal' in segment) || lookAlikeKey(segment.literal) === asWritten(segment.literal),
    ),
  );
  const trie = isPlain ? exact : createTrie(rules, { trailingSlash, keyOf: lookAlikeKey });
  // What no comparison form of a path can hold, or only where more than one look at it is needed.
  const remarkable = mode === 'guarded' ? /[A-Z%.$]/ : /[%.$]/;
  return (method, path, rule) => {
    if (isPlain && !remarkable.test(path)) return rule;
    if (isOrdinary(path)) return trie.find(method, path.toLowerCase().split('/', trie.limit));
    for (const keys of readings(path, trie.limit)) {
      const near = trie.find(method, keys);
      if (near !== rule) return near;
    }
    return rule;
  };
}
