/** What an expression reads of one metric. */
export interface Read {
  readonly metric: string;
  /** Of its matchers. */
  readonly matchers: readonly Matcher[];
}

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

const notMetrics = new Set(
  'sum min max count avg rate increase changes absent vector time histogram_quantile max_over_time by on without ignoring group_left group_right and or unless offset bool'.split(
    ' ',
  ),
);

/** Every metric that an expression reads, by the names in it that are no function, keyword or label. */
export function readsOf(expr: string): Read[] {
  const bare = expr.replaceAll(/\b(?:by|on|without|ignoring|group_left|group_right) *\([^)]*\)/g, '');
  return [
    ...bare.matchAll(/("(?:[^"\\]|\\.)*")|(?<![\w$.])([a-zA-Z_]\w*)(?:\{([^}]*)\})?|(?:\[[^\]]*\])/g),
  ].flatMap(([, , metric, matchers = '']) =>
    metric === undefined || notMetrics.has(metric) || /^\d/.test(metric)
      ? []
      : [{ metric, matchers: readMatchers(matchers) }],
  );
}

function readMatchers(text: string): Matcher[] {
  return [...text.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(
    ([, label = '', operator = '', value = '']) => ({
      label,
      operator,
      value,
    }),
  );
}

/** The labels by which an expression groups or joins. */
export function groupsOf(expr: string): string[] {
  return [...expr.matchAll(/\b(?:by|on|without|ignoring|group_left|group_right) *\(([^)]*)\)/g)].flatMap(
    ([, list = '']) =>
      list
        .split(',')
        .map((label) => label.trim())
        .filter(Boolean),
  );
}

/** Labels that come from Prometheus, not from the sidecar. */
export const targetLabels: readonly string[] = ['job', 'namespace', 'app', 'pod', 'instance'];
