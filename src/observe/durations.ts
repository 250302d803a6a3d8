import type { Registry } from 'prom-client';

export interface DurationsOptions {
  readonly name: string;
  readonly help: string;
  readonly labelName: string;
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[];
  readonly registry: Registry;
}

/** The durations of one label's value. */
export class Histogram {
  readonly label: string;
  readonly #bounds: Float64Array;
  /** One more than there are bounds: the last holds what is longer than all. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(label: string, bounds: readonly number[]) {
    this.label = label;
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** @param seconds - of one */
  observe(seconds: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] as number)) at++;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += seconds;
  }

  /** As Prometheus has them: each bucket with all below it. */
  read(): { readonly buckets: readonly number[]; readonly sum: number } {
    let total = 0;
    const buckets = Array.from(this.#counts, (count) => {
      total += count;
      return total;
    });
    return { buckets, sum: this.#sum };
  }
}

/** A histogram with one label, whose lines are resolved once; read by prom-client when Prometheus asks. */
export class Durations {
  readonly #options: DurationsOptions;
  readonly #all = new Map<string, Histogram>();

  constructor(options: DurationsOptions) {
    this.#options = options;
    const { name, help, registry } = options;
    const get = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: this.#values() });
    registry.registerMetric({ name, get } as never);
  }

  /** The histogram of a label's value. It stands at 0 from now on. */
  of(label: string): Histogram {
    const found = this.#all.get(label);
    if (found !== undefined) return found;
    const fresh = new Histogram(label, this.#options.bounds);
    this.#all.set(label, fresh);
    return fresh;
  }

  #values() {
    const { name, labelName, bounds } = this.#options;
    return [...this.#all.values()].flatMap((histogram) => {
      const labels = { [labelName]: histogram.label };
      const { buckets, sum } = histogram.read();
      const line = (suffix: string, value: number, le: object = {}) => ({
        labels: { ...le, ...labels },
        value,
        metricName: `${name}_${suffix}`,
      });
      return [
        ...buckets.map((value, index) => line('bucket', value, { le: bounds[index] ?? '+Inf' })),
        line('sum', sum),
        line('count', buckets.at(-1) as number),
      ];
    });
  }
}
