import { foldSegment } from '../path/fold.ts';
import { decidedMethods } from '../rules/methods.ts';
import type { Pattern } from '../rules/pattern.ts';
import { Reach, type ReachRule } from '../rules/reach.ts';
import { checkMethods } from './check-methods.ts';
import { type Needs, opens } from './needs.ts';
import type { Config, RuleConfig } from './schema.ts';
import type { Checked, Finding } from './validate.ts';

/** A rule whose path can be read. */
export interface ReadRule {
  readonly index: number;
  readonly rule: RuleConfig;
  readonly pattern: Pattern;
}

/** A rule with all that tells which requests it decides, and what they need. */
export interface KnownRule extends ReadRule, ReachRule {
  readonly needs: Needs;
}

/** All rules that can be read, and which of them decides what. */
export interface KnownRules {
  readonly rules: readonly KnownRule[];
  readonly reach: Reach;
  at(index: number): KnownRule | undefined;
}

/** Which rules never decide, and where a rule is passed by with another method. */
export function checkReach(config: Config, read: readonly ReadRule[]): Checked {
  const rules = read.map((each) => know(each, config));
  const { trailingSlash } = config.paths;
  const reach = new Reach(rules, { key: literalKey(config), trailingSlash });
  const byIndex = new Map(rules.map((rule) => [rule.index, rule]));
  const known: KnownRules = { rules, reach, at: (index) => byIndex.get(index) };
  const issuers = config.issuers.map(({ issuer }) => issuer);
  const faults: Finding[] = [];
  const warnings = checkMethods(config, known, issuers);
  for (const rule of rules) {
    const deciders = reach.findDeciders(rule);
    if (deciders === null) continue;
    const path = ['rules', rule.index];
    const message = `never decides: ${sayRules(deciders)} all that it does`;
    const opener = deciders.map(known.at).find((each) => each && opens(each.needs, rule.needs, issuers));
    if (opener === undefined) warnings.push({ path, message });
    else faults.push({ path, ...sayOpener(opener, rule, message) });
  }
  return { faults, warnings };
}

function know(read: ReadRule, config: Config): KnownRule {
  const { rule, pattern } = read;
  const { auth, anyOf } = rule;
  const report = (rule.mode ?? config.mode) === 'report';
  return {
    ...read,
    methods: decidedMethods(rule.methods),
    needs: { auth, demands: rule, anyOf, report, parameters: pattern.parameters },
  };
}

/** What literals have in common that match the same segments: as the table of rules compares them. */
function literalKey({ paths }: Config): (literal: string) => string {
  return paths.case === 'insensitive' ? foldSegment : (literal) => literal;
}

function sayRules(indexes: readonly number[]): string {
  const names = indexes.map((index) => `rules[${index}]`);
  const [only] = names;
  if (names.length === 1) return `${only} matches`;
  const said = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} others`] : names;
  return `${said.slice(0, -1).join(', ')} and ${said.at(-1)} together match`;
}

function sayOpener(opener: KnownRule, rule: KnownRule, message: string): Pick<Finding, 'message' | 'hint'> {
  const name = `rules[${opener.index}]`;
  const { needs } = opener;
  const how =
    needs.auth !== 'required' && rule.needs.auth === 'required'
      ? `needs no token (auth is ${needs.auth})`
      : needs.report && !rule.needs.report
        ? 'forwards what it refuses (mode is report)'
        : 'does not ask for all that this rule asks for';
  return {
    message: `${message}, and ${name} ${how}: what this rule is to close stays open`,
    hint: `move it before ${name}, or remove it`,
  };
}
