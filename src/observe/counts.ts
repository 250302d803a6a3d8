import type { Registry } from 'prom-client';

export interface CountsOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  readonly registry: Registry;
}

/** One line of a counter. Its number only grows. */
export interface Count {
  value: number;
}

interface Labelled<L extends string> extends Count {
  readonly labels: Readonly<Record<L, string>>;
}

/**
 * A counter whose lines are found by a look-up for each label and then only add one. prom-client's own writes the labels
 * out and sorts them anew for every request; it reads these when Prometheus asks.
 */
export class Counts<L extends string> {
  readonly labelNames: readonly L[];
  readonly #root = new Map<string, unknown>();
  readonly #all: Labelled<L>[] = [];

  constructor({ name, help, labelNames, registry }: CountsOptions<L>) {
    this.labelNames = labelNames;
    const get = async () => ({ name, help, type: 'counter', aggregator: 'sum', values: this.#values() });
    registry.registerMetric({ name, get } as never);
  }

  /** The line of some labels' values, in the order of their names. It stands at 0 from now on. */
  of(...values: readonly string[]): Count {
    let map = this.#root;
    const last = values.length - 1;
    for (let i = 0; i < last; i++) map = branch(map, values[i] as string);
    const value = values[last] as string;
    const found = map.get(value) as Count | undefined;
    if (found !== undefined) return found;
    const fresh: Labelled<L> = { value: 0, labels: this.#name(values) };
    map.set(value, fresh);
    this.#all.push(fresh);
    return fresh;
  }

  #name(values: readonly string[]): Record<L, string> {
    return Object.fromEntries(this.labelNames.map((name, index) => [name, values[index]])) as Record<
      L,
      string
    >;
  }

  #values() {
    return this.#all.map(({ labels, value }) => ({ labels, value }));
  }
}

function branch(map: Map<string, unknown>, value: string): Map<string, unknown> {
  const found = map.get(value) as Map<string, unknown> | undefined;
  if (found !== undefined) return found;
  const fresh = new Map<string, unknown>();
  map.set(value, fresh);
  return fresh;
}
