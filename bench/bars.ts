import type { Figures } from './measure.ts';
import type { MemoryFigures } from './memory.ts';
import type { StageFigures } from './stages.ts';

/** What a run measured; a load that was left out is missing. */
export interface Results {
  readonly loads: Readonly<Record<string, readonly Figures[]>>;
  readonly stages: readonly StageFigures[];
  readonly memory: MemoryFigures | undefined;
  /** The same within a container's limit, in MiB; undefined where no container could be made. */
  readonly contained: (MemoryFigures & { readonly limit: number }) | undefined;
}

/** A bar and where ours stands beside it. */
export interface Verdict {
  readonly title: string;
  /** Undefined where the machine lacks what it needs. */
  readonly value: number | undefined;
  readonly bar: number;
  readonly sense: 'at most' | 'at least';
  readonly unit: '×' | 'MiB' | 'ms';
  readonly holds: boolean | undefined;
}

interface Bar extends Pick<Verdict, 'title' | 'bar' | 'sense' | 'unit'> {
  value(results: Results): number | undefined;
}

/** Ours by another candidate's figure under one load, at most so much. */
const ratio = (
  load: string,
  figure: 'cpu' | 'p99' | 'perSecond',
  other: string,
  bar: number,
  sense: Verdict['sense'] = 'at most',
): Bar => ({
  title: `${load}: ${{ cpu: 'CPU a request', p99: 'p99', perSecond: 'requests a second' }[figure]}, ours by ${other}`,
  bar,
  sense,
  unit: '×',
  value(results) {
    const of = (name: string) => results.loads[load]?.find(({ candidate }) => candidate === name)?.[figure];
    return quotient(of('ours'), of(other));
  },
});

const stage = (title: string, many: string, one: string): Bar => ({
  title,
  // What the same code measured twice differs by on a shared machine.
  bar: 1.1,
  sense: 'at most',
  unit: '×',
  value({ stages }) {
    const of = (name: string) => stages.find((each) => each.name === name)?.ns;
    return quotient(of(many), of(one));
  },
});

const memory = (
  title: string,
  figure: 'afterAddresses' | 'readyAfter',
  bar: number,
  unit: 'MiB' | 'ms',
): Bar => ({
  title,
  bar,
  sense: 'at most',
  unit,
  value: (results) => results.memory?.[figure],
});

const bars: readonly Bar[] = [
  ratio('hot', 'cpu', 'stack', 0.4),
  ratio('hot', 'cpu', 'haproxy', 1.3),
  ratio('hot', 'cpu', 'limit', 1.35),
  ratio('hot', 'perSecond', 'apache', 1.5, 'at least'),
  ratio('hot', 'p99', 'limit', 1.3),
  ratio('cold', 'cpu', 'stack', 0.65),
  ratio('cold', 'cpu', 'haproxy', 2),
  ratio('cold', 'cpu', 'apache', 0.4),
  ratio('blocked', 'cpu', 'bare401', 1.6),
  ratio('missing', 'cpu', 'bare401', 1.6),
  stage('rule match: 1,000 rules by 1', 'rule match, 1,000 rules', 'rule match, 1 rule'),
  stage('cached verdict: 100 issuers by 1', 'cached verdict, 100 issuers', 'cached verdict, 1 issuer'),
  stage(
    'full verification: 100 issuers by 1',
    'full verification, 100 issuers',
    'full verification, 1 issuer',
  ),
  memory('resident after 200,000 tokens and 1,000,000 addresses', 'afterAddresses', 160, 'MiB'),
  memory('ready after the start, keys at hand', 'readyAfter', 500, 'ms'),
];

/** The loads and candidates that the bars speak of: all that `--check` needs to run. */
export const barLoads = ['hot', 'cold', 'blocked', 'missing'];
export const barCandidates = ['limit', 'stack', 'haproxy', 'apache', 'ours', 'bare401'];

/** Every bar beside what was measured. */
export function judge(results: Results): readonly Verdict[] {
  return bars.map(({ value, ...bar }) => {
    const measured = value(results);
    const holds =
      measured === undefined
        ? undefined
        : bar.sense === 'at most'
          ? measured <= bar.bar
          : measured >= bar.bar;
    return { ...bar, value: measured, holds };
  });
}

/** One line: what was measured, the bar, and whether it holds. */
export function formatVerdict({ title, value, bar, sense, unit, holds }: Verdict): string {
  const measured = value === undefined ? 'not measured' : amount(value, unit);
  const outcome = holds === undefined ? '' : holds ? 'holds' : 'MISSED';
  return `${title.padEnd(56)} ${measured.padStart(12)}   ${sense} ${amount(bar, unit)}   ${outcome}`.trimEnd();
}

export function amount(value: number, unit: Verdict['unit']): string {
  return unit === '×' ? `${value.toFixed(2)} ×` : `${value.toFixed(0)} ${unit}`;
}

function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}
