import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { withDeadline } from '../helpers/deadline.ts';
import { program } from '../helpers/program.ts';

const { PATH = '' } = process.env;

export interface CommandOptions {
  /** Besides PATH, all that there is. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The file that is run. Default: what `npm run build` made. */
  readonly cli?: string;
}

/** All that a sidecar on free ports needs, without a file. */
export function environment(
  issuer: { readonly issuer: string; readonly audience: string },
  upstream: { readonly url: string },
): Readonly<Record<string, string>> {
  return {
    SIDECAR_UPSTREAM: upstream.url,
    SIDECAR_ISSUER: issuer.issuer,
    SIDECAR_AUDIENCE: issuer.audience,
    SIDECAR_LISTEN__PORT: '0',
    SIDECAR_ADMIN__PORT: '0',
    SIDECAR_DRAIN__DELAY: '0',
  };
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end. */
export async function run(t: Test, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const child = start(t, args, options);
  const all = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  const [[code], stdout, stderr] = await withDeadline(all, `the end of "${args.join(' ')}"`);
  return { code: code as number | null, stdout, stderr };
}

export type LogLine = Readonly<Record<string, unknown>>;

/** A sidecar in a process of its own. */
export interface Sidecar {
  readonly pid: number;
  /** Every line on standard output so far. */
  readonly lines: readonly LogLine[];
  /** The first line that says this, once it is there. */
  said(msg: string): Promise<LogLine>;
  /** The nth line that says this, from 1, once it is there. */
  saidAgain(msg: string, nth: number): Promise<LogLine>;
  /** The first line that fits, once it is there. */
  lineWhere(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Resolves once standard error holds this. */
  complained(words: string): Promise<void>;
  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2'): void;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** Starts a command that goes on, for as long as a test runs. */
export function startSidecar(t: Test, args: readonly string[], options: CommandOptions = {}): Sidecar {
  const child = start(t, args, options);
  const lines: LogLine[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(JSON.parse(line) as LogLine));
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk;
  });
  const ended = Promise.all([once(child, 'close'), text(child.stderr)]).then(([[code], stderr]) => ({
    code: code as number | null,
    stderr,
  }));
  const waitFor = async (find: () => LogLine | undefined): Promise<LogLine> => {
    for (;;) {
      const line = find();
      if (line) return line;
      await once(reader, 'line');
    }
  };
  const saidAgain = (msg: string, nth: number) =>
    withDeadline(
      waitFor(() => lines.filter((each) => each.msg === msg)[nth - 1]),
      `line ${nth} of "${msg}"`,
    );
  return {
    pid: child.pid ?? 0,
    lines,
    said: (msg) => saidAgain(msg, 1),
    saidAgain,
    lineWhere: (fits) =>
      withDeadline(
        waitFor(() => lines.find(fits)),
        'a line',
      ),
    async complained(words) {
      while (!complaints.includes(words)) {
        await withDeadline(once(child.stderr, 'data'), `"${words}"`);
      }
    },
    kill: (signal) => void child.kill(signal),
    // Counted from when somebody waits for it: what runs on for long is no fault.
    get ended() {
      return withDeadline(ended, `the end of "${args.join(' ')}"`);
    },
  };
}

function start(
  t: Test,
  args: readonly string[],
  { env = {}, cwd = '/', cli = program }: CommandOptions,
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { PATH, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}
