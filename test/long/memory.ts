import { readFileSync } from 'node:fs';

/** Resident memory of a process, in bytes. Linux alone. */
export function residentMemory(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** Looks at a process again and again, until it is stopped; the most that it had. */
export function watchMemory(pid: number): { stop(): number } {
  let most = residentMemory(pid);
  const timer = setInterval(() => {
    most = Math.max(most, residentMemory(pid));
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}
