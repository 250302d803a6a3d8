import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { run, startSidecar } from './command.ts';

const least = {
  SIDECAR_UPSTREAM: 'http://127.0.0.1:1',
  SIDECAR_ISSUER: 'https://a.example',
  SIDECAR_AUDIENCE: 'a',
};

t.test('a sidecar that is live', async (t) => {
  const issuer = await startFakeIssuer(t);
  const env = {
    ...least,
    SIDECAR_ISSUER: issuer.issuer,
    SIDECAR_LISTEN__PORT: '0',
    SIDECAR_ADMIN__PORT: '0',
  };
  const sidecar = startSidecar(t, [], { env });
  const { adminPort } = await sidecar.said('listening');
  for (const host of [null, '0.0.0.0', '127.0.0.1', '::', '::1']) {
    const asked = {
      ...env,
      SIDECAR_ADMIN__PORT: String(adminPort),
      ...(host && { SIDECAR_ADMIN__HOST: host }),
    };
    t.match(await run(t, ['health'], { env: asked }), { code: 0, stdout: '', stderr: '' }, `host ${host}`);
  }
});

t.test('none', async (t) => {
  const { code, stderr } = await run(t, ['health'], { env: { ...least, SIDECAR_ADMIN__PORT: '1' } });
  t.equal(code, 1);
  t.match(stderr, 'the admin port cannot be reached (ECONNREFUSED)');
});

t.test('something else, or something that hangs', async (t) => {
  for (const [answer, said] of [
    [500, 'answered 500'],
    [null, 'no answer within 2000 ms'],
  ] as const) {
    const server = createServer((_request, response) => {
      if (answer !== null) response.writeHead(answer).end();
    }).listen(0, '127.0.0.1');
    t.teardown(() => server.close().closeAllConnections());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await run(t, ['health'], {
      env: { ...least, SIDECAR_ADMIN__PORT: String(port) },
    });
    t.equal(code, 1);
    t.match(stderr, said);
  }
});

t.test('a config that cannot be used', async (t) => {
  t.equal((await run(t, ['health'], { env: {} })).code, 2);
});
