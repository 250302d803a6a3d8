import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { reasons } from '../../src/errors.ts';
import { applied, render } from '../k8s/manifests.ts';
import { readDoc } from './markdown.ts';

const text = readDoc('kubernetes.md');
const commands = [...text.matchAll(/```(?:sh|console)\n(.*?)```/gs)]
  .map((match) => match[1] ?? '')
  .join('\n');
const objects = applied.flatMap(render);

t.test('what a reader types is there', async (t) => {
  for (const [path] of text.matchAll(/k8s\/[\w/.-]*\w/g))
    t.ok(existsSync(join(resolve(import.meta.dirname, '../..'), path)), path);
  for (const [, kind = '', name = ''] of commands.matchAll(/\b(deployment|service)\/(\w[\w-]*)/g)) {
    t.ok(
      objects.some((each) => each.kind.toLowerCase() === kind && each.metadata.name === name),
      `${kind}/${name}`,
    );
  }
  for (const [, name = ''] of commands.matchAll(/create token (\w+)/g))
    t.ok(
      objects.some((each) => each.kind === 'ServiceAccount' && each.metadata.name === name),
      name,
    );
  const made = [...commands.matchAll(/create namespace (\w+)/g)].map((match) => match[1]);
  for (const [, name = ''] of commands.matchAll(/kubectl -n (\w+)/g))
    t.ok(made.includes(name), `namespace ${name}`);
  for (const { metadata } of objects)
    if (metadata.namespace) t.ok(made.includes(metadata.namespace), `namespace ${metadata.namespace}`);
  for (const [, folder = ''] of commands.matchAll(/apply -k k8s\/([\w/-]+)/g))
    t.ok(applied.includes(folder), folder);
});

t.test('names in tables and text are those of the manifests', async (t) => {
  const pods = objects.filter(({ kind }) => kind === 'Deployment').map((each) => each.spec.template.spec);
  const containers = pods.flatMap((pod) => [...(pod.initContainers ?? []), ...pod.containers]);
  for (const [, name = ''] of commands.matchAll(/ -c ([\w-]+)/g))
    t.ok(
      containers.some((each) => each.name === name),
      name,
    );
  for (const [, image = ''] of commands.matchAll(/docker build -t (\S+)/g))
    t.ok(
      containers.some((each) => each.image === image),
      image,
    );
  const all = JSON.stringify(objects);
  for (const each of [
    'preStop',
    'enableServiceLinks',
    'automountServiceAccountToken',
    'terminationGracePeriodSeconds',
    'externalTrafficPolicy',
    'letsencrypt',
    'callers',
    'api://orders',
  ])
    t.ok(text.includes(each) && all.includes(each), each);
});

t.test('every code is one that there is', async (t) => {
  const table = text.slice(text.indexOf('## What went wrong'));
  const named = [...table.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1] as string);
  t.ok(named.length > 8);
  for (const code of named) t.ok(code in reasons, code);
});
