import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export const folder = resolve(import.meta.dirname, '../../k8s');
/** Every kustomization that somebody would apply. */
export const applied = ['base', 'overlays/gateway', 'overlays/service-accounts', 'monitoring'];

/** An object of Kubernetes, or a part of one. */
// biome-ignore lint/suspicious/noExplicitAny: manifests are read as they are
export type Manifest = any;

interface Kustomization {
  readonly namespace?: string;
  readonly resources?: readonly string[];
  readonly patches?: readonly { readonly path: string }[];
  readonly configMapGenerator?: readonly {
    readonly name: string;
    readonly behavior?: string;
    readonly files: readonly string[];
  }[];
  readonly generatorOptions?: { readonly disableNameSuffixHash?: boolean };
}

/**
 * What `kubectl kustomize` makes of a folder, as far as ours go: resources, generated config maps, strategic merge
 * patches, a namespace. The suite for peers holds it against kubectl.
 */
export function render(name: string): Manifest[] {
  const here = join(folder, name);
  const kustomization = parse(readFileSync(join(here, 'kustomization.yaml'), 'utf8')) as Kustomization;
  let objects = (kustomization.resources ?? []).flatMap((each) =>
    existsSync(join(here, each, 'kustomization.yaml')) ? render(join(name, each)) : read(join(name, each)),
  );
  for (const { path } of kustomization.patches ?? []) {
    for (const patch of read(join(name, path))) {
      if (!objects.some((each) => same(each, patch))) throw new Error(`${path} patches nothing`);
      objects = objects.map((each) => (same(each, patch) ? merge(each, patch) : each));
    }
  }
  for (const { name: map, behavior, files } of kustomization.configMapGenerator ?? []) {
    if (!kustomization.generatorOptions?.disableNameSuffixHash) throw new Error(`${name}: names get a hash`);
    const data = Object.fromEntries(files.map((file) => [file, readFileSync(join(here, file), 'utf8')]));
    const generated = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: map }, data };
    if (behavior === 'replace') objects = objects.filter((each) => !same(each, generated));
    objects.push(generated);
  }
  const { namespace } = kustomization;
  return namespace === undefined
    ? objects
    : objects.map((each) => ({ ...each, metadata: { ...each.metadata, namespace } }));
}

/** The objects of one file under k8s/. */
export function read(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS());
}

/** The first object of a kind. */
export function ofKind(objects: readonly Manifest[], kind: string): Manifest {
  return objects.find((each) => each.kind === kind);
}

/** Those of `applied` in which a sidecar runs. */
export const withPods = applied.filter((name) => ofKind(render(name), 'Deployment'));

function same(a: Manifest, b: Manifest): boolean {
  return a.kind === b.kind && a.metadata.name === b.metadata.name;
}

/** Maps merge; lists merge by what names their entries, and else are replaced. */
function merge(base: Manifest, patch: Manifest): Manifest {
  if (Array.isArray(base) && Array.isArray(patch)) return mergeLists(base, patch);
  if (typeof base !== 'object' || typeof patch !== 'object' || base === null || patch === null) return patch;
  const keys = new Set([...Object.keys(base), ...Object.keys(patch)]);
  return Object.fromEntries(
    [...keys].map((key) => [
      key,
      key in patch ? (key in base ? merge(base[key], patch[key]) : patch[key]) : base[key],
    ]),
  );
}

function mergeLists(base: readonly Manifest[], patch: readonly Manifest[]): Manifest[] {
  const key = ['mountPath', 'name'].find((each) => patch.every((entry) => entry?.[each] !== undefined));
  if (key === undefined) return [...patch];
  const added = patch.filter((entry) => !base.some((each) => each[key] === entry[key]));
  const merged = base.map((each) => {
    const entry = patch.find((other) => other[key] === each[key]);
    return entry === undefined ? each : merge(each, entry);
  });
  return [...added, ...merged];
}
