import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError } from './fault.ts';
import { type LoadOptions, loadConfig } from './load.ts';
import type { Answer } from './load-aside.ts';

/** The thread of `loadAside`: it loads once, answers and ends. */
function answer(options: LoadOptions): Answer {
  try {
    return { loaded: loadConfig(options) };
  } catch (error) {
    // What an error carries besides its message is lost on the way between threads.
    if (!(error instanceof ConfigError)) throw error;
    const { faults, warnings, notes, files, source } = error;
    return { faulty: { faults, warnings, notes, files, source } };
  }
}

parentPort?.postMessage(answer(workerData as LoadOptions));
