import type { Loaded } from './config/complete.ts';
import { ConfigError } from './config/fault.ts';
import { namedFiles } from './config/files.ts';
import { createWatcher } from './config/watch.ts';
import type { Server } from './server.ts';

export interface FollowOptions {
  readonly server: Pick<Server, 'reload'>;
  /** What is in force. */
  readonly loaded: Loaded;
  /** Loads it anew. Rejects where it cannot be used. */
  load(): Promise<Loaded>;
}

export interface Follower {
  reload(): void;
  close(): void;
}

/**
 * Reloads whenever the config or a file that it names changes, and on SIGHUP. What cannot be used is said by the
 * server, and looked at again at the next change.
 */
export function followConfig({ server, loaded, load }: FollowOptions): Follower {
  const watcher = createWatcher({ onChange: reload });
  let files = filesOf(loaded);
  let waiting = false;

  async function loadAnew(): Promise<Loaded> {
    // A change that this load reads must not be told by the watcher as well: it would be loaded twice.
    watcher.note();
    const began = Date.now();
    try {
      const next = await load();
      files = filesOf(next);
      watcher.watch(files, began);
      return next;
    } catch (error) {
      // What it lacks may come later, as a Secret may after the ConfigMap that needs it.
      if (error instanceof ConfigError) watcher.watch([...files, ...error.files], began);
      throw error;
    }
  }

  function reload(): void {
    // One that has not begun to load will read what this one would.
    if (waiting) return;
    waiting = true;
    server
      .reload(() => {
        waiting = false;
        return loadAnew();
      })
      .catch(() => {});
  }

  watcher.watch(files);
  process.on('SIGHUP', reload);
  return {
    reload,
    close() {
      process.off('SIGHUP', reload);
      watcher.close();
    },
  };
}

function filesOf({ files, config }: Loaded): string[] {
  return [...files, ...namedFiles(config)];
}
