import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type Authority, createCertificate } from '../helpers/certificate.ts';
import { type Manifest, ofKind } from './manifests.ts';

/** What a pod's token is here. */
export const podToken = 'the-token-of-the-pod';

/**
 * The sidecar's config as it would read it in its pod: the folder gets the files of the volumes that are mounted into
 * the sidecar, and the config names them there. A file that no volume has is not there.
 */
export function mounted(
  objects: readonly Manifest[],
  folder: string,
  authority: Authority = createCertificate(),
): ConfigInput {
  const pod = ofKind(objects, 'Deployment').spec.template.spec;
  const sidecar = sidecarOf(pod);
  let text = ofKind(objects, 'ConfigMap').data['sidecar.yaml'] as string;
  for (const { name, mountPath } of sidecar.volumeMounts) {
    const place = join(folder, name);
    mkdirSync(place);
    const volume = pod.volumes.find((each: Manifest) => each.name === name);
    for (const [file, content] of Object.entries(filesOf(volume, objects, authority)))
      writeFileSync(join(place, file), content);
    text = text.replaceAll(`${mountPath}/`, `${place}/`);
  }
  return parse(text);
}

export function sidecarOf(pod: Manifest): Manifest {
  return [...(pod.initContainers ?? []), ...pod.containers].find((each) => each.name === 'jwks-sidecar');
}

function filesOf(
  volume: Manifest,
  objects: readonly Manifest[],
  { cert, key }: Authority,
): Readonly<Record<string, string>> {
  if (volume.configMap) return ofKind(objects, 'ConfigMap').data;
  if (volume.secret) {
    const { secretName } = ofKind(objects, 'Certificate').spec;
    return secretName === volume.secret.secretName ? { 'tls.crt': cert, 'tls.key': key } : {};
  }
  return Object.assign(
    {},
    ...volume.projected.sources.map(({ serviceAccountToken, configMap }: Manifest) =>
      serviceAccountToken
        ? { [serviceAccountToken.path]: podToken }
        : Object.fromEntries(configMap.items.map(({ path }: Manifest) => [path, cert])),
    ),
  );
}
