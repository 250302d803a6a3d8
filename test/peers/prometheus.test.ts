import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { findPeer } from './peer.ts';

const promtool = findPeer('promtool', 'prometheus');

t.test('Prometheus finds nothing wrong with the metrics', { skip: promtool.skip }, async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
  });
  await gateway.get('/x', issuer.mint());
  await gateway.get('/x');
  const child = spawn(promtool.path as string, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(await gateway.metrics());
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  const ours = said.split('\n').filter((line) => line.includes('jwks_sidecar_'));
  t.same(ours, [], 'no complaint');
  t.ok(code === 0 || ours.length === 0, 'what is left is about metrics of Node’s');
});
