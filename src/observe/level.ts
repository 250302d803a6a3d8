import type { Logger } from './logger.ts';

/** How much a log says: as it is configured, or all that explains refusals while an operator wants to know. */
export interface Level {
  readonly current: string;
  /** What it is, or goes back to. */
  readonly configured: string;
  /** Takes over another config's level; debug that was turned on stays on. */
  configure(level: string): void;
  /** Turns debug on, or off again. The log says so, whatever its level. */
  toggleDebug(): void;
}

/** Takes a logger's level as the configured one. */
export function createLevel(logger: Logger): Level {
  let configured = logger.level;
  let debugging = false;

  function apply(): void {
    // Trace says more than debug does.
    logger.level = debugging && configured !== 'trace' ? 'debug' : configured;
  }

  return {
    get current() {
      return logger.level;
    },
    get configured() {
      return configured;
    },
    configure(level) {
      configured = level;
      apply();
    },
    toggleDebug() {
      const from = logger.level;
      debugging = !debugging;
      if (debugging) apply();
      logger.info({ msg: 'log level changed', from, to: debugging ? logger.level : configured });
      apply();
    },
  };
}
