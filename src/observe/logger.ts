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
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}

/** Standard output as a log's destination: written without blocking, so that it must be ended before the process is. */
export interface Output {
  readonly destination: DestinationStream;
  /** Resolves once every line is written, or after a second in which nobody took them. */
  end(): Promise<void>;
}

export function openOutput(): Output {
  const destination = pino.destination({ fd: 1, sync: false });
  return {
    destination,
    end: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, 1000);
        destination.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        destination.end();
      }),
  };
}
