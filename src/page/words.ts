import { span } from '../explain/value.ts';
import { type Html, html } from './html.ts';

const integers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `1,234`. */
export function number(value: number): string {
  return integers.format(value);
}

/** `1 key`, `2 keys`. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}

/** About two digits that count. */
export function short(value: number): string {
  if (value < 1) return value > 0 && value < 0.01 ? '< 0.01' : String(Math.round(value * 100) / 100);
  return value < 10 ? String(Math.round(value * 10) / 10) : number(value);
}

/** Milliseconds, as seconds from one on. */
export function millis(value: number): string {
  return value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`;
}

/** A part of a whole; a dash where there is none. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const value = (part / whole) * 100;
  const rounded = value > 99 && value < 100 ? Math.floor(value * 10) / 10 : Math.round(value * 10) / 10;
  return `${rounded} %`;
}

/** In KiB or MiB. */
export function bytes(value: number): string {
  if (value < 1024) return `${value} bytes`;
  const inKiB = value / 1024;
  return inKiB < 1024 ? `${short(inKiB)} KiB` : `${short(inKiB / 1024)} MiB`;
}

/** Text that is cut says so. */
export function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/**
 * Texts cut in the middle, so that those that differ do not look alike: ids that are rotated often have the same
 * beginning or the same end. Where two would still look alike, both stay whole.
 */
export function cutApart(texts: readonly string[], most: number): readonly string[] {
  const short = (text: string) =>
    text.length > most ? `${text.slice(0, Math.ceil(most / 2))}…${text.slice(-Math.floor(most / 2))}` : text;
  const counts = new Map<string, number>();
  for (const text of new Set(texts)) counts.set(short(text), (counts.get(short(text)) ?? 0) + 1);
  return texts.map((text) => (counts.get(short(text)) === 1 ? short(text) : text));
}

/** `3 h ago (2026-11-25 12:00:05 UTC)`. */
export function since(iso: string, now: string): Html {
  const ms = Date.parse(now) - Date.parse(iso);
  return moment(iso, ms < 1000 ? 'just now' : `${span(ms)} ago`);
}

/** `in 3 h (2026-11-25 12:00:05 UTC)`. */
export function until(iso: string, now: string): Html {
  const ms = Date.parse(iso) - Date.parse(now);
  return moment(iso, ms < 1000 ? 'now' : `in ${span(ms)}`);
}

/** `2026-11-25 12:00:05 UTC`: the one form of a moment. */
export function utc(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

function moment(iso: string, text: string): Html {
  return html`<time datetime="${iso}">${text} <small>(${utc(iso)})</small></time>`;
}
