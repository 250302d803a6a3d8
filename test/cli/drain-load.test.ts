import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Client } from 'undici';
import { createCertificate } from '../helpers/certificate.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { connectRaw } from '../helpers/raw.ts';
import { request } from '../helpers/request.ts';
import { startSidecar } from './command.ts';

const clients = 8;
const { cert, key } = createCertificate();

/** An upstream that answers at once, save streams, which the test ends. */
async function startUpstream(t: Test) {
  const streams: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 0\n\n');
      streams.push(response);
      return;
    }
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    request.on('end', () => response.end(`${request.url} ${size} whole`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, streams };
}

async function scene(t: Test, scheme: 'http' | 'https') {
  const [issuer, upstream] = await Promise.all([startFakeIssuer(t), startUpstream(t)]);
  const folder = t.testdir({ cert, key });
  const env = {
    SIDECAR_UPSTREAM: upstream.url,
    SIDECAR_ISSUER: issuer.issuer,
    SIDECAR_AUDIENCE: issuer.audience,
    SIDECAR_LISTEN__PORT: '0',
    SIDECAR_ADMIN__PORT: '0',
    SIDECAR_LOG__REQUESTS: 'none',
    SIDECAR_DRAIN__DELAY: '1s',
    ...(scheme === 'https' && {
      SIDECAR_LISTEN__TLS__CERT_FILE: join(folder, 'cert'),
      SIDECAR_LISTEN__TLS__KEY_FILE: join(folder, 'key'),
    }),
  };
  const sidecar = startSidecar(t, [], { env });
  const { port, adminPort } = await sidecar.said('listening');
  await sidecar.said('started');
  const token = issuer.mint();
  return {
    sidecar,
    url: `${scheme}://127.0.0.1:${port}`,
    admin: `http://127.0.0.1:${adminPort}`,
    token,
    headers: { authorization: `Bearer ${token}` },
    streams: upstream.streams,
  };
}

for (const scheme of ['http', 'https'] as const) {
  t.test(`SIGTERM under load loses no request that was accepted over ${scheme}`, (t) =>
    drainUnderLoad(t, scheme),
  );
}

async function drainUnderLoad(t: Test, scheme: 'http' | 'https'): Promise<void> {
  const { sidecar, url, admin, headers, token, streams } = await scene(t, scheme);
  const served = new Map<string, number>();
  const lost: string[] = [];
  const count = (what: string) => served.set(what, (served.get(what) ?? 0) + 1);

  /** Sends one request after the other over a kept connection, and over a new one when that ends, until none opens. */
  async function load(id: number): Promise<void> {
    let client = new Client(url, { connect: { ca: cert } });
    for (let n = 0; ; n++) {
      const path = `/${id}/${n}`;
      try {
        const { statusCode, body, headers: answer } = await client.request({ path, method: 'GET', headers });
        const text = await body.text();
        if (statusCode === 200 && text === `${path} 0 whole`) count('whole');
        else if (statusCode === 503 && JSON.parse(text).code === 'draining' && answer.connection === 'close')
          count('draining');
        else lost.push(`${statusCode} ${text.slice(0, 60)}`);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        await client.destroy();
        if (code === 'ECONNREFUSED') return;
        lost.push(`${code} ${message}`);
        client = new Client(url, { connect: { ca: cert } });
      }
    }
  }

  const stream = await connectRaw(t, url, { ca: cert });
  await stream.send(`GET /stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await once(stream.socket, 'data');
  const upload = await connectRaw(t, url, { ca: cert });
  await upload.send(
    `POST /up HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 10\r\n\r\n12345`,
  );
  const pipelined = await connectRaw(t, url, { ca: cert });
  const behind = `GET /behind HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  await pipelined.send(behind.replace('/behind', '/stream') + behind);
  const idle = await connectRaw(t, url, { ca: cert });
  const loads = Promise.all(Array.from({ length: clients }, (_, id) => load(id)));
  while ((served.get('whole') ?? 0) < 200) await request(url, { headers, ca: cert });

  sidecar.kill('SIGTERM');
  await sidecar.said('draining');
  t.equal((await request(admin, { path: '/readyz' })).status, 503, 'not ready at once');
  t.equal(
    (await request(url, { headers, ca: cert })).status,
    200,
    'a new connection is taken for drain.delay',
  );
  const before = served.get('whole') ?? 0;
  await sidecar.said('closing');
  t.ok((served.get('whole') ?? 0) > before, 'and served as ever');
  await loads;
  await upload.send('67890');
  t.match(await upload.response(), { status: 200, text: '/up 10 whole' });
  t.equal(await idle.closed(), 'end', 'an idle connection is closed');
  for (const each of streams) each.end('data: 1\n\n');
  t.match(await stream.response(), { status: 200, text: 'data: 0\n\ndata: 1\n\n', complete: true });
  t.match(await pipelined.response(), { status: 200, text: 'data: 0\n\ndata: 1\n\n', complete: true });
  t.match(await pipelined.response(), { status: 200, text: '/behind 0 whole' }, 'behind a stream');
  t.equal((await sidecar.ended).code, 0);
  t.match(sidecar.lines.at(-1), { msg: 'drained', cut: 0 });
  t.same(lost, [], `${[...served].map(([what, times]) => `${times} ${what}`).join(', ')}`);
}
