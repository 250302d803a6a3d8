import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/** One JSON line an event. Only named values are ever logged, never a request, a header list or an error with its stack. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: compileTime(),
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}

/** A line's member `time`; written anew only when the millisecond is another. */
export function compileTime(): () => string {
  let at = 0;
  let member = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      member = `,"time":"${new Date(now).toISOString()}"`;
    }
    return member;
  };
}

/** Standard output as a log's destination: written without blocking, so that it must be ended before the process is. */
export interface Output {
  readonly destination: DestinationStream;
  /** Resolves once every line is written, or after a second in which nobody took them. */
  end(): Promise<void>;
}

/** A write costs more than a line: lines that come within this time, in milliseconds, or fill a block leave together. */
const patience = 50;
/** Bytes. */
const block = 32 * 1024;
/** Most bytes of lines that wait for a reader. What comes after them is lost, and said once there is room again. */
const mostWaiting = 16 * 1024 * 1024;

/** A reader that is slow, or gone, costs lines but neither traffic nor memory. */
export function openOutput(): Output {
  const output = pino.destination({ fd: 1, sync: false, maxLength: mostWaiting });
  let waiting = '';
  let timer: NodeJS.Timeout | null = null;
  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const lines = waiting;
    waiting = '';
    if (lines !== '') output.write(lines);
  };
  const destination = {
    write(line: string): void {
      waiting += line;
      if (waiting.length >= block) flush();
      else timer ??= setTimeout(flush, patience);
    },
  };
  let lost = 0;
  output.on('error', () => {});
  output.on('drop', (lines: string) => {
    lost += lines.split('\n').length - 1;
  });
  output.on('drain', () => {
    if (lost === 0) return;
    const line = { level: 'warn', time: new Date().toISOString(), msg: 'log lines lost', lines: lost };
    lost = 0;
    destination.write(`${JSON.stringify(line)}\n`);
  });
  return {
    destination,
    end: () =>
      new Promise((resolve) => {
        flush();
        const giveUp = setTimeout(() => {
          // Else it would be tried again at exit, until somebody reads.
          output.destroy();
          resolve();
        }, 1000);
        output.once('close', () => {
          clearTimeout(giveUp);
          resolve();
        });
        output.end();
      }),
  };
}
