import type { Sample } from './metrics.ts';

/** Counts by the name of a rule, an issuer or an upstream. All names have the same columns. */
export type Rows = ReadonlyMap<string, readonly number[]>;

/** Most names that are kept of one step: those with the highest counts. A config may have thousands of rules. */
const most = 200;

/**
 * Sums samples of a metric by the name in one of their labels.
 *
 * @param columns - how many
 * @param columnsOf - those that a sample counts in
 */
export function readRows(
  samples: readonly Sample[],
  label: string,
  columns: number,
  columnsOf: (sample: Sample) => readonly number[],
): Rows {
  const rows = new Map<string, number[]>();
  for (const sample of samples) {
    if (sample.value === 0) continue;
    const name = String(sample.labels[label]);
    const row = rows.get(name) ?? new Array<number>(columns).fill(0);
    for (const column of columnsOf(sample)) row[column] = (row[column] ?? 0) + sample.value;
    rows.set(name, row);
  }
  return rows;
}

/** What was counted between two moments, without the names of which nothing was. */
export function subtractRows(after: Rows, before: Rows): Rows {
  const grown = [...after].flatMap(([name, row]) => {
    const old = before.get(name);
    const rest =
      old === undefined ? row : row.map((value, column) => Math.max(0, value - (old[column] ?? 0)));
    return rest.some((value) => value > 0) ? [{ name, rest }] : [];
  });
  const kept = grown.length > most ? grown.sort((a, b) => sum(b.rest) - sum(a.rest)).slice(0, most) : grown;
  return new Map(kept.map(({ name, rest }) => [name, rest]));
}

export function addRows(all: readonly Rows[]): Rows {
  const total = new Map<string, number[]>();
  for (const rows of all) {
    for (const [name, row] of rows) {
      const before = total.get(name);
      total.set(
        name,
        before === undefined ? [...row] : row.map((value, column) => value + (before[column] ?? 0)),
      );
    }
  }
  return total;
}

/** The names with the highest counts first. */
export function sortRows(rows: Rows): readonly { readonly name: string; readonly row: readonly number[] }[] {
  return [...rows].map(([name, row]) => ({ name, row })).sort((one, other) => sum(other.row) - sum(one.row));
}

function sum(row: readonly number[]): number {
  return row.reduce((total, value) => total + value, 0);
}
