import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ConfigError } from './fault.ts';
import type { Loaded, LoadOptions } from './load.ts';

/** What comes back from the other thread. */
export type Answer =
  | { readonly loaded: Loaded }
  | { readonly faulty: Pick<ConfigError, 'faults' | 'warnings' | 'notes' | 'files' | 'source'> };

/**
 * Loads the config as `loadConfig` does, in a thread of its own: reading and checking ten thousand rules takes the
 * better part of a second, in which this thread would answer no request. What comes back is a copy.
 *
 * @throws ConfigError as `loadConfig` does, and Error where the thread cannot be had or ends without an answer
 */
export function loadAside(options: LoadOptions): Promise<Loaded> {
  return new Promise((resolve, reject) => {
    const file = new URL(`./load-worker${extname(import.meta.url)}`, import.meta.url);
    // An environment is not a plain object, and only those are passed on.
    const worker = new Worker(file, { workerData: { ...options, env: { ...options.env } } });
    worker.once('message', (answer: Answer) => {
      if ('loaded' in answer) return resolve(answer.loaded);
      const { faults, ...details } = answer.faulty;
      reject(new ConfigError(faults, details));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that loads the config ended without an answer')));
  });
}
