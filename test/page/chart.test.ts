import t from 'tap';
import { renderChart, roundUp } from '../../src/page/chart.ts';

const chart = (...values: (number | null)[]) =>
  renderChart({
    title: 'Requests <b>',
    lines: [{ label: 'a', values }],
    value: '5',
    unit: 'a second',
    summary: 'Five "at most".',
    format: (value) => `${value}/s`,
  }).text;

const pathOf = (text: string) => /class="line line-1" d="([^"]*)"/.exec(text)?.[1];

t.test('a line through what was measured', async (t) => {
  const cases = [
    { name: 'nothing', values: [], path: '' },
    { name: 'two points at the right end', values: [0, 10], path: 'M296.6 71L300 2' },
    { name: 'a gap', values: [10, 10, null, 5, 5], path: 'M286.5 2L289.9 2M296.6 36.5L300 36.5' },
    { name: 'a lone point is a dash', values: [null, 10, null], path: 'M296.6 2h1' },
    { name: 'zeros', values: [0, 0], path: 'M296.6 71L300 71' },
  ];
  for (const { name, values, path } of cases) t.equal(pathOf(chart(...values)), path, name);
  const full = pathOf(chart(...Array.from({ length: 90 }, () => 1)));
  t.match(full, /^M0 /, 'ninety points fill the width');
});

t.test('it says what it shows', async (t) => {
  const text = chart(1, 7);
  t.match(text, '10/s', 'the end of the scale');
  t.match(text, '<h3>Requests &lt;b&gt;</h3>');
  t.match(text, '<figcaption>Five &quot;at most&quot;.</figcaption>');
  t.equal(text.match(/<svg/g)?.length, text.match(/<div class="plot" aria-hidden="true">/g)?.length);
});

t.test('the end of a scale', async (t) => {
  const cases = [
    [0, 1],
    [Number.NaN, 1],
    [0.03, 0.05],
    [1, 1],
    [1.1, 2],
    [3, 5],
    [7, 10],
    [5000, 5000],
    [5001, 10_000],
  ] as const;
  for (const [value, end] of cases) t.equal(Number(roundUp(value).toPrecision(6)), end, String(value));
});
