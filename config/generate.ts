import { readFileSync, writeFileSync } from 'node:fs';
import { renderDependencies } from './dependencies.ts';
import { renderAll } from './render.ts';

/** Writes what is generated from the schema and from the lockfile: `npm run generate`. */
const root = new URL('..', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const lock = JSON.parse(read('package-lock.json'));
const files = {
  ...renderAll(read('docs/configuration.head.md')),
  'docs/dependencies.md': renderDependencies(read('docs/dependencies.md'), lock),
};
for (const [file, text] of Object.entries(files)) writeFileSync(new URL(file, root), text);
