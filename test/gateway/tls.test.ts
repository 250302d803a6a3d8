import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { request } from '../helpers/request.ts';

const open = {
  issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
  rules: [{ path: '/*', auth: 'none' as const }],
};

t.test('TLS on the traffic port', async (t) => {
  const own = createCertificate();
  const folder = t.testdir({ cert: own.cert, key: own.key });
  const tls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
  const echo = await startEcho(t);
  const gateway = await startGateway(t, { upstream: echo.url, ...open, listen: { tls } });
  const answer = await request(gateway.url, { ca: own.cert });
  t.equal(answer.status, 200);
  const headers = answer.json().headers as [string, string][];
  t.equal(headers.find(([name]) => name === 'X-Forwarded-Proto')?.[1], 'https');
  const old = connect({
    port: gateway.port,
    host: '127.0.0.1',
    ca: own.cert,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
  });
  await t.rejects(once(old, 'secureConnect'), 'nothing below 1.2');

  const strict = await startGateway(t, {
    upstream: echo.url,
    ...open,
    listen: { tls: { ...tls, clientCaFile: tls.certFile, clientCertificates: 'required' } },
  });
  await t.rejects(request(strict.url, { ca: own.cert }), 'a client without a certificate');
});

t.test('https upstreams are verified', async (t) => {
  const own = createCertificate();
  const stranger = createCertificate();
  const upstream = createServer({ cert: own.cert, key: own.key }, (_request, response) =>
    response.end('ok'),
  ).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const url = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const folder = t.testdir({ own: own.cert, stranger: stranger.cert });
  const through = (caFile: string | null) => startGateway(t, { ...open, upstream: { url, tls: { caFile } } });
  t.equal((await (await through(join(folder, 'own'))).get('/')).text, 'ok', 'by its own authority');
  for (const caFile of [null, join(folder, 'stranger')]) {
    const refused = await (await through(caFile)).get('/');
    t.equal(refused.status, 502, 'by no other');
    t.equal(refused.json().code, 'upstream_unreachable');
  }
});
