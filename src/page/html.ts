import { printable } from '../observe/mask.ts';

/** Markup whose values were escaped when it was made. Only `html` and `constant` make it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What markup can hold: text is escaped, markup stays, a list is joined, null and false are nothing. */
export type Value = string | number | Html | null | false | readonly Value[];

/** A tagged template: every value in it is escaped, for text and for attributes in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((text, part, index) => text + show(values[index - 1] ?? null) + part));
}

/** Text of the program's own that is markup already: a stylesheet, a script. Never anything from outside. */
export function constant(text: string): Html {
  return new Html(text);
}

function show(value: Value): string {
  if (value === null || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(show).join('');
  return escapeText(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Longer than what anything says in earnest. */
const longest = 4000;

/** Control characters and those that turn the direction of text around are made visible too. */
function escapeText(text: string): string {
  return printable(text, longest).replace(/[&<>"'`]/g, (char) => entities[char] ?? '');
}
