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
  /** Watches these files as they are now, and no others any more. One that does not exist yet is watched for. */
  watch(files: readonly string[]): void;
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

  async function lookAt(file: string): Promise<void> {
    const now = describe(await stat(file).catch(() => undefined));
    if (!seen.has(file) || seen.get(file) === now) return;
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
    watch(files) {
      for (const file of seen.keys()) if (!files.includes(file)) seen.delete(file);
      for (const file of files) {
        if (!seen.has(file)) seen.set(file, describe(lookOnce(file)));
      }
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

/** Differs whenever the file does; empty where there is none. */
function describe(status: Stats | undefined): string {
  return status ? [status.dev, status.ino, status.size, status.mtimeMs, status.ctimeMs].join() : '';
}
