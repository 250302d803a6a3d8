import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bounds what a program may have of memory, as a container runtime does. */
export interface Container {
  /** MiB. */
  readonly limit: number;
  /** The command that runs another one inside. */
  enter(command: readonly string[]): string[];
  /** Ends what still runs in it and removes it; done anyhow when this program ends. */
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
    const remove = () => removeGroup(folder);
    process.once('exit', remove);
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
      remove,
    };
  }
  return null;
}

/** It can be removed some milliseconds after the last program in it has ended; waits for a second at most. */
function removeGroup(folder: string): void {
  for (let tries = 0; tries < 100 && existsSync(folder); tries++) {
    try {
      rmdirSync(folder);
    } catch {
      const pids = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
      for (const pid of pids) kill(Number(pid));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
