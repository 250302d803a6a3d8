import { printable } from '../observe/mask.ts';

const longest = 200;

/** A value of a token as a person may read it: JSON, escaped and cut, so that it can drive no terminal. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'missing';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'missing');
  return text.length > longest ? `${printable(text, longest)}…` : printable(text, longest);
}

/** Several, in one line. */
export function list(values: Iterable<string>): string {
  const all = [...values].map(show);
  return all.length === 0 ? 'none' : all.join(', ');
}

/** Without the slashes at its end. */
export function withoutSlash(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end--;
  return text.slice(0, end);
}

const units = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1000 },
];

/** A length of time in its largest unit: `3 h`. */
export function span(ms: number): string {
  const unit = units.find((each) => Math.abs(ms) >= each.ms);
  return unit ? `${Math.floor(Math.abs(ms) / unit.ms)} ${unit.name}` : 'less than 1 s';
}

/** A NumericDate, RFC 7519 section 2, as ISO 8601. */
export function moment(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? show(seconds) : date.toISOString();
}
