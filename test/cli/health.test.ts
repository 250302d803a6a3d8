import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { run, startSidecar } from './command.ts';

const least = {
  SIDECAR_UPSTREAM: 'http://127.0.0.1:1',
  SIDECAR_ISSUER: 'https://a.example',
  SIDECAR_AUDIENCE: 'a',
};

/** A server in the place of a sidecar's admin port. */
async function listen(t: Test, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.teardown(() => server.close().closeAllConnections());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Headers without end: no pause is long enough to be called silence. */
function drip({ socket }: ServerResponse): void {
  socket?.write('HTTP/1.1 200 OK\r\nX-Slow: ');
  const timer = setInterval(() => socket?.write('.'), 100);
  socket?.on('close', () => clearInterval(timer));
}

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
  const { code, stderr } = await run(t, ['health'], { env: { ...least, SIDECAR_ADMIN__PORT: '2' } });
  t.equal(code, 1);
  t.match(stderr, 'the admin port cannot be reached (ECONNREFUSED)');
});

t.test('something else, or something that hangs or never comes to the point', async (t) => {
  const cases: { answer: (response: ServerResponse) => void; said: string }[] = [
    { answer: (response) => response.writeHead(500).end(), said: 'answered 500' },
    { answer: () => {}, said: 'no answer within 2000 ms' },
    { answer: drip, said: 'no answer within 2000 ms' },
  ];
  for (const { answer, said } of cases) {
    const port = await listen(t, (_request, response) => answer(response));
    const { code, stderr } = await run(t, ['health'], {
      env: { ...least, SIDECAR_ADMIN__PORT: String(port) },
    });
    t.equal(code, 1);
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line');
    t.match(stderr, said);
  }
});

t.test('no proxy stands between', async (t) => {
  const port = await listen(t, (_request, response) => response.end());
  const nowhere = {
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: 'http://127.0.0.1:1',
    http_proxy: 'http://127.0.0.1:1',
  };
  const env = { ...least, ...nowhere, SIDECAR_ADMIN__PORT: String(port) };
  t.match(await run(t, ['health'], { env }), { code: 0, stderr: '' });
});

t.test('the port of a config file', async (t) => {
  const port = await listen(t, (_request, response) => response.end());
  const folder = t.testdir({
    'sidecar.yaml': `upstream: http://127.0.0.1:1
issuers: [{ issuer: https://a.example, audience: a }]
admin: { host: 127.0.0.1, port: ${port} }
`,
  });
  t.match(await run(t, ['health', '--config', join(folder, 'sidecar.yaml')]), { code: 0, stderr: '' });
});

t.test('a config that cannot be used', async (t) => {
  t.match(await run(t, ['health'], { env: {} }), { code: 2, stderr: /error: / });
});
