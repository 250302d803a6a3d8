import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { complete, type Loaded, toFault } from './complete.ts';
import { overlayEnvironment } from './environment.ts';
import { ConfigError, type Fault } from './fault.ts';
import type { Finding } from './finding.ts';
import { interpolate } from './interpolate.ts';
import { type Parsed, parseText } from './parse.ts';
import { formatPath, type Path } from './path.ts';
import { checkProxyVariables, readProxyVariables } from './proxy.ts';
import { compileRedact } from './redact.ts';
import { readConfigText } from './unreadable.ts';

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
  const file = findFile(options);
  const source = file ?? 'environment';
  const parsed = file === null ? null : parseFile(file, cwd);
  const filled = interpolate(parsed?.value ?? {}, { env, cwd });
  const overlaid = overlayEnvironment(filled.value, env);
  const { variables } = overlaid;
  const missing = [...(parsed?.findings ?? []), ...filled.findings];
  const broken = [...(parsed?.broken ?? []), ...filled.findings.map(({ path }) => path)];
  const completed = complete(overlaid.value, broken);
  const outside = { places: [...filled.places, ...variables], taken: filled.taken };
  const describe = compileDescribe({ file, parsed, variables, redact: compileRedact(outside) });
  const warnings = [
    ...overlaid.warnings.map(toFault),
    ...[...(parsed?.warnings ?? []), ...filled.warnings, ...completed.warnings]
      .map(describe)
      .toSorted(byPlace),
  ];
  const notes = [...(parsed?.notes ?? []), ...completed.notes].map(describe).toSorted(byPlace);
  const proxy = readProxyVariables(env);
  const proxyFaults = checkProxyVariables(proxy);
  const { config } = completed;
  if (config === null || missing.length > 0 || proxyFaults.length > 0) {
    if (file === null && variables.length === 0) throw new ConfigError([nothing], { warnings });
    const empty = parsed !== null && isEmpty(parsed.value) ? [emptyFile(source)] : [];
    const all = [...missing, ...completed.faults].map(describe).toSorted(byPlace);
    const files = [...filled.files, ...completed.files];
    throw new ConfigError([...proxyFaults, ...empty, ...all], { warnings, notes, files, source });
  }
  const files = [...(file === null ? [] : [resolve(cwd, file)]), ...filled.files];
  return { config, warnings, notes, source, files, proxy };
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

function parseFile(file: string, cwd: string): Parsed {
  const { text, fault } = readConfigText(resolve(cwd, file));
  if (fault !== null) throw new ConfigError([{ path: '', file, ...fault }], { source: file });
  const parsed = parseText(text);
  if (parsed.errors.length === 0) return parsed;
  const faults = parsed.errors.map(({ position, ...error }) => ({ ...toFault(error), file, ...position }));
  throw new ConfigError(faults, { source: file });
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && Object.keys(value as object).length === 0;
}

function emptyFile(file: string): Fault {
  return { path: '', file, message: 'is empty, or holds comments alone' };
}

function byPlace(a: Fault, b: Fault): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

interface Origin {
  readonly file: string | null;
  readonly parsed: Parsed | null;
  readonly variables: readonly { readonly path: Path; readonly name: string }[];
  redact(finding: Finding): Finding;
}

/** Compiles what turns a finding into words with a place: a variable, or a line of the file. */
function compileDescribe({ file, parsed, variables, redact }: Origin): (finding: Finding) => Fault {
  return (finding) => {
    const fault = toFault(redact(finding));
    const path = formatPath(finding.path);
    const variable = variables.find((each) => formatPath(each.path) === path);
    if (variable) return { ...fault, message: `${fault.message} (set by ${variable.name})` };
    const position = finding.position ?? parsed?.locate(finding.path, finding.atKey);
    return file === null ? fault : { ...fault, file, ...position };
  };
}
