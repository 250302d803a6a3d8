import { checkConfig } from './check.ts';
import { ConfigError, type Fault } from './fault.ts';
import { namedFiles } from './files.ts';
import { fill } from './fill.ts';
import { type Checked, type Finding, isWithin } from './finding.ts';
import { createDraft, type Draft } from './mend.ts';
import { formatPath, type Path } from './path.ts';
import { Places } from './places.ts';
import type { ProxyVariables } from './proxy.ts';
import { findRepeated } from './repeated.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';
import { compileValidate } from './validate.ts';

export interface Loaded {
  readonly config: Config;
  readonly warnings: readonly Fault[];
  /** Advice, which only `check` prints. */
  readonly notes: readonly Fault[];
  /** Where it came from: a file's path, `environment` or `object`. */
  readonly source: string;
  /** Absolute paths of the files that it was read from. */
  readonly files: readonly string[];
  /** Null: keys are fetched directly. */
  readonly proxy: ProxyVariables | null;
}

/** A config as complete as it can be made, with all that is to be said about it. */
export interface Completed extends Required<Checked> {
  /** Null where there are faults. */
  readonly config: Config | null;
  /** Absolute paths of the files that it names, as far as they can be told. */
  readonly files: readonly string[];
}

/** Compiled once, when it is first needed: the schema is a constant, and a reload must not hold requests up. */
let compiled: ReturnType<typeof compileValidate> | undefined;

/**
 * Validates, completes and checks a value of the form of the config file. A part with a fault is replaced by a valid
 * one, so that the others are checked all the same; what would be said of the replacement is not told.
 *
 * @param broken - places that are known to be wrong already, and that nothing more is to be said of
 */
export function complete(value: unknown, broken: readonly Path[] = []): Completed {
  const { sound, faults } = findFaults(value, broken);
  if (sound === undefined) return { config: null, faults, warnings: [], notes: [], files: [] };
  const config = fill(sound, configSchema) as Config;
  const wrong = new Places([...broken, ...faults.map(spoiled)]);
  const checked = checkConfig(config);
  const wrongToo = new Places(checked.faults.map(({ path }) => path));
  const tell = (findings: readonly Finding[]) =>
    findings.filter((finding) => !isAbout(finding, wrong) && !followsFrom(finding, wrongToo));
  const all = [...faults, ...tell(checked.faults)];
  return {
    config: all.length > 0 || broken.length > 0 ? null : config,
    faults: all,
    warnings: tell(checked.warnings),
    notes: tell(checked.notes),
    files: namedFiles(config),
  };
}

/** Most times that a config is mended and looked at again: a part may hold others that only then are looked at. */
const mostRounds = 10;

/** What is wrong in itself, and the value without it; undefined where it cannot be mended. */
function findFaults(value: unknown, broken: readonly Path[]): { sound: unknown; faults: Finding[] } {
  compiled ??= compileValidate();
  const faults: Finding[] = [];
  const told = new Places(broken);
  const tell = (findings: readonly Finding[]) => {
    // What is around a place that was told of is found wrong for want of it.
    const news = findings.filter(({ path }) => !told.touch(path));
    for (const finding of news) told.add(spoiled(finding));
    faults.push(...news);
  };
  let found = compiled(value);
  tell(found);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { sound: undefined, faults };
  let sound: object = value;
  if (found.length + broken.length > 0) {
    const draft = createDraft(value, configSchema);
    const tries = new Map<string, number>();
    for (const path of broken) mendOnce(draft, { path, message: '' }, tries);
    for (let round = 0; round < mostRounds; round++) {
      for (const finding of found) mendOnce(draft, finding, tries);
      found = compiled(draft.value);
      tell(found);
      if (found.length === 0) break;
    }
    sound = draft.value;
  }
  const twice = findRepeated(value, configSchema).filter(({ path }) => !told.hold(path));
  return { sound: found.length === 0 ? sound : undefined, faults: [...faults, ...twice] };
}

/** The same place is tried more than once: as it was probably meant, then with a placeholder, then what is around it. */
function mendOnce(draft: Draft, finding: Finding, tries: Map<string, number>): void {
  const path = spoiled(finding);
  const place = formatPath(path);
  const before = tries.get(place) ?? 0;
  tries.set(place, before + 1);
  if (finding.atKey) draft.leaveOut(path);
  else {
    const target = path.slice(0, Math.max(1, path.length - Math.max(0, before - 1)));
    draft.mend(target, before === 0 ? 'guess' : 'none');
  }
}

function spoiled({ path, spoils = path }: Finding): Path {
  return spoils;
}

/** Whether a finding is about a part that was replaced, or was concluded from one. */
function isAbout({ path, restsOn = [] }: Finding, wrong: Places): boolean {
  return wrong.hold(path) || restsOn.some((other) => wrong.touch(other));
}

/** Whether a finding was concluded from a value elsewhere that another one says to be wrong. */
function followsFrom({ path, restsOn = [] }: Finding, wrong: Places): boolean {
  return restsOn.some((other) => !isWithin(path, other) && !isWithin(other, path) && wrong.has(other));
}

/**
 * Completes a config object, for users of the library.
 *
 * @throws ConfigError with every fault
 */
export function completeConfig(input: ConfigInput): Loaded {
  const { config, ...said } = complete(input);
  const [faults, warnings, notes] = [said.faults, said.warnings, said.notes].map((each) => each.map(toFault));
  if (config === null) throw new ConfigError(faults ?? [], { warnings: warnings ?? [], notes: notes ?? [] });
  return { config, warnings: warnings ?? [], notes: notes ?? [], source: 'object', files: [], proxy: null };
}

/** Characters. A longer one repeats a value that no person wrote. */
const longestHint = 400;

/** A finding without a place in a file. */
export function toFault({ path, message, got, hint }: Finding): Fault {
  return {
    path: formatPath(path),
    message: got === undefined ? message : `${message}, got ${got}`,
    ...(hint !== undefined && hint.length <= longestHint && { hint }),
  };
}
