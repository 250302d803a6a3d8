/** A panel as it is thought of; what Grafana wants of it is made by `render`. */
export interface Panel {
  readonly title: string;
  /** What it shows, and what it means when it does not look as usual. */
  readonly description: string;
  readonly type: 'stat' | 'timeseries' | 'table';
  /** Of 24. */
  readonly width: number;
  /** Of Grafana's names: `s`, `percentunit`, `reqps`, `short`, … */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Where the color changes; each is the threshold of an alert, or comes before it. */
  readonly thresholds?: readonly Threshold[];
  /** Whose threshold the last of `thresholds` is. */
  readonly alert?: string;
  readonly stack?: boolean;
  /** What a table calls the value; left out, it shows labels alone. */
  readonly column?: string;
}

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Threshold {
  readonly color: 'yellow' | 'orange' | 'red';
  readonly value: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Whichever the reader chooses. */
export const datasource = { type: 'prometheus', uid: '${datasource}' };

/** What every query is narrowed to. Plain Prometheus has no namespace, app or pod: there, all of them match what is missing. */
export const target = 'job=~"$job",namespace=~"$namespace",app=~"$app",pod=~"$pod"';
export const byRule = `${target},rule=~"$rule"`;
export const byIssuer = `${target},issuer=~"$issuer"`;

/** A rate per second over what Grafana takes to be enough samples. */
export function rate(metric: string, labels: string = target): string {
  return `rate(${metric}{${labels}}[$__rate_interval])`;
}

/** A quantile of a histogram, by some of its labels. */
export function quantile(
  share: number,
  histogram: string,
  labels: string,
  by: readonly string[] = [],
): string {
  return `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (${rate(`${histogram}_bucket`, labels)}))`;
}

/** The median, and the values that one request in twenty and one in a hundred exceeds. */
export function quantiles(histogram: string, labels: string, by: readonly string[] = []): Query[] {
  const suffix = by.map((label) => ` {{${label}}}`).join('');
  return [0.5, 0.95, 0.99].map((share) => ({
    expr: quantile(share, histogram, labels, by),
    legend: `p${share * 100}${suffix}`,
  }));
}

export const red = (value: number): readonly Threshold[] => [{ color: 'red', value }];
