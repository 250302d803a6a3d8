import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { complete } from '../../src/config/complete.ts';
import { applied, type Manifest, render } from './manifests.ts';

const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));

const withPods = applied.filter((name) => render(name).some(({ kind }) => kind === 'Deployment'));
const find = (objects: readonly Manifest[], kind: string) => objects.find((each) => each.kind === kind);
const containersOf = (pod: Manifest): Manifest[] => [...(pod.initContainers ?? []), ...pod.containers];
const configOf = (objects: readonly Manifest[]) => parse(find(objects, 'ConfigMap').data['sidecar.yaml']);

for (const name of withPods) {
  const objects = render(name);
  const deployment = find(objects, 'Deployment');
  const { metadata, spec: pod } = deployment.spec.template;
  const sidecar = containersOf(pod).find((each) => each.name === 'jwks-sidecar');
  const config = configOf(objects);

  t.test(`${name}: everything selects what it means`, async (t) => {
    const selectors = [
      deployment.spec.selector.matchLabels,
      find(objects, 'Service').spec.selector,
      find(objects, 'NetworkPolicy').spec.podSelector.matchLabels,
      find(render('monitoring'), 'PodMonitor').spec.selector.matchLabels,
      ...(find(objects, 'PodDisruptionBudget')
        ? [find(objects, 'PodDisruptionBudget').spec.selector.matchLabels]
        : []),
      ...(pod.topologySpreadConstraints ?? []).map((each: Manifest) => each.labelSelector.matchLabels),
    ];
    for (const selector of selectors) t.match(metadata.labels, selector);
    const hpa = find(objects, 'HorizontalPodAutoscaler');
    if (hpa) t.match(hpa.spec.scaleTargetRef, { kind: 'Deployment', name: deployment.metadata.name });
    t.notOk(hpa && 'replicas' in deployment.spec, 'replicas are set by one alone');
  });

  t.test(`${name}: ports`, async (t) => {
    const port = (portName: string) =>
      sidecar.ports.find((each: Manifest) => each.name === portName)?.containerPort;
    const traffic = config.listen?.port ?? 8080;
    t.equal(port(config.listen?.tls ? 'https' : 'http'), traffic);
    t.equal(port('admin'), config.admin?.port ?? 9090);
    t.equal(find(objects, 'Service').spec.ports[0].targetPort, traffic);
    const [anybody, prometheus] = find(objects, 'NetworkPolicy').spec.ingress;
    t.match(anybody, { ports: [{ port: traffic }] });
    t.match(prometheus, { from: [{}], ports: [{ port: port('admin') }] }, 'admin is not for everybody');
    for (const [probe, path] of [
      ['startupProbe', '/livez'],
      ['livenessProbe', '/livez'],
      ['readinessProbe', '/readyz'],
    ] as const)
      t.match(sidecar[probe].httpGet, { path, port: 'admin' }, probe);
  });

  t.test(`${name}: nobody may more than they need`, async (t) => {
    t.match(pod, { automountServiceAccountToken: false, enableServiceLinks: false });
    t.match(pod.securityContext, {
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of containersOf(pod)) {
      t.match(
        container.securityContext,
        {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        container.name,
      );
      t.ok(
        container.resources.requests.cpu && container.resources.limits.memory,
        `${container.name}: resources`,
      );
      for (const mount of container.volumeMounts ?? []) {
        t.notOk('subPath' in mount, 'a file that is mounted by itself never changes');
        t.equal(mount.readOnly, true);
        t.ok(
          pod.volumes.some((volume: Manifest) => volume.name === mount.name),
          mount.name,
        );
      }
    }
    t.equal(sidecar.image, `jwks-sidecar:${version}`);
  });

  t.test(`${name}: there is time to end`, async (t) => {
    const { config: whole } = complete(withoutFiles(config));
    if (whole === null) return t.fail('the config has faults');
    const { drain } = whole;
    const app = pod.containers.find((each: Manifest) => each.name === 'app');
    const before = app ? app.lifecycle.preStop.sleep.seconds + 15 : 0;
    t.ok(pod.terminationGracePeriodSeconds > before + drain.timeout / 1000);
    t.equal(app === undefined, drain.delay > 0, 'beside an app, the app waits; alone, the sidecar does');
  });

  t.test(`${name}: the config`, async (t) => {
    const { faults, warnings } = complete(withoutFiles(config));
    t.same(faults, []);
    t.same(
      warnings.map(({ path }) => path.join('.')).filter((path) => path !== 'listen.trustedProxies'),
      name === 'overlays/service-accounts' ? ['issuers.0.maxLifetime'] : [],
    );
    t.ok(
      pod.volumes.some(
        (volume: Manifest) => volume.configMap?.name === find(objects, 'ConfigMap').metadata.name,
      ),
    );
    t.equal(
      sidecar.args.at(-1),
      `${sidecar.volumeMounts.find((each: Manifest) => /config/.test(each.name)).mountPath}/sidecar.yaml`,
    );
    for (const file of filesIn(config)) {
      const mount = sidecar.volumeMounts.find((each: Manifest) => file.startsWith(`${each.mountPath}/`));
      t.ok(mount, `${file} is mounted`);
    }
    for (const container of pod.containers.filter((each: Manifest) => each.name === 'app')) {
      const { path, port } = container.readinessProbe.httpGet;
      t.equal(port, config.listen?.port ?? 8080, 'the app is probed through the sidecar');
      t.ok(
        config.rules.some((rule: Manifest) => rule.path === path && rule.auth === 'none'),
        path,
      );
    }
  });
}

t.test('beside an app, the sidecar is one that Kubernetes knows as such', async (t) => {
  const pod = find(render('base'), 'Deployment').spec.template.spec;
  t.match(pod.initContainers, [{ name: 'jwks-sidecar', restartPolicy: 'Always' }]);
  t.equal(configOf(render('base')).upstream, 'http://127.0.0.1:3000');
  t.match(pod.containers[0].command.at(-1), /listen\(3000, '127\.0\.0\.1'\)/);
});

t.test('the key set of the cluster is fetched with a token that only the sidecar has', async (t) => {
  const pod = find(render('overlays/service-accounts'), 'Deployment').spec.template.spec;
  const volume = pod.volumes.find((each: Manifest) => each.projected);
  const mounts = (container: Manifest) => (container.volumeMounts ?? []).map((each: Manifest) => each.name);
  t.ok(mounts(pod.initContainers[0]).includes(volume.name));
  for (const container of pod.containers) t.notOk(mounts(container).includes(volume.name));
});

/** Files that exist in the cluster alone are not looked for here. */
function withoutFiles(config: Manifest): Manifest {
  const { tls, ...listen } = config.listen ?? {};
  return {
    ...config,
    ...(config.listen && { listen }),
    issuers: config.issuers.map(({ keys, ...issuer }: Manifest) => issuer),
  };
}

function filesIn(config: Manifest): string[] {
  const { certFile, keyFile } = config.listen?.tls ?? {};
  return [
    certFile,
    keyFile,
    ...config.issuers.flatMap(({ keys }: Manifest) => [keys?.caFile, keys?.bearerTokenFile]),
  ].filter(Boolean);
}
