import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import t from 'tap';
import { anchors, docs, listDocs } from './markdown.ts';

const root = join(docs, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** Everything that a reader may begin at, by its path from the root. */
const pages = new Map(
  [
    ...['README.md', 'CHANGELOG.md'],
    ...listDocs().map((file) => join('docs', file)),
    ...['k8s', 'test/attacks'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.md'))
        .map((file) => join(folder, file)),
    ),
  ].map((file) => [file, anchors(read(file))]),
);

/** The targets of links outside code. */
function linksOf(file: string): string[] {
  const prose = read(file)
    .replace(/^ *```.*?^ *```$/gms, '')
    .replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
}

for (const file of pages.keys()) {
  t.test(`every link of ${file} leads somewhere`, async (t) => {
    for (const target of linksOf(file)) {
      if (/^https?:\/\//.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const page = path === '' ? file : normalize(join(dirname(file), path));
      t.ok(existsSync(join(root, page)), `${target} exists`);
      t.notOk(relative(root, join(root, page)).startsWith('..'), `${target} is in the repository`);
      if (anchor !== undefined) t.ok(pages.get(page)?.has(anchor), `${target} has that heading`);
    }
  });
}

t.test('every document is one click away from the list of them', async (t) => {
  const listed = new Set(linksOf('docs/README.md').map((target) => join('docs', target.split('#')[0] ?? '')));
  for (const file of pages.keys()) {
    if (!file.startsWith('docs/') || ['docs/README.md', 'docs/configuration.head.md'].includes(file))
      continue;
    t.ok(listed.has(file), file);
  }
});

t.test('comments of manifests name files that are there', async (t) => {
  for (const file of readdirSync(join(root, 'k8s'), { recursive: true, encoding: 'utf8' })) {
    const path = join('k8s', file);
    if (!statSync(join(root, path)).isFile()) continue;
    for (const [, target = ''] of read(path).matchAll(/\$schema=(\S+)/g))
      t.ok(existsSync(join(root, dirname(path), target)), `${path}: ${target}`);
  }
});
