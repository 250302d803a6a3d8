import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { ConfigError, type Fault, formatFault } from '../config/fault.ts';
import { type Loaded, type LoadOptions, loadConfig } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import type { Server } from '../server.ts';
import { helps, usage } from '../usage.ts';
import { readVersion } from '../version.ts';

interface Arguments {
  readonly command: string;
  readonly config: string | undefined;
  readonly online: boolean;
  readonly once: boolean;
  readonly json: boolean;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly token: string | undefined;
}

class UsageError extends Error {}

function print(text: string): void {
  process.stdout.write(text);
}
function complain(text: string): void {
  process.stderr.write(text);
}

/** Reads the command line. Prints help or the version itself and returns null then. */
function readArguments(argv: readonly string[]): Arguments | null {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  const [command = 'run', ...rest] = positionals;
  if (values.version) {
    print(`jwks-sidecar ${readVersion()}\n`);
    return null;
  }
  const help = Object.hasOwn(helps, command) ? helps[command] : undefined;
  if (help === undefined) throw new UsageError(`unknown command "${command}"`);
  if (values.help) {
    print(positionals.length === 0 ? usage : help);
    return null;
  }
  const [token, ...more] = command === 'explain' ? rest : [undefined, ...rest];
  if (more.length > 0)
    throw new UsageError(
      `"${command}" takes no argument${command === 'explain' ? ' after the token' : ` "${more[0]}"`}`,
    );
  for (const [option, owners] of Object.entries(optionOwners)) {
    if (values[option as keyof typeof values] !== undefined && !owners.includes(command)) {
      throw new UsageError(`"${command}" takes no --${option}`);
    }
  }
  if (values.config === '') throw new UsageError('--config needs the name of a file');
  const { config, online = false, once = false, json = false, method, path } = values;
  return { command, config, online, once, json, method, path, token };
}

const optionOwners = {
  config: ['run', 'check', 'explain', 'health'],
  online: ['check'],
  once: ['demo'],
  json: ['explain'],
  method: ['explain'],
  path: ['explain'],
};

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      online: { type: 'boolean' },
      once: { type: 'boolean' },
      json: { type: 'boolean' },
      method: { type: 'string' },
      path: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'V' },
    },
  });
}

function load(file: string | undefined): Loaded {
  return loadConfig(optionsOf(file));
}

function optionsOf(file: string | undefined): LoadOptions {
  return { env: process.env, cwd: process.cwd(), ...(file === undefined ? {} : { file }) };
}

function printFaults(kind: 'error' | 'warning' | 'note', faults: readonly Fault[]): void {
  for (const fault of faults) complain(`${kind}: ${formatFault(fault)}\n`);
}

async function run(args: Arguments): Promise<number> {
  let askedEarly = false;
  // Until it is followed, and once it is no more, it must not end the process.
  process.on('SIGHUP', () => {
    askedEarly = true;
  });
  const debug = toggleOnSignal();
  const loaded = load(args.config);
  const { config, warnings, source } = loaded;
  printFaults('warning', warnings);
  // Only what a command needs is loaded: help and check answer in half the time.
  const { createServer } = await import('../server.ts');
  const { followConfig } = await import('../follow.ts');
  const { loadAside } = await import('../config/load-aside.ts');
  const { createLogger, openOutput } = await import('../observe/logger.ts');
  const output = openOutput();
  const logger = createLogger({ level: config.log.level, destination: output.destination });
  const server = createServer(config, { source, logger, proxy: loaded.proxy });
  // What nobody foresaw ends the process in one line: a stack could hold what no log may.
  process.on('uncaughtException', (error) => process.exit(explainFailure(error)));
  const signalled = drainOnSignal(server);
  // While it is replaced a file may be missing: another in its place could allow what it denies.
  const file = source === 'environment' ? args.config : source;
  const follower = followConfig({ server, loaded, load: () => loadAside(optionsOf(file)) });
  if (askedEarly) follower.reload();
  debug.take(() => server.toggleDebug());
  // An issuer that hangs must not hold up the end.
  const code = await Promise.race([server.start().then(() => signalled), signalled]);
  follower.close();
  // What it said would come after the log's end.
  debug.take(() => {});
  // Else the process could end before its last line is written.
  await output.end();
  return code;
}

/** SIGUSR2, which would end the process by default: what comes early waits for whoever takes it. */
function toggleOnSignal(): { take(toggle: () => void): void } {
  let waiting = false;
  let onSignal = () => {
    waiting = !waiting;
  };
  process.on('SIGUSR2', () => onSignal());
  return {
    take(toggle) {
      onSignal = toggle;
      if (waiting) toggle();
      waiting = false;
    },
  };
}

/** Settles with the exit code once a signal has drained the server. A second signal ends the process at once. */
function drainOnSignal(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    let asked = false;
    const onSignal = () => {
      if (asked) process.exit(1);
      asked = true;
      server.drain().then(({ cut }) => resolve(cut > 0 ? 1 : 0), reject);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/** Null where the config has faults, which are then said. */
function loadToCheck(file: string | undefined): Loaded | null {
  try {
    return load(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { faults, warnings, notes, source = 'config' } = error;
    printFaults('error', faults);
    printFaults('warning', warnings);
    printFaults('note', notes);
    complain(
      `${source}: not valid, ${count({ error: faults, warning: warnings, note: notes }).join(', ')}\n`,
    );
    return null;
  }
}

async function check(args: Arguments): Promise<number> {
  const loaded = loadToCheck(args.config);
  if (loaded === null) return 2;
  const { warnings, notes, source } = loaded;
  printFaults('warning', warnings);
  printFaults('note', notes);
  const results = args.online ? await (await import('../online.ts')).checkOnline(loaded) : [];
  for (const { path, ok, message } of results) print(`${ok ? 'ok' : 'failed'}: ${path}: ${message}\n`);
  if (results.some(({ ok }) => !ok)) return 2;
  print(`${[`${source}: valid`, ...count({ warning: warnings, note: notes })].join(', ')}\n`);
  return 0;
}

/** `1 warning`, `2 notes`: how many there are of each kind, where there are any. */
function count(kinds: Readonly<Record<string, readonly Fault[]>>): string[] {
  return Object.entries(kinds)
    .filter(([, { length }]) => length > 0)
    .map(([kind, { length }]) => `${length} ${length === 1 ? kind : `${kind}s`}`);
}

async function health(args: Arguments): Promise<number> {
  const { config } = load(args.config);
  const { askHealth } = await import('../health.ts');
  const fault = await askHealth(config.admin);
  if (fault !== null) complain(`jwks-sidecar: ${fault}\n`);
  return fault === null ? 0 : 1;
}

async function explain(args: Arguments): Promise<number> {
  const loaded = load(args.config);
  printFaults('warning', loaded.warnings);
  const { explainOffline } = await import('../explain/offline.ts');
  const { render } = await import('../explain/render.ts');
  const { method, path } = args;
  const input = { token: await readGivenToken(args.token), ...(method && { method }), ...(path && { path }) };
  const explanation = await explainOffline(input, loaded);
  print(args.json ? `${JSON.stringify(explanation, null, 2)}\n` : render(explanation));
  return explanation.allowed ? 0 : 1;
}

async function readGivenToken(argument: string | undefined): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  if (process.stdin.isTTY) complain('Paste the token, then Enter and Ctrl-D.\n');
  return text(process.stdin);
}

async function demo(args: Arguments): Promise<number> {
  // The package leaves it out: its issuer is a development dependency.
  if (!existsSync(new URL('../demo/', import.meta.url))) {
    complain('jwks-sidecar: The demo runs from a checkout: `npm ci && npm run demo` there.\n');
    return 2;
  }
  const { runDemo } = await import('../demo/demo.ts');
  return runDemo({ once: args.once });
}

async function main(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv);
  if (args === null) return 0;
  switch (args.command) {
    case 'check':
      return check(args);
    case 'explain':
      return explain(args);
    case 'health':
      return health(args);
    case 'schema':
      print(`${JSON.stringify(configSchema, null, 2)}\n`);
      return 0;
    case 'demo':
      return demo(args);
    default:
      return run(args);
  }
}

/** One place turns what went wrong into words and an exit code. No stack: it would say nothing to an operator. */
function explainFailure(error: unknown): number {
  if (error instanceof UsageError) {
    complain(`jwks-sidecar: ${error.message}\nTry "jwks-sidecar --help".\n`);
    return 2;
  }
  if (error instanceof ConfigError) {
    printFaults('error', error.faults);
    printFaults('warning', error.warnings);
    return 2;
  }
  complain(`jwks-sidecar: ${(error as Error).message}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2)).catch(explainFailure);
process.exit();
