import t, { type Test } from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { connectRaw } from '../helpers/raw.ts';
import { startSidecar } from './command.ts';

/** A sidecar that would take hours to leave. */
async function start(t: Test) {
  const issuer = await startFakeIssuer(t);
  const sidecar = startSidecar(t, [], {
    env: {
      SIDECAR_UPSTREAM: 'http://127.0.0.1:1',
      SIDECAR_ISSUER: issuer.issuer,
      SIDECAR_AUDIENCE: issuer.audience,
      SIDECAR_LISTEN__PORT: '0',
      SIDECAR_ADMIN__PORT: '0',
      SIDECAR_DRAIN__DELAY: '1h',
      SIDECAR_DRAIN__TIMEOUT: '2h',
    },
  });
  const { port } = await sidecar.said('listening');
  return { sidecar, url: `http://127.0.0.1:${port}` };
}

for (const [first, second] of [
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
] as const) {
  t.test(`${second} after ${first} ends it at once`, async (t) => {
    const { sidecar, url } = await start(t);
    const open = await connectRaw(t, url);
    sidecar.kill(first);
    await sidecar.said('draining');
    sidecar.kill(second);
    t.equal((await sidecar.ended).code, 1);
    t.notOk(sidecar.lines.some(({ msg }) => msg === 'closing'));
    await open.closed();
  });
}

t.test('SIGTERM before the issuer has answered', async (t) => {
  const issuer = await startFakeIssuer(t);
  issuer.respond(() => {});
  const sidecar = startSidecar(t, [], {
    env: {
      SIDECAR_UPSTREAM: 'http://127.0.0.1:1',
      SIDECAR_ISSUER: issuer.issuer,
      SIDECAR_AUDIENCE: 'a',
      SIDECAR_LISTEN__PORT: '0',
      SIDECAR_ADMIN__PORT: '0',
      SIDECAR_DRAIN__DELAY: '0',
    },
  });
  await sidecar.said('listening');
  sidecar.kill('SIGTERM');
  t.equal((await sidecar.ended).code, 0);
  t.notOk(sidecar.lines.some(({ msg, ready }) => msg === 'started' && ready));
});
