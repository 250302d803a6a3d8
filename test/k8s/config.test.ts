import t from 'tap';
import { complete } from '../../src/config/complete.ts';
import { type Manifest, ofKind, render, withPods } from './manifests.ts';
import { mounted, sidecarOf } from './mounted.ts';

for (const name of withPods) {
  const objects = render(name);
  const pod = ofKind(objects, 'Deployment').spec.template.spec;
  const sidecar = sidecarOf(pod);

  t.test(`${name}: the config has no fault, with the files that its volumes bring`, async (t) => {
    const { faults, warnings, notes } = complete(mounted(objects, t.testdir({})));
    t.same(faults, []);
    t.same(warnings, []);
    // Whether a proxy is in front is for who applies it to say.
    t.same(
      notes.map(({ path }) => path.join('.')),
      ['listen.trustedProxies'],
    );
  });

  t.test(`${name}: the config is read from the folder that is mounted`, async (t) => {
    const volume = pod.volumes.find(
      (each: Manifest) => each.configMap?.name === ofKind(objects, 'ConfigMap').metadata.name,
    );
    const { mountPath } = sidecar.volumeMounts.find((each: Manifest) => each.name === volume.name);
    t.same(sidecar.args, ['run', '--config', `${mountPath}/sidecar.yaml`]);
  });

  t.test(`${name}: no client chooses the service by its Host`, async (t) => {
    const { config } = complete(mounted(objects, t.testdir({})));
    if (config === null) return t.fail('the config has faults');
    for (const { url, preserveHost } of [config.upstream, ...Object.values(config.upstreams)])
      t.ok(!preserveHost || new URL(url).hostname === '127.0.0.1', url);
  });

  t.test(`${name}: there is time to end`, async (t) => {
    const { config } = complete(mounted(objects, t.testdir({})));
    if (config === null) return t.fail('the config has faults');
    const [waiting, ...more] = pod.containers.filter((each: Manifest) => each.lifecycle?.preStop);
    t.same(more, []);
    t.equal(config.drain.delay, 0, 'preStop has waited, while the pod was still ready');
    // An app of its own gets 15 seconds after its preStop.
    const app = waiting === sidecar ? 0 : 15;
    const seconds = waiting.lifecycle.preStop.sleep.seconds + app + config.drain.timeout / 1000;
    t.ok(pod.terminationGracePeriodSeconds >= seconds + 5, `${seconds}s and 5s to spare`);
  });

  t.test(`${name}: there is memory for all the connections that it may have`, async (t) => {
    const { listen } = complete(mounted(objects, t.testdir({}))).config ?? {};
    const [, mebibytes] = /^(\d+)Mi$/.exec(sidecar.resources.limits.memory) ?? [];
    // As docs/kubernetes.md says: 256 MiB, and KiB a connection.
    const each = listen?.tls ? 70 : 14;
    t.ok(256 + ((listen?.maxConnections ?? Number.POSITIVE_INFINITY) * each) / 1024 <= Number(mebibytes));
  });

  t.test(`${name}: what it connects to is let through`, async (t) => {
    const { config } = complete(mounted(objects, t.testdir({})));
    if (config === null) return t.fail('the config has faults');
    const { egress } = ofKind(objects, 'NetworkPolicy').spec;
    const open = (port: number, namespace?: string) =>
      egress.some(
        ({ to = [{}], ports }: Manifest) =>
          ports.some((each: Manifest) => each.port === port && each.protocol === 'TCP') &&
          to.some(
            ({ namespaceSelector }: Manifest) =>
              namespaceSelector?.matchLabels['kubernetes.io/metadata.name'] === namespace,
          ),
      );
    t.ok(open(53, 'kube-system'), 'names');
    for (const { issuer, jwksUri } of config.issuers)
      t.ok(open(Number(new URL(jwksUri ?? issuer).port || 443)), issuer);
    for (const { url } of [config.upstream, ...Object.values(config.upstreams)]) {
      const { hostname, port } = new URL(url);
      if (hostname !== '127.0.0.1') t.ok(open(Number(port), hostname.split('.')[1]), url);
    }
  });

  for (const { readinessProbe } of pod.containers.filter((each: Manifest) => each !== sidecar)) {
    t.test(`${name}: the app is probed through the sidecar`, async (t) => {
      const { config } = complete(mounted(objects, t.testdir({})));
      const { path, port } = readinessProbe.httpGet;
      t.equal(port, config?.listen.port);
      t.match(
        config?.rules.find((rule) => rule.path === path),
        { auth: 'none', methods: ['GET'] },
      );
    });
  }
}
