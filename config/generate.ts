import { readFileSync, writeFileSync } from 'node:fs';
import { renderAll } from './render.ts';

/** Writes what is generated from the schema: `npm run generate`. */
const root = new URL('..', import.meta.url);
const head = readFileSync(new URL('docs/configuration.head.md', root), 'utf8');
for (const [file, text] of Object.entries(renderAll(head))) writeFileSync(new URL(file, root), text);
