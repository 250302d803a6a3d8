import { type Html, html } from './html.ts';

export interface Line {
  readonly label: string;
  /** Oldest first; null: nothing was measured. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  /** The most important first: each is drawn differently. At most three. */
  readonly lines: readonly Line[];
  /** What the figure is about in a large number. */
  readonly value: string;
  readonly unit: string;
  /** One sentence that says what the picture shows; of several lines the legend says it to those who see it. */
  readonly summary: string;
  /** The scale ends there; default: at a round number above all values. */
  readonly most?: number;
  /** Of the scale's end. */
  readonly format: (value: number) => string;
}

const width = 300;
const height = 72;
/** Points that the width has room for: fifteen minutes. */
const points = 90;

/** A small line chart: a picture for those who see it, and the same in a sentence. */
export function renderChart(chart: Chart): Html {
  const { title, lines, value, unit, summary, format } = chart;
  const highest = Math.max(0, ...lines.flatMap(({ values }) => values.map((each) => each ?? 0)));
  const most = chart.most ?? roundUp(highest);
  return html`<figure class="chart">
<h3>${title}</h3>
<p class="value"><b>${value}</b> ${unit}</p>
<div class="plot" aria-hidden="true"><span class="top">${format(most)}</span>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" focusable="false">
<path class="grid" d="M0 ${height / 2}H${width}"/><path class="axis" d="M0 0H${width}M0 ${height}H${width}"/>
${lines.length === 1 && html`<path class="area" d="${area(lines[0]?.values ?? [], most)}"/>`}
${lines.map(({ values }, index) => html`<path class="line line-${index + 1}" d="${trace(values, most)}"/>`).reverse()}
</svg><span class="from">15 min ago</span><span class="to">now</span></div>
${lines.length > 1 && legend(lines)}
<figcaption${lines.length > 1 && html` class="hidden"`}>${summary}</figcaption>
</figure>
`;
}

function legend(lines: readonly Line[]): Html {
  return html`<ul class="legend" aria-hidden="true">${lines.map(
    ({ label }, index) =>
      html`<li><svg viewBox="0 0 18 8" focusable="false"><path class="line line-${index + 1}" d="M1 4H17"/></svg> ${label}</li>`,
  )}</ul>
`;
}

/** The path of a line, broken where nothing was measured; a lone point is a dash. */
function trace(values: readonly (number | null)[], most: number): string {
  return values
    .map((value, index) => {
      if (value === null) return '';
      const place = `${x(index, values.length)} ${y(value, most)}`;
      if (typeof values[index - 1] === 'number') return `L${place}`;
      return typeof values[index + 1] === 'number' ? `M${place}` : `M${place}h1`;
    })
    .join('');
}

function area(values: readonly (number | null)[], most: number): string {
  if (values.length < 2) return '';
  const top = values.map((value, index) => `L${x(index, values.length)} ${y(value ?? 0, most)}`).join('');
  return `M${x(0, values.length)} ${height}${top}V${height}Z`;
}

/** The latest is at the right end, however many there are. */
function x(index: number, count: number): number {
  return Math.round((width - (count - 1 - index) * (width / (points - 1))) * 10) / 10;
}

function y(value: number, most: number): number {
  return Math.round((height - 1 - (Math.min(value, most) / most) * (height - 3)) * 10) / 10;
}

/** 1, 2 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((each) => each * power >= value) ?? 10;
  return factor * power;
}
