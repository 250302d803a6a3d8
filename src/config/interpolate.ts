import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { coerce } from './coerce.ts';
import type { SchemaNode } from './fields.ts';
import { childOf } from './node.ts';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';
import type { Finding } from './validate.ts';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative files are relative to. */
  readonly cwd: string;
}

export interface Interpolated {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Places whose value came from outside the file: no message may show it. */
  readonly places: readonly Path[];
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
  const places: Path[] = [];
  const files: string[] = [];

  function resolveOne(expression: string, path: Path): string {
    if (expression.startsWith('file:')) {
      const file = resolve(cwd, expression.slice('file:'.length));
      files.push(file);
      try {
        return readFileSync(file, 'utf8').trim();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        findings.push({ path, message: `the file of \${${expression}} cannot be read (${code ?? 'error'})` });
        return '';
      }
    }
    const text = Object.hasOwn(env, expression) ? env[expression] : undefined;
    if (text === undefined) {
      findings.push({
        path,
        message: `the environment has no ${expression === '' ? 'variable without a name' : expression}`,
        ...(isRulePath(path) && { hint: 'a parameter of a path is written :name' }),
      });
    }
    return text ?? '';
  }

  function walk(current: unknown, node: SchemaNode | null, path: Path): unknown {
    if (typeof current === 'string') {
      if (!current.includes('${')) return current;
      let outside = false;
      const text = current.replace(pattern, (_all, expression: string | undefined) => {
        if (expression === undefined) return '${';
        outside = true;
        return resolveOne(expression, path);
      });
      if (!outside) return text;
      places.push(path);
      return coerce(text, node);
    }
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

  return { value: walk(value, configSchema, []), findings, places, files };
}
