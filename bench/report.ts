import { cpus, totalmem } from 'node:os';
import { amount, judge, type Results } from './bars.ts';
import type { Candidate } from './candidates.ts';
import type { Load } from './loads.ts';
import type { Figures, Pace } from './measure.ts';
import type { MemoryFigures } from './memory.ts';
import type { StageFigures } from './stages.ts';

/** How a run was made. */
export interface Conditions {
  readonly command: string;
  readonly generator: string;
  readonly pace: Pace;
  readonly candidates: readonly Candidate[];
}

/** The whole report, as Markdown. */
export function formatReport(results: Results, loads: readonly Load[], conditions: Conditions): string {
  const { command, generator, pace, candidates } = conditions;
  const versions = new Map(
    Object.values(results.loads).flatMap((all) => all.map(({ candidate, version }) => [candidate, version])),
  );
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return [
    '# What was measured',
    `With \`${command}\`, ${new Date().toISOString().slice(0, 10)}, on ${cpus().length} cores of ${cpus()[0]?.model.trim()} with ${memory}, a virtual machine; Node ${process.version}, load from ${generator}. A candidate had one core, the load and the upstream shared another. Medians of ${pace.rounds} rounds of ${pace.seconds} s, the candidates in turns. CPU time is user and system of the candidate and its children; [performance.md](../docs/performance.md) says what the figures mean.`,
    table(
      ['candidate', 'what it is', 'version'],
      candidates
        .filter(({ name }) => versions.has(name))
        .map(({ name, title }) => [name, title, versions.get(name) ?? '']),
    ),
    ...candidates
      .filter((each) => each.missing !== null)
      .map((each) => `Without ${each.title}: ${each.missing}.`),
    '## The bars',
    formatBars(results),
    ...loads
      .filter(({ name }) => results.loads[name] !== undefined)
      .flatMap((load) => [
        `## ${load.name}: ${load.title}`,
        formatFigures(results.loads[load.name] ?? []),
        ...formatBroken(results.loads[load.name] ?? []),
      ]),
    ...(results.stages.length > 0 ? ['## Stages of a request', formatStages(results.stages)] : []),
    ...formatMemory(results),
  ].join('\n\n');
}

/** CPU time beside ours, so that a reader need not divide. */
function formatFigures(all: readonly Figures[]): string {
  const ours = all.find(({ candidate }) => candidate === 'ours')?.cpu;
  return table(
    ['candidate', 'requests/s', 'CPU a request', 'ours by it', 'p50', 'p99', 'p99.9', 'peak resident'],
    all.map(({ candidate, perSecond, cpu, p50, p99, p999, rss }) => [
      candidate,
      perSecond.toLocaleString('en', { maximumFractionDigits: perSecond < 100 ? 1 : 0 }),
      micro(cpu),
      ours === undefined || candidate === 'ours' ? '' : (ours / cpu).toFixed(2),
      micro(p50),
      micro(p99),
      micro(p999),
      `${rss} MiB`,
    ]),
    1,
  );
}

function formatBroken(all: readonly Figures[]): string[] {
  const some = all.filter(({ broken }) => broken > 0);
  if (some.length === 0) return [];
  return [`Without an answer: ${some.map((each) => `${each.broken} of ${each.candidate}`).join(', ')}.`];
}

export function formatStages(rows: readonly StageFigures[]): string {
  return table(
    ['stage', 'time a call', 'allocated a call'],
    rows.map(({ name, ns, bytes }) => [
      name,
      ns < 10_000 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} µs`,
      `${bytes} B`,
    ]),
    1,
  );
}

/** Beside each other: with all memory of the machine, and within a container's. */
function formatMemory({ memory, contained }: Results): string[] {
  if (memory === undefined) return [];
  const each = [memory, ...(contained === undefined ? [] : [contained])];
  const row = (when: string, figure: keyof MemoryFigures, unit: string) => [
    when,
    ...each.map((figures) => `${figures[figure].toFixed(0)} ${unit}`),
  ];
  return [
    '## Memory and start',
    table(
      ['resident', 'no limit', ...(contained === undefined ? [] : [`a container of ${contained.limit} MiB`])],
      [
        row('ready', 'ready', 'MiB'),
        row('after 200,000 distinct good tokens', 'afterTokens', 'MiB'),
        row('after 1,000,000 failing addresses more', 'afterAddresses', 'MiB'),
        row('at most', 'peak', 'MiB'),
        row('from the start of the process until ready', 'readyAfter', 'ms'),
      ],
      1,
    ),
    ...(contained === undefined
      ? ['A container could not be made: that takes root and a memory cgroup.']
      : []),
  ];
}

function formatBars(results: Results): string {
  return table(
    ['bar', 'measured', 'limit', ''],
    judge(results).map(({ title, value, bar, sense, unit, holds }) => [
      title,
      value === undefined ? 'not measured' : amount(value, unit),
      `${sense} ${amount(bar, unit)}`,
      holds === undefined ? '' : holds ? 'holds' : '**missed**',
    ]),
  );
}

/** Columns from the `right`th on are figures. */
function table(head: readonly string[], rows: readonly (readonly string[])[], right = head.length): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at < right ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function micro(microseconds: number): string {
  return microseconds < 10_000
    ? `${microseconds.toFixed(microseconds < 100 ? 1 : 0)} µs`
    : `${(microseconds / 1000).toFixed(1)} ms`;
}
