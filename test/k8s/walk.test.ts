import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { type Manifest, ofKind, read, render } from './manifests.ts';
import { mounted, podToken } from './mounted.ts';

const objects = render('overlays/service-accounts');
const deployment = ofKind(objects, 'Deployment').spec.template.spec;

/** Runs the manifest's app, at a port that is free. */
async function startApp(t: Test): Promise<string> {
  const [node, option, script] = deployment.containers[0].command;
  t.same([node, option], ['node', '--eval']);
  const anywhere = script.replace('(3000, ', '(0, ');
  const told = `${anywhere}server.on('listening', () => process.stdout.write(String(server.address().port)));`;
  const app = spawn(process.execPath, [option, told], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(app, 'exit');
  t.teardown(() => {
    app.kill();
    return ended;
  });
  const [line] = await withDeadline(once(app.stdout, 'data'), 'the port of the app');
  return `http://127.0.0.1:${Number(line)}`;
}

/** The pod of the overlay, with the API server's part played. */
async function startPod(t: Test) {
  const folder = t.testdir({});
  const authority = createCertificate();
  const [app, api] = await Promise.all([
    startApp(t),
    startFakeIssuer(t, { issuer: 'https://kubernetes.default.svc.cluster.local', tls: authority }),
  ]);
  const authorizations: unknown[] = [];
  api.respond((request, _response, next) => {
    authorizations.push(request.headers.authorization);
    next();
  });
  const config = mounted(objects, folder, authority);
  const [issuer] = config.issuers as [Manifest];
  t.match(issuer, { issuer: api.issuer, audience: api.audience });
  const gateway = await startGateway(t, {
    ...config,
    upstream: app,
    issuers: [{ ...issuer, jwksUri: api.jwksUri }],
  });
  /** As the API server makes them. */
  const createToken = (name: string, audience = 'api://orders') => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      aud: [audience],
      sub: `system:serviceaccount:orders:${name}`,
      'kubernetes.io': { namespace: 'orders', serviceaccount: { name, uid: 'e5b2c5b6' } },
      ...{ iat: now, nbf: now, exp: now + 3600, scope: undefined, client_id: undefined },
    };
    return api.mint({ claims, header: { typ: undefined } });
  };
  return { folder, gateway, createToken, authorizations };
}

t.test('the walk: no token, a good one, one for somebody else, one of somebody else', async (t) => {
  const { gateway, createToken, authorizations } = await startPod(t);
  t.same(authorizations, [`Bearer ${podToken}`], 'the keys are asked for with the token of the pod');

  t.match((await gateway.get('/orders/42')).json(), { status: 401, code: 'token_missing' });
  const answer = await gateway.get('/orders/42', createToken('caller'));
  t.equal(answer.status, 200);
  const { path, headers } = answer.json() as { path: string; headers: Record<string, string> };
  t.equal(path, '/orders/42');
  t.match(headers, {
    'x-verified-subject': 'system:serviceaccount:orders:caller',
    'x-verified-issuer': 'https://kubernetes.default.svc.cluster.local',
    'x-verified-namespace': 'orders',
    'x-verified-service-account': 'caller',
  });
  t.notOk('authorization' in headers);
  const other = await gateway.get('/orders/42', createToken('caller', 'api://billing'));
  t.match(other.json(), { status: 401, code: 'audience_mismatch' });
  t.match((await gateway.get('/', createToken('default'))).json(), { status: 403, code: 'rule_denied' });
  t.equal((await gateway.get('/healthz')).status, 200, 'the probes of the app');
});

t.test('the sample caller reads its token and is let through', async (t) => {
  const { folder, gateway, createToken } = await startPod(t);
  const [{ metadata, spec }] = read('overlays/service-accounts/caller.yaml') as [Manifest];
  const service = ofKind(objects, 'Service').metadata.name;
  t.equal(spec.serviceAccountName, ofKind(objects, 'ServiceAccount').metadata.name);
  t.equal(metadata.name, spec.containers[0].name);
  const [mount] = spec.containers[0].volumeMounts;
  const [{ serviceAccountToken }] = spec.volumes[0].projected.sources;
  writeFileSync(
    join(folder, serviceAccountToken.path),
    createToken(spec.serviceAccountName, serviceAccountToken.audience),
  );
  const [node, ...options] = spec.containers[0].command as string[];
  t.equal(node, 'node');
  const script = options
    .pop()
    ?.replace(`http://${service}/`, `${gateway.url}/`)
    .replace(`${mount.mountPath}/`, `${folder}/`);
  const { stdout } = await promisify(execFile)(process.execPath, [...options, script as string]);
  t.match(stdout, /^200 \{"path":"\/orders\/42"/);
});
