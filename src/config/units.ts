const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const bytes: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A duration as the file says it (`30s`, or seconds as a number) in milliseconds; undefined where it is none. */
export function parseDuration(value: string | number): number | undefined {
  return typeof value === 'number' ? round(value * 1000) : parse(value, milliseconds);
}

/** A size as the file says it (`16KiB`, or bytes as a number) in bytes; undefined where it is none. */
export function parseSize(value: string | number): number | undefined {
  return typeof value === 'number' ? value : parse(value, bytes);
}

/** Milliseconds as a person writes them, in the largest unit that leaves a whole number: `1s`, `24h`, `1500ms`. */
export function formatDuration(amount: number): string {
  return format(amount, milliseconds);
}

/** Bytes in the same way: `16KiB`. */
export function formatSize(amount: number): string {
  return format(amount, bytes);
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(text) ?? [];
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : round(Number(amount) * factor);
}

function format(amount: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, factor]) => amount % factor === 0);
  // Zero fits every unit; the usual one is the second: 0s, and 0KiB would only look odd.
  const [unit, factor] = (amount === 0 ? fitting[1] : fitting.at(-1)) ?? ['ms', 1];
  return `${amount / factor}${unit}`;
}

/** Whole units, save that nothing that was asked for becomes nothing. */
function round(amount: number): number {
  return amount > 0 ? Math.max(1, Math.round(amount)) : 0;
}
