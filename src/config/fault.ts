/** One thing that is wrong with a config, a warning about it, or advice. */
export interface Fault {
  /** `issuers[0].audience`; empty for the config as a whole. */
  readonly path: string;
  /** What is wrong, in plain words. It never holds a secret. */
  readonly message: string;
  readonly hint?: string;
  readonly file?: string;
  /** From 1, as editors count. */
  readonly line?: number;
  readonly column?: number;
}

/** What else there is to say of a config that has faults. */
export interface ConfigErrorDetails {
  readonly warnings?: readonly Fault[];
  readonly notes?: readonly Fault[];
  /** Absolute paths of the files that it takes values from or names, as far as it says so: with others it may be good. */
  readonly files?: readonly string[];
  /** Where it came from: a file's path, or `environment`; undefined where there is no config. */
  readonly source?: string | undefined;
}

/** Thrown for a config that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'config_invalid';
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  readonly notes: readonly Fault[];
  readonly files: readonly string[];
  readonly source: string | undefined;

  constructor(faults: readonly Fault[], details: ConfigErrorDetails = {}) {
    super(faults.map(formatFault).join('\n'));
    this.faults = faults;
    this.warnings = details.warnings ?? [];
    this.notes = details.notes ?? [];
    this.files = details.files ?? [];
    this.source = details.source;
  }
}

/** One line: `config/sidecar.yaml:4:5 issuers[0].audiences: unknown key — did you mean "audience"?` */
export function formatFault(fault: Fault): string {
  const position = [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(':');
  const place = [position, fault.path].filter((part) => part !== '').join(' ');
  const text = fault.hint === undefined ? fault.message : `${fault.message} — ${fault.hint}`;
  return place === '' ? text : `${place}: ${text}`;
}

/** Most faults of one config that a log line or the status holds: a file of garbage has one a line. */
const mostFaults = 20;

/** Why a config could not be used, a sentence each. */
export function describeFaults(error: unknown): string[] {
  if (!(error instanceof ConfigError)) return [(error as Error).message];
  const more = error.faults.length - mostFaults;
  const faults = error.faults.slice(0, mostFaults).map(formatFault);
  return more > 0 ? [...faults, `and ${more} more`] : faults;
}
