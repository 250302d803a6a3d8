import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compile } from '../helpers/compile.ts';
import { applied, type Manifest, read, render } from './manifests.ts';

/** The module that has the models of an API version. */
function moduleOf(apiVersion: string): string {
  if (apiVersion.startsWith('monitoring.coreos.com/'))
    return `@kubernetes-models/prometheus-operator/${apiVersion}`;
  if (apiVersion.startsWith('cert-manager.io/')) return `@kubernetes-models/cert-manager/${apiVersion}`;
  return `kubernetes-models/${apiVersion}`;
}

async function validate(object: Manifest): Promise<void> {
  const models = await import(moduleOf(object.apiVersion));
  const Model = models[object.kind];
  if (Model === undefined) throw new Error(`there is no ${object.apiVersion} ${object.kind}`);
  new Model(object).validate();
}

const caller = 'overlays/service-accounts/caller.yaml';
const groups = [
  ...applied.map((name) => ({ name, objects: render(name) })),
  { name: caller, objects: read(caller) },
];

for (const { name, objects } of groups) {
  t.test(`${name}: every object is what its API says`, async (t) => {
    t.ok(objects.length > 0);
    for (const object of objects) {
      await t.resolves(validate(object), `${object.kind} ${object.metadata.name}`);
    }
  });
}

t.test('no object has a field that its API does not know', async (t) => {
  // The models take any further field; their types do not.
  const all = groups.flatMap(({ objects }) => objects);
  const check = async (objects: readonly Manifest[]) => {
    const lines = objects.map(
      (object, index) =>
        `import type { I${object.kind} as T${index} } from '${moduleOf(object.apiVersion)}';\n` +
        `export const o${index}: T${index} = ${JSON.stringify(object)};\n`,
    );
    const folder = t.testdir({});
    writeFileSync(join(folder, 'objects.ts'), lines.join(''));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
    return compile([...options, '--ignoreConfig', join(folder, 'objects.ts')]).then(
      () => '',
      ({ message }) => message as string,
    );
  };
  t.equal(await check(all), '');
  const broken = structuredClone(all);
  broken.find(({ kind }) => kind === 'Deployment').spec.template.spec.containers[0].readyProbe = {};
  t.match(await check(broken), /readyProbe/, 'one that it does not know would be seen');
});
