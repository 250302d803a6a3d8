import { isDoubtful, lookAlikeKey } from '../path/look-alike.ts';
import { compilePattern, type PatternSegment } from '../rules/pattern.ts';
import { createTrie, type Placed, type Trie } from '../rules/trie.ts';
import type { Config } from './schema.ts';
import type { Checked, Finding } from './validate.ts';

/** No path of a request holds it, so that it is like no literal of a rule. */
const anything = '\x7f';

/**
 * Rules that a server which compares less exactly cannot tell apart, and rules whose requests are all refused for it:
 * `paths.case` decides between nothing else than the rules, so that they must differ in something that counts.
 */
export function checkLookAlikes({ rules, paths }: Config): Checked {
  if (paths.case === 'sensitive') return { faults: [], warnings: [] };
  const placed = rules.flatMap(({ path, methods }, index): Placed[] => {
    try {
      return [{ index, pattern: compilePattern(path, paths), methods: methods && withHead(methods) }];
    } catch {
      // A path that is no pattern is a fault of its own.
      return [];
    }
  });
  // Nearly all rules are written in comparison form, in which nothing looks like anything else.
  const isPlain = (segment: PatternSegment) =>
    !('literal' in segment) || lookAlikeKey(segment.literal) === segment.literal;
  if (placed.every(({ pattern }) => pattern.segments.every(isPlain))) return { faults: [], warnings: [] };
  const faults = [...findDoubtful(placed), ...findTwins(placed, paths.trailingSlash)];
  const said = new Set(faults.map(({ path }) => path[1]));
  const warnings = findOvershadowed(placed, paths).filter(({ path }) => !said.has(path[1]));
  return { faults, warnings };
}

function withHead(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

/** Rules with a segment that no request can have in one reading. */
function findDoubtful(placed: readonly Placed[]): Finding[] {
  return placed
    .filter(({ pattern }) =>
      pattern.segments.some((segment) => 'literal' in segment && isDoubtful(segment.literal)),
    )
    .map(({ index }) => ({
      path: ['rules', index, 'path'],
      message:
        'has a segment of nothing but blanks, or a character that some servers read as a delimiter: every request for it is refused',
      hint: 'for an upstream that compares exactly, write `paths: { case: sensitive }`',
    }));
}

/** Rules for one method whose paths are two, but one in comparison form. */
function findTwins(placed: readonly Placed[], trailingSlash: 'ignore' | 'strict'): Finding[] {
  const families = new Map<string, { readonly rule: Placed; readonly written: string }[]>();
  const faults: Finding[] = [];
  for (const rule of placed) {
    const written = spell(rule, trailingSlash, (literal) => literal);
    const key = spell(rule, trailingSlash, lookAlikeKey);
    const family = families.get(key) ?? [];
    const twin = family.find((other) => other.written !== written && overlap(other.rule, rule));
    if (twin !== undefined) {
      faults.push({
        path: ['rules', rule.index, 'path'],
        message: `differs from the path of rules[${twin.rule.index}] in nothing but case, compatibility characters, or dots and blanks at the ends of segments, which not every server tells apart`,
        hint: 'leave one of them out; or, for an upstream that compares exactly, write `paths: { case: sensitive }`',
      });
    }
    family.push({ rule, written });
    families.set(key, family);
  }
  return faults;
}

function spell(
  { pattern }: Placed,
  trailingSlash: 'ignore' | 'strict',
  keyOf: (literal: string) => string,
): string {
  const { segments, open } = pattern;
  const isSlash = (segment: PatternSegment, index: number) =>
    trailingSlash === 'ignore' && index > 0 && 'literal' in segment && segment.literal === '';
  const parts = segments
    .filter((segment, index) => !isSlash(segment, index))
    .map((segment) => ('literal' in segment ? `=${keyOf(segment.literal)}` : ':'));
  return `${parts.join('/')}${open ? '/*' : ''}`;
}

function overlap(a: Placed, b: Placed): boolean {
  return a.methods === null || b.methods === null || [...a.methods].some((method) => b.methods?.has(method));
}

/** Rules that decide what is written like them, were it not for an earlier one that a lenient server would find. */
function findOvershadowed(placed: readonly Placed[], { trailingSlash }: Config['paths']): Finding[] {
  const trie = createTrie(placed, { trailingSlash, keyOf: lookAlikeKey });
  return placed.flatMap((rule) => {
    const first = findFirst(rule, trie);
    if (first === null || covers(first, rule)) return [];
    return [
      {
        path: ['rules', rule.index],
        message: `never decides: a server that compares without case would find rules[${first.index}] first, so that every request is refused as path_ambiguous`,
        hint: `put it before rules[${first.index}]; or, for an upstream that compares exactly, write \`paths: { case: sensitive }\``,
      },
    ];
  });
}

/** The rule that a lenient server finds first for paths of this one; null where it finds this one for some of them. */
function findFirst(rule: Placed, trie: Trie<Placed>): Placed | null {
  const keys = rule.pattern.segments.map((segment) =>
    'literal' in segment ? lookAlikeKey(segment.literal) : anything,
  );
  const deepest = rule.pattern.open ? Math.max(keys.length, trie.limit) : keys.length;
  let first: Placed | null = null;
  for (const method of rule.methods ?? [anything]) {
    for (const path = ['', ...keys]; path.length <= deepest + 1; path.push(anything)) {
      const found = trie.find(method, path);
      if (found === null || found === rule) return null;
      first ??= found;
    }
  }
  return first;
}

/** Whether a rule matches, as both are written, what another one does: then it is in its way in any mode. */
function covers(earlier: Placed, later: Placed): boolean {
  return earlier.pattern.segments.every((segment, index) => {
    const other = later.pattern.segments[index];
    return (
      'parameter' in segment ||
      (other !== undefined && 'literal' in other && other.literal === segment.literal)
    );
  });
}
