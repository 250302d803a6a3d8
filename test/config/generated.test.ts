import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { renderAll } from '../../config/render.ts';
import { completeConfig } from '../../src/config/complete.ts';
import { ConfigError } from '../../src/config/fault.ts';
import type { ConfigInput } from '../../src/config/schema.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const minimal = parse(read('config/minimal.yaml'));

t.test('what is generated is what the schema says now', async (t) => {
  for (const [file, text] of Object.entries(renderAll(read('docs/configuration.head.md')))) {
    t.equal(read(file), text, `${file}: run npm run generate`);
  }
});

t.test('the full example is the minimal one with every default', async (t) => {
  t.strictSame(completeConfig(parse(read('config/full.yaml'))).config, completeConfig(minimal).config);
});

t.test('every config in the docs is valid', async (t) => {
  const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`)];
  let checked = 0;
  for (const file of documents.filter((each) => each.endsWith('.md'))) {
    for (const [, block = ''] of read(file).matchAll(/^```yaml\n(# sidecar\.yaml.*?)^```/gms)) {
      const value = parse(
        block.replaceAll(/\$\{[A-Z_]*URL\}/g, 'http://127.0.0.1:3000').replaceAll(/\$\{[^}]*\}/g, 'text'),
      );
      const whole = block.startsWith('# sidecar.yaml (part)') ? { ...minimal, ...value } : value;
      t.same(faultsOf(whole), [], `${file}: ${block.slice(0, 80)}`);
      checked++;
    }
  }
  t.ok(checked >= 3, `${checked} configs`);
});

/** Files of another machine are not there; everything else must hold. */
function faultsOf(value: ConfigInput): string[] {
  try {
    completeConfig(value);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults
      .filter(({ message }) => !message.includes('cannot be read'))
      .map(({ path, message }) => `${path} ${message}`);
  }
}
