import { unwatchFile, watchFile } from 'node:fs';

export interface WatchOptions {
  /** Milliseconds between two looks at each file. Default: 1000. */
  readonly interval?: number;
  /** Milliseconds that the files are left alone after a change, for those that change together. Default: 200. */
  readonly settle?: number;
  onChange(): void;
}

export interface Watcher {
  /** Watches these files, and no others any more. One that does not exist yet is watched for. */
  watch(files: readonly string[]): void;
  close(): void;
}

/**
 * Tells when one of some files is another than before. It asks for their status again and again instead of for
 * notifications: this sees a symbolic link that is swapped anywhere on the way to a file, as in mounted ConfigMaps and
 * Secrets, and works on every file system. Keeps no process alive.
 */
export function createWatcher({ interval = 1000, settle = 200, onChange }: WatchOptions): Watcher {
  let watched: ReadonlySet<string> = new Set();
  let timer: NodeJS.Timeout | undefined;
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(onChange, settle).unref();
  };
  return {
    watch(files) {
      const wanted = new Set(files);
      for (const file of watched) if (!wanted.has(file)) unwatchFile(file, changed);
      for (const file of wanted) {
        if (!watched.has(file)) watchFile(file, { interval, persistent: false }, changed);
      }
      watched = wanted;
    },
    close() {
      clearTimeout(timer);
      for (const file of watched) unwatchFile(file, changed);
      watched = new Set();
    },
  };
}
