import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { compile } from '../helpers/compile.ts';
import { type Manifest, ofKind, read, render } from '../k8s/manifests.ts';
import { sidecarOf } from '../k8s/mounted.ts';
import { readBlocks, readDoc } from './markdown.ts';

const blocks = readBlocks(readDoc('sidecar.md'), 'yaml');
const named = (title: string): Manifest =>
  parse(blocks.find((each) => each.startsWith(`# ${title}\n`)) ?? '');
const before = named('deployment.yaml, before');
const after = named('deployment.yaml, after');
const service = named('service.yaml');
const base = ofKind(render('base'), 'Deployment').spec.template.spec;
const pod = after.spec.template.spec;

t.test('the manifests are what their API says', async (t) => {
  const types = { Deployment: 'kubernetes-models/apps/v1', Service: 'kubernetes-models/v1' };
  const objects = [before, after, service];
  for (const object of objects) {
    const models = await import(types[object.kind as 'Service']);
    t.doesNotThrow(() => new models[object.kind](object).validate(), object.kind);
  }
  const lines = objects.map(
    (object, at) =>
      `import type { I${object.kind} as T${at} } from '${types[object.kind as 'Service']}';\n` +
      `export const o${at}: T${at} = ${JSON.stringify(object)};\n`,
  );
  const file = join(t.testdir({}), 'objects.ts');
  writeFileSync(file, lines.join(''));
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
  await t.resolves(compile([...options, '--ignoreConfig', file]), 'and have no field that it does not know');
});

t.test('the sidecar is that of k8s/base', async (t) => {
  const sidecar = sidecarOf(pod);
  for (const [key, value] of Object.entries(sidecarOf(base))) {
    if (key === 'securityContext' || key === 'livenessProbe') t.match(sidecar[key], prune(value), key);
    else t.same(sidecar[key], value, key);
  }
  const { runAsUser, runAsGroup, runAsNonRoot, seccompProfile } = base.securityContext;
  t.match(sidecar.securityContext, { runAsUser, runAsGroup, runAsNonRoot, seccompProfile });
  t.equal(pod.terminationGracePeriodSeconds, base.terminationGracePeriodSeconds);
  t.same(pod.containers[0].lifecycle, base.containers[0].lifecycle);
  t.equal(pod.enableServiceLinks, base.enableServiceLinks);
});

/** Without what Kubernetes takes for granted. */
function prune({ periodSeconds: _, ...rest }: Manifest): Manifest {
  return rest;
}

t.test('the config fits the pod', async (t) => {
  const { mode, ...config } = named('sidecar.yaml');
  t.equal(mode, 'report');
  t.same(config, read('base/sidecar.yaml')[0], 'and is that of k8s/base, which enforces');
});

t.test('the Service finds the app before and the sidecar after', async (t) => {
  const [{ targetPort }] = service.spec.ports;
  const port = ({ initContainers = [], containers }: Manifest) =>
    [...containers, ...initContainers]
      .flatMap(({ ports = [] }) => ports)
      .find(({ name }) => name === targetPort)?.containerPort;
  t.equal(port(before.spec.template.spec), 3000);
  t.equal(port(pod), 8080);
  t.match(after.spec.template.metadata.labels, service.spec.selector);
  t.match(before.spec.template.metadata.labels, service.spec.selector);
});
