import type { Recent, Span } from '../observe/history.ts';
import type { Quantiles } from '../observe/quantiles.ts';
import type { Status } from '../status.ts';
import { renderBreakdown } from './breakdown.ts';
import { renderChart } from './chart.ts';
import { type Html, html } from './html.ts';
import { linkReason } from './reasons.ts';
import { renderTable } from './table.ts';
import { count, millis, number, percent, short, utc } from './words.ts';

const quantiles = ['p50', 'p95', 'p99'] as const;

/** Requests, refusals, latency and cache hits of the last fifteen minutes. */
export function renderTraffic(status: Status): Html {
  const { history } = status;
  const { refusals, durationMs } = history;
  return html`<h2 id="traffic-title">The last 15 minutes</h2>
${durationMs < 890_000 && html`<p class="note">It started less than 15 minutes ago; this is all since then.</p>`}
<div class="charts">
${renderRate('Requests', history, ({ requests }) => requests)}
${renderRate('Refused by the gateway', history, ({ refused }) => refused)}
${renderHits(history)}
${renderLatency('Latency of whole requests', history, ({ requestMs }) => requestMs)}
${renderLatency('Latency of the upstream', history, ({ upstreamMs }) => upstreamMs)}
${renderReasons(refusals)}
</div>
${renderBreakdown(status)}
<details id="by-minute"><summary>The same by the minute, as a table</summary>
${renderMinutes(history)}</details>
`;
}

function renderRate(
  title: string,
  { steps, durationMs, ...whole }: Recent,
  of: (span: Counts) => number,
): Html {
  const values = steps.map((step) => rate(of(step), step.durationMs));
  const total = of(whole);
  const highest = Math.max(0, ...values);
  return renderChart({
    title,
    lines: [{ label: title, values }],
    value: short(values.at(-1) ?? 0),
    unit: 'a second now',
    format: (value) => `${short(value)}/s`,
    summary: `${number(total)} in all, ${short(rate(total, durationMs))} a second on average, ${short(highest)} at most.`,
  });
}

type Counts = Pick<Span, 'requests' | 'refused' | 'cacheHits' | 'cacheMisses'>;

function renderHits({ steps, cacheHits, cacheMisses }: Recent): Html {
  const values = steps.map((step) => {
    const asked = step.cacheHits + step.cacheMisses;
    return asked === 0 ? null : (step.cacheHits / asked) * 100;
  });
  const asked = cacheHits + cacheMisses;
  return renderChart({
    title: 'Tokens verified before',
    lines: [{ label: 'Cache hits', values }],
    value: percent(cacheHits, asked),
    unit: 'of tokens',
    most: 100,
    format: (value) => `${value} %`,
    summary:
      asked === 0
        ? 'No token came.'
        : `${number(cacheHits)} of ${count(asked, 'token')} had a cached verdict, ${number(cacheMisses)} had to be verified.`,
  });
}

function renderLatency(title: string, history: Recent, of: (span: Span) => Quantiles | null): Html {
  const whole = of(history);
  return renderChart({
    title,
    lines: quantiles.map((name) => ({
      label: whole === null ? name : `${name} ${millis(whole[name])}`,
      values: history.steps.map((step) => of(step)?.[name] ?? null),
    })),
    value: whole === null ? '–' : millis(whole.p50),
    unit: whole === null ? 'nothing measured' : 'median',
    format: millis,
    summary:
      whole === null
        ? 'No request came.'
        : `Half took at most ${millis(whole.p50)}, 95 % at most ${millis(whole.p95)}, 99 % at most ${millis(whole.p99)}.`,
  });
}

const reasonsShown = 6;

function renderReasons(refusals: Recent['refusals']): Html {
  const all = Object.entries(refusals);
  const most = all[0]?.[1] ?? 1;
  const others = all.slice(reasonsShown).reduce((sum, [, each]) => sum + each, 0);
  return html`<div class="chart"><h3 id="reasons-title">Reasons of refusals</h3>
${
  all.length === 0
    ? html`<p class="empty">Nothing was refused.</p>`
    : html`<table class="bars" aria-labelledby="reasons-title"><thead class="hidden"><tr><th scope="col">Reason</th><th scope="col">Requests</th></tr></thead>
<tbody>${all.slice(0, reasonsShown).map(
        ([
          reason,
          refused,
        ]) => html`<tr><th scope="row">${linkReason(reason)}<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect width="${Math.max(1, Math.round((refused / most) * 100))}" height="4"/></svg></th><td>${number(refused)}</td></tr>
`,
      )}${others > 0 && html`<tr><th scope="row">all others</th><td>${number(others)}</td></tr>`}</tbody></table>`
}</div>
`;
}

function renderMinutes({ minutes }: Recent): Html {
  const quantilesOf = (all: Quantiles | null) =>
    all === null ? '–' : quantiles.map((name) => millis(all[name])).join(' · ');
  return renderTable({
    id: 'minutes',
    caption: 'Traffic by the minute, the latest first; latency as p50 · p95 · p99',
    columns: ['Until', 'Requests', 'Refused', 'Cache hits', 'Whole requests', 'Upstream'],
    numeric: [1, 2, 3, 4, 5],
    rows: minutes
      .toReversed()
      .map((minute) => [
        utc(minute.endedAt).slice(11),
        number(minute.requests),
        number(minute.refused),
        percent(minute.cacheHits, minute.cacheHits + minute.cacheMisses),
        quantilesOf(minute.requestMs),
        quantilesOf(minute.upstreamMs),
      ]),
  });
}

/** A second. */
function rate(count: number, durationMs: number): number {
  return durationMs === 0 ? 0 : (count / durationMs) * 1000;
}
