import t from 'tap';
import { describeMetrics } from '../helpers/metrics.ts';
import { codes, listDocs, readDoc, readTable } from './markdown.ts';
import { isReason } from './reason.ts';

const text = readDoc('metrics.md');
const metrics = await describeMetrics();
const own = metrics.filter(({ name }) => name.startsWith('jwks_sidecar_'));

t.test('the table has every metric with its type and labels', async (t) => {
  const documented = readTable(text, 'Name', 'Type', 'Labels').map((row) => ({
    name: codes(row.Name ?? '')[0] ?? '',
    type: row.Type ?? '',
    labels: codes(row.Labels ?? '').sort(),
  }));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  const declared = own.map(({ name, type, labels }) => ({ name, type, labels }));
  t.same(documented.sort(byName), declared.sort(byName));
});

t.test('the label table has every label', async (t) => {
  const documented = readTable(text, 'Label', 'Values').map((row) => codes(row.Label ?? '')[0]);
  const used = new Set(own.flatMap(({ labels }) => labels));
  for (const builtIn of ['version', 'node']) used.delete(builtIn);
  t.same(documented.sort(), [...used].sort());
});

t.test('no page names a metric or a reason that there is not', async (t) => {
  const names = new Set(metrics.map(({ name }) => name));
  for (const file of listDocs()) {
    const page = readDoc(file);
    for (const [name] of page.matchAll(/\b(?:jwks_sidecar|process|nodejs)_\w+[a-z0-9]\b/g)) {
      const base = name.replace(/_(?:bucket|count|sum)$/, '');
      t.ok(names.has(name) || names.has(base), `${file}: ${name}`);
    }
    for (const [, reason = ''] of page.matchAll(/\breason="([^"]+)"/g)) {
      t.ok(reason === 'ok' || isReason(reason), `${file}: ${reason}`);
    }
  }
});

t.test('the buckets are those of the code', async (t) => {
  const histograms = own.filter(({ type }) => type === 'histogram');
  const documented = readTable(text, 'Histogram', 'Upper bounds');
  t.equal(documented.length, histograms.length, 'every histogram');
  for (const row of documented) {
    const name = `jwks_sidecar_${codes(row.Histogram ?? '')[0]}`;
    const declared = histograms.find((histogram) => histogram.name === name)?.buckets ?? [];
    t.equal(readBounds(row['Upper bounds'] ?? '').join(), declared.map(toMicroseconds).join(), name);
  }
});

/** `10, 25 µs, 1 ms`, in microseconds. */
function readBounds(list: string): number[] {
  const units: Readonly<Record<string, number>> = { µs: 1, ms: 1000, s: 1_000_000 };
  return [...list.matchAll(/([\d., ]+) (µs|ms|s)/g)].flatMap(([, numbers = '', unit = '']) =>
    numbers
      .split(',')
      .filter((number) => number.trim() !== '')
      .map((number) => Math.round(Number(number) * (units[unit] ?? Number.NaN))),
  );
}

function toMicroseconds(seconds: number): number {
  return Math.round(seconds * 1_000_000);
}
