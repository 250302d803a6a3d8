import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { anchors, docs, listDocs, readDoc } from './markdown.ts';

const pages = new Map(listDocs().map((file) => [file, anchors(readDoc(file))]));

for (const file of pages.keys()) {
  t.test(`every link of ${file} leads somewhere`, async (t) => {
    const prose = readDoc(file).replace(/^```.*?^```$/gms, '');
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:\/\//.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const page = path === '' ? file : normalize(join(dirname(file), path));
      t.ok(existsSync(join(docs, page)), `${target} exists`);
      if (anchor !== undefined) t.ok(pages.get(page)?.has(anchor), `${target} has that heading`);
    }
  });
}
