import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { createCertificate } from '../helpers/certificate.ts';
import { makeKey } from '../helpers/key.ts';
import { docs, listDocs, readBlocks, readDoc } from './markdown.ts';

const pages = new Map([
  ['README.md', readFileSync(join(docs, '../README.md'), 'utf8')],
  ...listDocs().map((file) => [`docs/${file}`, readDoc(file)] as const),
]);
const least = { upstream: 'http://127.0.0.1:3000', issuers: [] };
const trust = { issuer: 'https://idp.example.com', audience: 'api://orders' };
const pair = createCertificate();
const jwks = JSON.stringify({ keys: [(await makeKey()).publicJwk] });
const env = { UPSTREAM_URL: 'http://127.0.0.1:3000' };

/** Puts every file that a config names into a folder, and names it there. */
function withFiles(folder: string, config: string): string {
  return config.replace(/\/(?:etc|var|run)\/[\w./-]+/g, (path) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    const isKey = /key/.test(path);
    const content = path.endsWith('.json') ? jwks : isKey ? pair.key : pair.cert;
    writeFileSync(file, /(?:secret|token)/.test(path) ? 'x'.repeat(32) : content);
    return file;
  });
}

for (const [page, text] of pages) {
  t.test(`the YAML of ${page}`, async (t) => {
    const cwd = t.testdir({});
    for (const block of readBlocks(text, 'yaml')) {
      const [title = ''] = block.split('\n');
      t.match(title, /^# \S/, 'a block says what it is');
      if (!title.startsWith('# sidecar.yaml')) continue;
      const part = title.includes('(part)');
      const input = parse(withFiles(cwd, block));
      const config = part ? { ...least, ...input, issuers: input.issuers ?? [trust] } : input;
      // Whoever gives a part gives no upstream of its own, or one that is whole.
      if (typeof config.upstream === 'object')
        config.upstream = { url: env.UPSTREAM_URL, ...config.upstream };
      writeFileSync(join(cwd, 'sidecar.yaml'), stringify(config));
      t.doesNotThrow(() => loadConfig({ file: 'sidecar.yaml', env, cwd }), `${page}: ${title}`);
    }
  });
}
