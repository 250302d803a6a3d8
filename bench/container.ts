import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bounds what a program may have of memory, as a container runtime does. */
export interface Container {
  /** MiB. */
  readonly limit: number;
  /** The command that runs another one inside. */
  enter(command: readonly string[]): string[];
  /** Removes it, once all programs in it have ended. */
  remove(): void;
}

/** Where the kernel keeps memory cgroups, and how the limit is named there: version 2, and 1 before. */
const hierarchies = [
  { folder: '/sys/fs/cgroup', limit: 'memory.max' },
  { folder: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
];

/** Makes a memory cgroup for a program; null where this process may make none. */
export function makeContainer(limit: number): Container | null {
  for (const each of hierarchies) {
    const folder = join(each.folder, `jwks-sidecar-bench-${process.pid}`);
    const file = join(folder, each.limit);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    // A folder without the file is a cgroup that has no say in memory.
    if (!existsSync(file)) {
      rmdirSync(folder);
      continue;
    }
    writeFileSync(file, String(limit * 2 ** 20));
    return {
      limit,
      // Node sizes its heap by the limit when it starts, so it has to be inside by then.
      enter: (command) => [
        'sh',
        '-c',
        'echo $$ > "$0" && exec "$@"',
        join(folder, 'cgroup.procs'),
        ...command,
      ],
      remove: () => {
        if (readFileSync(join(folder, 'cgroup.procs'), 'utf8') === '') rmdirSync(folder);
      },
    };
  }
  return null;
}
