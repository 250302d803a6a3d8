import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

export interface WatchOptions {
  /** Milliseconds between two looks at the files. Default: 1000. */
  readonly interval?: number;
  /** Milliseconds that the files are left alone after a change, for those that change together. Default: 200. */
  readonly settle?: number;
  onChange(): void;
}

export interface Watcher {
  /**
   * Watches these files as they are now, and no others any more. One that does not exist yet is watched for.
   *
   * @param since - epoch milliseconds: what is newly watched and has changed since then is told as a change
   */
  watch(files: readonly string[], since?: number): void;
  /** Takes the files as they are now for known, because they are about to be read: no change until now is told any more. */
  note(): void;
  close(): void;
}

/**
 * Tells when one of some files is another than before. It asks for their status again and again instead of for
 * notifications: this sees a symbolic link that is swapped anywhere on the way to a file, as in mounted ConfigMaps and
 * Secrets, and works on every file system. Keeps no process alive.
 */
export function createWatcher({ interval = 1000, settle = 200, onChange }: WatchOptions): Watcher {
  const seen = new Map<string, string>();
  let looking = false;
  let settling: NodeJS.Timeout | undefined;
  let notes = 0;

  async function lookAt(file: string): Promise<void> {
    const before = notes;
    const now = describe(await stat(file).catch(() => undefined));
    // What was seen before the last note says nothing about what has changed after it.
    if (before !== notes || !seen.has(file) || seen.get(file) === now) return;
    seen.set(file, now);
    clearTimeout(settling);
    settling = setTimeout(onChange, settle).unref();
  }

  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    await Promise.all([...seen.keys()].map(lookAt));
    looking = false;
  }, interval).unref();

  return {
    watch(files, since = Number.POSITIVE_INFINITY) {
      for (const file of seen.keys()) if (!files.includes(file)) seen.delete(file);
      for (const file of files) {
        if (seen.has(file)) continue;
        const status = lookOnce(file);
        seen.set(file, status !== undefined && status.ctimeMs >= since ? changed : describe(status));
      }
    },
    note() {
      notes++;
      clearTimeout(settling);
      for (const file of seen.keys()) seen.set(file, describe(lookOnce(file)));
    },
    close() {
      clearInterval(timer);
      clearTimeout(settling);
      seen.clear();
    },
  };
}

function lookOnce(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

/** Is the status of no file. */
const changed = 'changed';

/** Differs whenever the file does; empty where there is none. */
function describe(status: Stats | undefined): string {
  return status ? [status.dev, status.ino, status.size, status.mtimeMs, status.ctimeMs].join() : '';
}
