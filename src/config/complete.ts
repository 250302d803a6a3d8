import { checkConfig } from './check.ts';
import { ConfigError, type Fault } from './fault.ts';
import { namedFiles } from './files.ts';
import { fill } from './fill.ts';
import { formatPath } from './path.ts';
import type { ProxyVariables } from './proxy.ts';
import { prune } from './prune.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';
import { compileValidate, type Finding } from './validate.ts';

export interface Loaded {
  readonly config: Config;
  readonly warnings: readonly Fault[];
  /** Where it came from: a file's path, `environment` or `object`. */
  readonly source: string;
  /** Absolute paths of the files that it was read from. */
  readonly files: readonly string[];
  /** Null: keys are fetched directly. */
  readonly proxy: ProxyVariables | null;
}

/** A config as complete as it can be made, with all that is to be said about it. */
export interface Completed {
  /** Null where there are faults. */
  readonly config: Config | null;
  readonly faults: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** Absolute paths of the files that it names, as far as they can be told. */
  readonly files: readonly string[];
}

/** Compiled once, when it is first needed: the schema is a constant, and a reload must not hold requests up. */
let compiled: ReturnType<typeof compileValidate> | undefined;

/** Validates, completes and checks a value of the form of the config file. */
export function complete(value: unknown): Completed {
  compiled ??= compileValidate();
  const validate = compiled;
  const faults = validate(value);
  const rest = faults.reduce((left, { path }) => prune(left, path), value);
  // Without what is wrong in itself, the remainder often still says what contradicts what: one round tells it all.
  if (faults.length > 0 && validate(rest).length > 0)
    return { config: null, faults, warnings: [], files: [] };
  const config = fill(rest, configSchema) as Config;
  const checked = checkConfig(config);
  const all = [...faults, ...checked.faults];
  return {
    config: all.length > 0 ? null : config,
    faults: all,
    warnings: checked.warnings,
    files: namedFiles(config),
  };
}

/**
 * Completes a config object, for users of the library.
 *
 * @throws ConfigError with every fault
 */
export function completeConfig(input: ConfigInput): Loaded {
  const { config, faults, warnings } = complete(input);
  if (config === null) throw new ConfigError(faults.map(toFault), warnings.map(toFault));
  return { config, warnings: warnings.map(toFault), source: 'object', files: [], proxy: null };
}

/** A finding without a place in a file. */
export function toFault({ path, message, hint }: Finding): Fault {
  return { path: formatPath(path), message, ...(hint !== undefined && { hint }) };
}
