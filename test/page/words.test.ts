import t from 'tap';
import {
  bytes,
  count,
  cut,
  cutApart,
  millis,
  number,
  percent,
  short,
  since,
  until,
  utc,
} from '../../src/page/words.ts';

const now = '2026-11-25T12:00:00.000Z';

t.test('numbers as people read them', async (t) => {
  const cases = [
    [number(1234567.8), '1,234,568'],
    [count(1, 'key'), '1 key'],
    [count(0, 'key'), '0 keys'],
    [count(2, 'entry', 'entries'), '2 entries'],
    [short(0), '0'],
    [short(0.0001), '< 0.01'],
    [short(0.054), '0.05'],
    [short(1.24), '1.2'],
    [short(9.96), '10'],
    [short(12.4), '12'],
    [millis(0.52), '0.52 ms'],
    [millis(999), '999 ms'],
    [millis(1500), '1.5 s'],
    [percent(1, 3), '33.3 %'],
    [percent(0, 0), '–'],
    [percent(99_999, 100_000), '99.9 %'],
    [percent(5, 5), '100 %'],
    [bytes(1023), '1023 bytes'],
    [bytes(1536), '1.5 KiB'],
    [bytes(32 * 1024 * 1024), '32 MiB'],
    [cut('abcdef', 3), 'abc…'],
    [cut('abc', 3), 'abc'],
    [utc(now), '2026-11-25 12:00:00 UTC'],
  ] as const;
  for (const [said, expected] of cases) t.equal(said, expected);
});

t.test('moments', async (t) => {
  const shown =
    '<time datetime="2026-11-25T11:57:00.000Z">3 min ago <small>(2026-11-25 11:57:00 UTC)</small></time>';
  t.equal(since('2026-11-25T11:57:00.000Z', now).text, shown);
  t.match(since(now, now).text, '>just now <');
  t.match(until('2026-11-25T13:00:00.000Z', now).text, '>in 1 h <small>(2026-11-25 13:00:00 UTC)<');
  t.match(until('2026-11-25T11:00:00.000Z', now).text, '>now <');
});

t.test('ids that differ do not look alike', async (t) => {
  const cases: readonly { name: string; ids: readonly string[]; shown: readonly string[] }[] = [
    { name: 'short ones', ids: ['k1', 'k2', ''], shown: ['k1', 'k2', ''] },
    { name: 'as long as there is room', ids: ['abcdefgh'], shown: ['abcdefgh'] },
    { name: 'longer ones', ids: ['abcdefghi', 'abcdefghj'], shown: ['abcd…fghi', 'abcd…fghj'] },
    {
      name: 'those that differ in the middle alone',
      ids: ['2026-01-key', '2026-02-key', 'abcdefghijkl'],
      shown: ['2026-01-key', '2026-02-key', 'abcd…ijkl'],
    },
    { name: 'the same twice', ids: ['abcdefghi', 'abcdefghi'], shown: ['abcd…fghi', 'abcd…fghi'] },
    {
      name: 'one that looks like another that is cut',
      ids: ['abcd…fghi', 'abcdefghi'],
      shown: ['abcd…fghi', 'abcdefghi'],
    },
  ];
  for (const { name, ids, shown } of cases) t.strictSame(cutApart(ids, 8), shown, name);
});
