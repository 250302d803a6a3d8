import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { compileRequestHeaders } from '../../src/proxy/request-headers.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';

t.test('a name that some upstreams take for one that frames the message does not pass', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
  });
  const names = ['Content_Length', 'CONTENT.LENGTH', 'Transfer_Encoding', 'transfer.encoding', 'Keep_Alive'];
  for (const name of names) {
    await gateway.request({ method: 'POST', headers: { [name]: 'chunked' }, body: 'hello' });
    const seen = echo.seen.at(-1);
    t.notOk(seen?.rawHeaders.includes(name), name);
    t.equal(seen?.body.bytes, 5, name);
  }
});

t.test('names that a client makes up do not fill memory', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const requestHeaders = compileRequestHeaders({ strip: () => false, tokenHeaders: [] });
  const send = (name: string) =>
    requestHeaders({
      rawHeaders: [name, 'x'],
      upstream: { preserveHost: true, setHeaders: [] },
      tokens: [],
      identity: [],
      requestId: 'id',
      hop: { peer: '192.0.2.1', trusted: false, secure: false, port: 80 },
      stripPrefix: null,
    });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 1000; i++) send(Buffer.alloc(30_000, `x${i}-`).toString('latin1'));
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  t.ok(grown < 10_000_000, `${grown} bytes`);
  t.ok(send('x').includes('x'), 'it is still in use');
});
