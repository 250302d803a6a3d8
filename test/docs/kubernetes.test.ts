import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { completeConfig } from '../../src/config/complete.ts';
import { reasons } from '../../src/errors.ts';
import { applied, ofKind, read, render } from '../k8s/manifests.ts';
import { readBlocks, readDoc } from './markdown.ts';

const root = resolve(import.meta.dirname, '../..');
const text = readDoc('kubernetes.md');
const prose = text.replace(/^```.*?^```$/gms, '');
const commands = [
  ...[...readBlocks(text, 'sh'), ...readBlocks(text, 'console')],
  ...[...prose.matchAll(/`((?:kubectl|kind) [^`]+)`/g)].map((match) => match[1] as string),
].join('\n');
const objects = [...applied.flatMap(render), ...read('overlays/service-accounts/caller.yaml')];

t.test('what a reader types is there', async (t) => {
  for (const [path] of text.matchAll(/k8s\/[\w/.-]*\w/g)) t.ok(existsSync(join(root, path)), path);
  for (const [, kind = '', name = ''] of commands.matchAll(
    /\b(deployment|service|pod|certificate)[/ ](\w[\w-]*)/g,
  )) {
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

t.test('ports and files are those of the manifests', async (t) => {
  const forwards = [...commands.matchAll(/port-forward (\w+)\/(\w+) \d+:(\d+)/g)];
  t.equal(forwards.length, 2);
  for (const [, kind = '', name, port] of forwards) {
    const ports = objects
      .filter((each) => each.kind.toLowerCase() === kind && each.metadata.name === name)
      .flatMap(({ spec }) => spec.ports ?? spec.template.spec.initContainers[0].ports);
    t.ok(
      ports.some((each) => Number(port) === (each.port ?? each.containerPort)),
      `${kind}/${name} has ${port}`,
    );
  }
  const { args } = ofKind(render('base'), 'Deployment').spec.template.spec.initContainers[0];
  const [, program, config] = /node (\S+) explain --config (\S+)/.exec(commands) ?? [];
  t.equal(config, args.at(-1));
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  t.ok(dockerfile.includes(`ENTRYPOINT ["node", "${program}"]`));
});

t.test('a rule of the text can be put into the config', async (t) => {
  const [rules, ...more] = readBlocks(text, 'yaml');
  t.same(more, []);
  const [{ keys, ...issuer }] = read('overlays/service-accounts/sidecar.yaml')[0].issuers;
  const config = { upstream: 'http://127.0.0.1:3000', issuers: [issuer], ...parse(rules as string) };
  t.doesNotThrow(() => completeConfig(config));
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
  const table = text.slice(text.indexOf('### The answer'));
  const named = [...table.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1] as string);
  t.ok(named.length > 15);
  for (const code of named) t.ok(code in reasons, code);
});
