import { resolve } from 'node:path';
import { readRegularFile } from '../regular-file.ts';
import { coerce } from './coerce.ts';
import type { SchemaNode } from './fields.ts';
import type { Finding } from './finding.ts';
import { childOf } from './node.ts';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';
import { codeOf, explainUnreadable } from './unreadable.ts';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative files are relative to. */
  readonly cwd: string;
}

export interface Interpolated {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Texts that look as if something was meant to be put into them. */
  readonly warnings: readonly Finding[];
  /** Places whose value came from outside the file: no message may show it. */
  readonly places: readonly { readonly path: Path; readonly value: string }[];
  /** What was put in there, from the environment and from files. */
  readonly taken: readonly string[];
  /** Absolute paths of the files that values were taken from. */
  readonly files: readonly string[];
}

/** Where `${id}` may be meant as the template of another router. */
function isRulePath(path: Path): boolean {
  return path.length === 3 && path[0] === 'rules' && path[2] === 'path';
}

const pattern = /\$\$\{|\$\{([^}]*)\}/g;

/**
 * Puts `${NAME}` (environment) and `${file:/path}` (its trimmed content) into the strings of a value; `$${` is a
 * literal `${`. Only after parsing, so that what is put in can never become structure.
 */
export function interpolate(value: unknown, { env, cwd }: Surroundings): Interpolated {
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  const places: { path: Path; value: string }[] = [];
  const taken: string[] = [];
  const files: string[] = [];

  function take(expression: string, path: Path): string {
    const found = expression.startsWith('file:')
      ? takeFile(expression.slice('file:'.length), path)
      : Object.hasOwn(env, expression)
        ? env[expression]
        : undefined;
    if (found !== undefined) {
      taken.push(found);
      return found;
    }
    if (!expression.startsWith('file:')) {
      findings.push({
        path,
        message: explainMissing(expression),
        ...(isRulePath(path) && { hint: 'a parameter of a path is written :name' }),
      });
    }
    return '';
  }

  function takeFile(name: string, path: Path): string | undefined {
    const file = resolve(cwd, name);
    files.push(file);
    try {
      return readRegularFile(file).toString('utf8').trim();
    } catch (error) {
      findings.push({
        path,
        message: `the file of \${file:${name}} cannot be read (${codeOf(error)}): ${explainUnreadable(file, error)}`,
      });
      return undefined;
    }
  }

  function fillText(text: string, node: SchemaNode | null, path: Path): unknown {
    if (isOpen(text)) {
      places.push({ path, value: text });
      findings.push({
        path,
        message: 'holds a ${ that is never closed: write ${NAME}, or $${ for the text itself',
      });
      return '';
    }
    if (looksUnfilled(text, path)) {
      warnings.push({
        path,
        message: 'is taken as it stands: only ${NAME} and ${file:/path} are filled in',
        hint: 'write ${NAME} for the environment variable NAME',
      });
    }
    let outside = false;
    const filled = text.replace(pattern, (_all, expression: string | undefined) => {
      if (expression === undefined) return '${';
      outside = true;
      return take(expression, path);
    });
    if (!outside) return filled;
    places.push({ path, value: filled });
    return coerce(filled, node);
  }

  function walk(current: unknown, node: SchemaNode | null, path: Path): unknown {
    if (typeof current === 'string') return /[$%{]/.test(current) ? fillText(current, node, path) : current;
    if (Array.isArray(current)) {
      return current.map((item, index) => walk(item, node && childOf(node, index), [...path, index]));
    }
    if (typeof current !== 'object' || current === null) return current;
    return Object.fromEntries(
      Object.entries(current).map(([key, item]) => [
        key,
        walk(item, node && childOf(node, key), [...path, key]),
      ]),
    );
  }

  return { value: walk(value, configSchema, []), findings, warnings, places, taken, files };
}

/** Whether the last `${` has no `}` after it: then it is not looked for from each of them. */
function isOpen(text: string): boolean {
  const last = text.replaceAll('$${', '').lastIndexOf('${');
  return last >= 0 && !text.replaceAll('$${', '').includes('}', last);
}

/** What is wrong with a `${…}` for which the environment has nothing. */
function explainMissing(expression: string): string {
  if (expression === '') return 'the environment has no variable without a name';
  const [, name = '', rest = ''] = /^\s*(?:env[.:])?([A-Za-z_]\w*)\s*(.*)$/s.exec(expression) ?? [];
  if (/^:?[-=?+]/.test(rest)) {
    return `\${${name}} with a default is not supported: write \${${name}} and set the variable`;
  }
  const plain = `the environment has no ${expression}`;
  return name !== '' && rest === '' && name !== expression ? `${plain}: write \${${name}}` : plain;
}

/** No name and no URL is longer. */
const longestLookedAt = 1000;

/**
 * Whether a text is a placeholder of another tool's: `$NAME`, `$(NAME)`, `%NAME%`, `{{ name }}`. In regular
 * expressions these are what they are.
 */
function looksUnfilled(text: string, path: Path): boolean {
  if (path.at(-1) === 'matches' || text.length > longestLookedAt) return false;
  return /(?<![\w$])\$[A-Z_][A-Z0-9_]+(?!\w)|\$\([A-Za-z_]\w*\)|^%[A-Z_][A-Z0-9_]+%$|\{\{.*\}\}/.test(text);
}
