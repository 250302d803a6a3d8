import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const docs = resolve(import.meta.dirname, '../../docs');

/** The text of a file under docs. */
export function readDoc(file: string): string {
  return readFileSync(join(docs, file), 'utf8');
}

/** Every Markdown file under docs, by its path from there. */
export function listDocs(): string[] {
  const all = readdirSync(docs, { recursive: true, withFileTypes: true, encoding: 'utf8' });
  return all
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(docs, join(entry.parentPath, entry.name)));
}

/** A row by the heads of its columns. */
export type Row = Readonly<Record<string, string>>;

/** The rows of the one table whose first columns have these heads. Throws where there is not exactly one. */
export function readTable(text: string, ...heads: readonly string[]): Row[] {
  const lines = text.split('\n');
  const starts = [...lines.keys()].filter((at) => {
    const columns = cells(lines[at] ?? '');
    return heads.every((head, index) => columns[index] === head) && lines[at + 1]?.startsWith('|---');
  });
  const [start, ...others] = starts;
  if (start === undefined || others.length > 0) {
    throw new Error(`${starts.length} tables begin with ${heads.join(', ')}`);
  }
  const columns = cells(lines[start] ?? '');
  const rows: Row[] = [];
  for (let at = start + 2; lines[at]?.startsWith('|'); at++) {
    const values = cells(lines[at] ?? '');
    if (values.length !== columns.length) throw new Error(`line ${at + 1} has ${values.length} columns`);
    rows.push(Object.fromEntries(columns.map((column, index) => [column, values[index] ?? ''])));
  }
  return rows;
}

function cells(line: string): string[] {
  return line.startsWith('|')
    ? line
        .slice(1, line.lastIndexOf('|'))
        .split('|')
        .map((cell) => cell.trim())
    : [];
}

/** The texts between backticks. */
export function codes(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

/** The contents of all fenced blocks of one language. */
export function readBlocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '');
}

/** The targets that headings offer to links, as GitHub makes them. */
export function anchors(text: string): Set<string> {
  const prose = text.replace(/^```.*?^```$/gms, '');
  return new Set(
    [...prose.matchAll(/^#+ (.+)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
