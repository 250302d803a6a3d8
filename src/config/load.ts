import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { complete, type Loaded, toFault } from './complete.ts';
import { overlayEnvironment } from './environment.ts';
import { ConfigError, type Fault } from './fault.ts';
import { interpolate } from './interpolate.ts';
import { type Parsed, parseText } from './parse.ts';
import { formatPath, type Path } from './path.ts';
import { checkProxyVariables, readProxyVariables } from './proxy.ts';
import type { Finding } from './validate.ts';

export type { Loaded } from './complete.ts';

export interface LoadOptions {
  /** As `--config` gives it. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const places = ['config/sidecar.yaml', '/etc/jwks-sidecar/sidecar.yaml'];

/**
 * Loads the config: file, then what it takes from the environment and from other files, then `SIDECAR_` variables
 * over it.
 *
 * @throws ConfigError with every fault, each with its path and its place in the file
 */
export function loadConfig(options: LoadOptions): Loaded {
  const { env, cwd } = options;
  const found = findFile(options);
  const parsed = found === null ? null : parseText(readText(found, cwd));
  if (parsed !== null && parsed.errors.length > 0) {
    const { errors } = parsed;
    throw new ConfigError(
      errors.map(({ position, ...error }) => ({ ...toFault(error), file: found as string, ...position })),
    );
  }
  const filled = interpolate(parsed?.value ?? {}, { env, cwd });
  const overlaid = overlayEnvironment(filled.value, env);
  const { config, faults, warnings, files: named } = complete(overlaid.value);
  const outside = [...filled.places, ...overlaid.variables.map(({ path }) => path)];
  const describe = (finding: Finding) =>
    place(finding, { file: found, parsed, outside, variables: overlaid.variables });
  const said = [...overlaid.warnings.map(toFault), ...warnings.map(describe)];
  const missing = [...(parsed?.findings ?? []), ...filled.findings];
  const proxy = readProxyVariables(env);
  const proxyFaults = checkProxyVariables(proxy);
  if (config === null || missing.length > 0 || proxyFaults.length > 0) {
    if (found === null && overlaid.variables.length === 0) throw new ConfigError([nothing], said);
    const all = [...missing, ...faults.filter(isNews(missing))].map(describe);
    throw new ConfigError([...proxyFaults, ...all.toSorted(byPlace)], said, [...filled.files, ...named]);
  }
  const files = [...(found === null ? [] : [resolve(cwd, found)]), ...filled.files];
  return { config, warnings: said, source: found ?? 'environment', files, proxy };
}

const nothing: Fault = {
  path: '',
  message: `there is no config: neither --config, SIDECAR_CONFIG, ${places.map((p) => (p.startsWith('/') ? p : `./${p}`)).join(' nor ')}`,
  hint: 'SIDECAR_UPSTREAM, SIDECAR_ISSUER and SIDECAR_AUDIENCE are enough',
};

/** The file to read, as it was named; null: none is there and none was asked for. */
function findFile({ file, env, cwd }: LoadOptions): string | null {
  const asked = file ?? env.SIDECAR_CONFIG;
  if (asked !== undefined && asked !== '') return asked;
  return places.find((each) => existsSync(resolve(cwd, each))) ?? null;
}

/** Bytes; also the most that a ConfigMap holds. While a config is read no request is answered. */
const largest = 1024 * 1024;

function readText(file: string, cwd: string): string {
  const path = resolve(cwd, file);
  try {
    if (statSync(path).size <= largest) return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([{ path: '', file, message: `cannot be read (${code ?? 'error'})` }]);
  }
  throw new ConfigError([{ path: '', file, message: 'is larger than 1 MiB' }]);
}

/** What is wrong because a value could not be put in is said already. */
function isNews(said: readonly Finding[]): (finding: Finding) => boolean {
  const paths = new Set(said.map(({ path }) => formatPath(path)));
  return ({ path }) => !paths.has(formatPath(path));
}

function byPlace(a: Fault, b: Fault): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

interface Origin {
  readonly file: string | null;
  readonly parsed: Parsed | null;
  /** Places whose value a message must not show. */
  readonly outside: readonly Path[];
  readonly variables: readonly { readonly path: Path; readonly name: string }[];
}

function place(finding: Finding, { file, parsed, outside, variables }: Origin): Fault {
  const path = formatPath(finding.path);
  const hidden = outside.some((each) => formatPath(each) === path);
  const fault = toFault({
    ...finding,
    message: hidden ? finding.message.replace(/, got .*$/s, '') : finding.message,
  });
  const variable = variables.find((each) => formatPath(each.path) === path);
  if (variable) return { ...fault, message: `${fault.message} (set by ${variable.name})` };
  const position = parsed?.locate(finding.path, finding.atKey);
  return file === null ? fault : { ...fault, file, ...position };
}
