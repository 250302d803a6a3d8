import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { type Manifest, ofKind, read, render, withPods } from './manifests.ts';
import { sidecarOf } from './mounted.ts';

const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));

const containersOf = (pod: Manifest): Manifest[] => [...(pod.initContainers ?? []), ...pod.containers];
const configOf = (objects: readonly Manifest[]) => parse(ofKind(objects, 'ConfigMap').data['sidecar.yaml']);

for (const name of withPods) {
  const objects = render(name);
  const deployment = ofKind(objects, 'Deployment');
  const { metadata, spec: pod } = deployment.spec.template;
  const sidecar = sidecarOf(pod);
  const config = configOf(objects);

  t.test(`${name}: everything selects what it means`, async (t) => {
    const selectors = [
      deployment.spec.selector.matchLabels,
      ofKind(objects, 'Service').spec.selector,
      ofKind(objects, 'NetworkPolicy').spec.podSelector.matchLabels,
      ofKind(render('monitoring'), 'PodMonitor').spec.selector.matchLabels,
      ...(ofKind(objects, 'PodDisruptionBudget')
        ? [ofKind(objects, 'PodDisruptionBudget').spec.selector.matchLabels]
        : []),
      ...(pod.topologySpreadConstraints ?? []).map((each: Manifest) => each.labelSelector.matchLabels),
    ];
    for (const selector of selectors) t.same({ ...metadata.labels, ...selector }, metadata.labels);
    const hpa = ofKind(objects, 'HorizontalPodAutoscaler');
    if (hpa) t.match(hpa.spec.scaleTargetRef, { kind: 'Deployment', name: deployment.metadata.name });
    t.notOk(hpa && 'replicas' in deployment.spec, 'replicas are set by one alone');
  });

  t.test(`${name}: ports`, async (t) => {
    const port = (portName: string) =>
      sidecar.ports.find((each: Manifest) => each.name === portName)?.containerPort;
    const traffic = config.listen?.port ?? 8080;
    t.equal(port(config.listen?.tls ? 'https' : 'http'), traffic);
    t.equal(port('admin'), config.admin?.port ?? 9090);
    t.equal(ofKind(objects, 'Service').spec.ports[0].targetPort, traffic);
    const { namespace } = ofKind(render('monitoring'), 'PodMonitor').metadata;
    const prometheus = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
    t.same(ofKind(objects, 'NetworkPolicy').spec.ingress, [
      { ports: [{ protocol: 'TCP', port: traffic }] },
      { from: [prometheus], ports: [{ protocol: 'TCP', port: port('admin') }] },
    ]);
    for (const { port } of ofKind(render('monitoring'), 'PodMonitor').spec.podMetricsEndpoints)
      t.equal(port, 'admin');
    for (const [probe, path] of [
      ['startupProbe', '/livez'],
      ['livenessProbe', '/livez'],
      ['readinessProbe', '/readyz'],
    ] as const)
      t.match(sidecar[probe].httpGet, { path, port: 'admin' }, probe);
  });

  t.test(`${name}: alerts can tell its app from others`, async (t) => {
    const [{ relabelings }] = ofKind(render('monitoring'), 'PodMonitor').spec.podMetricsEndpoints;
    const { sourceLabels } = relabelings.find((each: Manifest) => each.targetLabel === 'app');
    // As Prometheus spells the labels of a pod.
    const offered = Object.keys(metadata.labels).map(
      (label) => `__meta_kubernetes_pod_label_${label.replaceAll(/\W/g, '_')}`,
    );
    t.same(
      sourceLabels.filter((label: string) => !offered.includes(label)),
      [],
    );
  });

  t.test(`${name}: the version is this one`, async (t) => {
    t.equal(sidecar.image, `jwks-sidecar:${version}`);
  });
}

const pods = [...withPods.flatMap(render), ...read('overlays/service-accounts/caller.yaml')].flatMap(
  ({ kind, metadata, spec }) => {
    if (kind === 'Deployment') return [{ name: metadata.name, pod: spec.template.spec }];
    return kind === 'Pod' ? [{ name: metadata.name, pod: spec }] : [];
  },
);

for (const { name, pod } of pods) {
  t.test(`a pod of ${name} may no more than it needs`, async (t) => {
    t.match(pod, { automountServiceAccountToken: false, enableServiceLinks: false });
    const { fsGroup, ...rights } = pod.securityContext;
    const user = { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532 };
    t.same(rights, { ...user, seccompProfile: { type: 'RuntimeDefault' } });
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace']) t.notOk(field in pod);
    for (const { name, securityContext, resources, volumeMounts = [] } of containersOf(pod)) {
      t.same(
        securityContext,
        {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        name,
      );
      t.ok(resources.requests.cpu && resources.limits.memory, `${name}: resources`);
      for (const { readOnly, ...mount } of volumeMounts) {
        t.equal(readOnly, true);
        // A file that is mounted by itself (subPath) never changes.
        t.same(Object.keys(mount), ['name', 'mountPath']);
        t.ok(pod.volumes.some((volume: Manifest) => volume.name === mount.name));
      }
    }
  });
}

t.test('beside an app, the sidecar is one that Kubernetes knows as such', async (t) => {
  const pod = ofKind(render('base'), 'Deployment').spec.template.spec;
  t.match(pod.initContainers, [{ name: 'jwks-sidecar', restartPolicy: 'Always' }]);
  t.equal(configOf(render('base')).upstream, 'http://127.0.0.1:3000');
  t.match(pod.containers[0].command.at(-1), /listen\(3000, '127\.0\.0\.1'\)/);
});

t.test('the key set of the cluster is fetched with a token that only the sidecar has', async (t) => {
  const pod = ofKind(render('overlays/service-accounts'), 'Deployment').spec.template.spec;
  const volume = pod.volumes.find((each: Manifest) => each.projected);
  const mounts = (container: Manifest) => (container.volumeMounts ?? []).map((each: Manifest) => each.name);
  t.ok(mounts(pod.initContainers[0]).includes(volume.name));
  for (const container of pod.containers) t.notOk(mounts(container).includes(volume.name));
});
