import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { scratchFolder } from './scratch.ts';

/** A program under measurement, on one core of its own. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** CPU time so far of it and all its children, user and system, in microseconds. */
  cpu(): number;
  /** Resident memory at this moment, children included, in MiB. */
  resident(): number;
  /** Most resident memory since `forgetPeak`, children included, in MiB. */
  peak(): number;
  forgetPeak(): void;
  stop(): Promise<number>;
}

/** The candidate has core 0 for itself; whoever asks and answers it shares core 1. */
export const cores = availableParallelism() > 1 ? { candidate: 0, load: 1 } : { candidate: 0, load: 0 };
const ticksPerSecond = 100;

/** Starts a command on a core; its output goes through a pipe to nobody, as a container's does to its log driver. */
export function startPinned(
  core: number,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const pipe = openSink();
  const child: ChildProcess = spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['ignore', pipe, process.env.BENCH_DEBUG ? 'inherit' : 'ignore'],
    env: { ...process.env, ...env },
  });
  closeSync(pipe);
  // Whatever ends this program ends what it started.
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);
  const exited = once(child, 'exit').then(([code]) => {
    process.off('exit', orphan);
    return code as number;
  });
  const pid = child.pid as number;
  return {
    pid,
    exited,
    cpu: () => sum(family(pid), ticks) * (1e6 / ticksPerSecond),
    resident: () => Math.round(sum(family(pid), (each) => kib(each, 'VmRSS')) / 1024),
    peak: () => Math.round(sum(family(pid), (each) => kib(each, 'VmHWM')) / 1024),
    forgetPeak() {
      // 5: the peak begins anew at what is resident now (proc(5), clear_refs).
      for (const each of family(pid)) writeFileSync(`/proc/${each}/clear_refs`, '5');
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
  };
}

/** A true pipe, which Node's own stdio is not, and somebody who reads it. */
function openSink(): number {
  const folder = scratchFolder();
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const pipe = openSync(path, 'r+');
  spawn('taskset', ['-c', String(cores.load), 'cat', path], { stdio: 'ignore' });
  return pipe;
}

/** A process and all that it started. */
function family(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}

function ticks(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function kib(pid: number, name: string): number {
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Empty for a process that has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0);
}

/** Resolves once somebody listens on a port of 127.0.0.1. Throws after ten seconds. */
export async function accepting(port: number): Promise<void> {
  const end = Date.now() + 10_000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.destroy();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await wait(10);
    }
  }
}
