import { compileClaimPath } from '../claims/path.ts';
import type { Checked, Finding } from './finding.ts';
import type { Path } from './path.ts';
import { type Config, configSchema } from './schema.ts';
import { walk } from './walk.ts';

/** Blanks of every kind, with those that take no room. */
const blank = '[\\s\\u200b-\\u200f\\u2060\\ufeff]';
const blankAtEnd = new RegExp(`^${blank}|${blank}$`);
const quoted = /^[“”„‟‘’‚‛«»].*[“”„‟‘’‚‛«»]$/s;
/** Matchers whose value may well begin or end with a blank. */
const patterns = ['prefix', 'matches'];

/** Texts that are compared character by character and hold some that nobody meant. */
export function checkTexts(config: Config): Checked {
  return {
    faults: [],
    warnings: [...findOdd(config), ...findLists(config), ...findPaths(config)],
  };
}

function findOdd(config: Config): Finding[] {
  const found: Finding[] = [];
  walk(config, configSchema, (value, node, path) => {
    if (node?.['x-secret'] && typeof value === 'object') return false;
    if (typeof value !== 'string' || patterns.includes(String(path.at(-1)))) return true;
    if (blankAtEnd.test(value)) {
      found.push({
        path: [...path],
        message: 'begins or ends with a blank, which counts',
        hint: 'leave it out',
      });
    } else if (quoted.test(value)) {
      found.push({ path: [...path], message: 'is in typographic quotes, which count', hint: `use " or '` });
    }
    return true;
  });
  return found;
}

/** Several audiences in one text. */
function findLists({ issuers }: Config): Finding[] {
  return issuers.flatMap(({ audience }, index) =>
    audience?.length === 1 && /,/.test(audience[0] ?? '')
      ? [
          {
            path: ['issuers', index, 'audience'],
            message: 'is one audience with a comma in it',
            hint: 'write [a, b] if these are several',
          },
        ]
      : [],
  );
}

/** Claim paths that another program would read otherwise. */
function findPaths({ identity, issuers, rules }: Config): Finding[] {
  const paths: { text: string; path: Path; atKey: boolean }[] = [
    ...Object.entries(identity.headers).map(([header, text]) => ({
      text,
      path: ['identity', 'headers', header],
      atKey: false,
    })),
    ...issuers.flatMap(({ claims, requiredClaims }, index) => [
      ...keysOf(claims, ['issuers', index, 'claims']),
      ...requiredClaims.map((text, at) => ({
        text,
        path: ['issuers', index, 'requiredClaims', at],
        atKey: false,
      })),
    ]),
    ...rules.flatMap(({ claims, anyOf }, index) => [
      ...keysOf(claims, ['rules', index, 'claims']),
      ...anyOf.flatMap((each, at) => keysOf(each.claims, ['rules', index, 'anyOf', at, 'claims'])),
    ]),
  ];
  return paths.flatMap(({ text, path, atKey }) => {
    const sign = findSign(text);
    if (sign === null) return [];
    return [
      {
        path,
        message: `the claim is looked for under a name with ${sign} in it`,
        hint: 'nested names are joined with dots, such as realm_access.roles; if the name is meant, write it as ["a/b"]',
        atKey,
      },
    ];
  });
}

function keysOf(claims: Readonly<Record<string, unknown>>, path: Path) {
  return Object.keys(claims).map((text) => ({ text, path: [...path, text], atKey: true }));
}

function findSign(text: string): string | null {
  // What stands in brackets and quotes is meant.
  const plain = text.replace(/\["(?:[^"\\]|\\.)*"\]/g, '');
  const sign = /[,;/$\s]/.exec(plain)?.[0];
  if (sign === undefined || !compiles(text)) return null;
  return /\s/.test(sign) ? 'a blank' : `a "${sign}"`;
}

function compiles(text: string): boolean {
  try {
    compileClaimPath(text);
    return true;
  } catch {
    return false;
  }
}
