import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { readDependencies } from '../../config/dependencies.ts';
import { root } from '../helpers/compile.ts';
import { manifest } from './pack.ts';

const { PATH = '' } = process.env;
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

t.test('the bill of materials', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'jwks-sidecar-'));
  t.teardown(() => rmSync(place, { recursive: true }));
  const make = async (name: string, env = {}) => {
    const file = join(place, name);
    // npm does not bear the options that the test runner hands down to its children.
    const args = ['-u', 'NODE_OPTIONS', process.execPath, join(root, 'config/sbom.ts'), file];
    await promisify(execFile)('env', args, { cwd: place, env: { PATH, HOME: place, ...env } });
    return readFileSync(file, 'utf8');
  };
  const text = await make('one.json');
  t.equal(await make('folder/two.json'), text, 'the same bytes every time');
  const bom = JSON.parse(text);

  t.match(bom, { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
  t.match(bom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const self = `jwks-sidecar@${manifest.version}`;
  t.match(bom.metadata.component, { type: 'application', name: 'jwks-sidecar', version: manifest.version });
  t.same(bom.metadata.component.licenses, [{ license: { id: 'MIT' } }]);

  const dependencies = readDependencies(lock);
  const refs = [...new Set(dependencies.map(({ name, version }) => `${name}@${version}`))].toSorted();
  t.same(
    bom.components.map((component: { 'bom-ref': string }) => component['bom-ref']),
    refs,
    'every production dependency once, and nothing else',
  );
  for (const { name, version, license } of dependencies) {
    const component = bom.components.find(
      (each: { 'bom-ref': string }) => each['bom-ref'] === `${name}@${version}`,
    );
    t.match(
      component,
      {
        name,
        version,
        purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
        licenses: [{ license: { id: license } }],
        hashes: [{ alg: 'SHA-512', content: /^[0-9a-f]{128}$/ }],
      },
      `${name} ${version}`,
    );
  }
  const graph = new Map<string, string[]>(
    bom.dependencies.map(({ ref, dependsOn }: { ref: string; dependsOn: string[] }) => [ref, dependsOn]),
  );
  t.same([...graph.keys()].toSorted(), [...refs, self].toSorted(), 'each is in the graph');
  t.same(
    graph.get(self)?.map((ref) => ref.slice(0, ref.lastIndexOf('@'))),
    Object.keys(manifest.dependencies).toSorted(),
  );
  t.same(
    [...graph.values()].flat().filter((ref) => !graph.has(ref)),
    [],
  );

  t.notMatch(text, /https?:\/\/(?!cyclonedx\.org\/schema\/)/, 'no address of a registry');
  for (const path of [root, place, tmpdir()]) t.notOk(text.includes(path), 'no path of a machine');
  t.notOk('timestamp' in bom.metadata);
  const dated = JSON.parse(await make('three.json', { SOURCE_DATE_EPOCH: '1700000000' }));
  t.equal(dated.metadata.timestamp, '2023-11-14T22:13:20.000Z');
});
