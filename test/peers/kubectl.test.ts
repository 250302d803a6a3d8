import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { applied, folder, render } from '../k8s/manifests.ts';

function find(): { readonly skip: string | false } {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return { skip: false };
  } catch {
    return { skip: 'kubectl is missing: https://kubernetes.io/docs/tasks/tools/' };
  }
}

const byName = (a: { kind: string; metadata: { name: string } }, b: typeof a) =>
  `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`);

t.test('kubectl kustomize makes the same of every folder', { skip: find().skip }, async (t) => {
  for (const name of applied) {
    const text = execFileSync('kubectl', ['kustomize', join(folder, name)], { encoding: 'utf8' });
    const objects = parseAllDocuments(text).map((document) => document.toJS());
    t.same(objects.toSorted(byName), render(name).toSorted(byName), name);
  }
});
