import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { type Sighting, sight } from './scene.ts';
import { ask, open, startUpstream } from './wire.ts';

interface Sent {
  readonly gateway: TestGateway;
  readonly seen: Sighting;
}

/** Sends header lines through a gateway of such a config, and gives what the upstream saw. */
async function compileSend(t: Test, config: Partial<ConfigInput> = {}) {
  const echo = await startEcho(t);
  const upstream = { url: echo.url, ...(config.upstream as object) };
  const gateway = await startGateway(t, { ...open, ...config, upstream });
  return async (fields: readonly string[], head = ask('GET /x', ...fields)): Promise<Sent> => {
    const raw = await gateway.raw();
    await raw.send(head);
    t.equal((await raw.response()).status, 200);
    raw.reset();
    return { gateway, seen: sight(echo.seen.at(-1)) };
  };
}

t.test('what is for one hop goes no further', async (t) => {
  const send = await compileSend(t);
  const hop = [
    'Keep-Alive: timeout=5',
    'Proxy-Authorization: Basic x',
    'Proxy-Authenticate: Basic',
    'Proxy-Connection: close',
    'TE: trailers',
    'te: gzip',
    'Trailer: X-Foo',
    'Upgrade: h2c',
    'HTTP2-Settings: AAA',
  ];
  for (const field of hop) {
    const { seen } = await send([field]);
    const name = field.split(':')[0]?.toLowerCase() ?? '';
    t.notOk(seen.names.includes(name), name);
    t.notOk(seen.rawHeaders.includes(field.slice(name.length + 2)), name);
  }
  const { seen } = await send([
    'Connection: X-Hop, keep-alive',
    'X-Hop: 1',
    'x-other: 2',
    'CONNECTION:x-OTHER ,,close',
    'X-Kept: 3',
    'Host2: 4',
  ]);
  t.strictSame([seen.all('x-hop'), seen.all('x-other')], [[], []], 'what Connection names is gone');
  t.strictSame([seen.all('x-kept'), seen.all('host2')], [['3'], ['4']]);
  t.strictSame(seen.all('connection'), ['keep-alive'], 'the connection to the upstream is our own matter');
});

t.test('all else is passed on as it came', async (t) => {
  const send = await compileSend(t);
  const fields = [
    'Accept: a',
    'X-B: \u00e9\u00ff',
    'accept: b',
    'User-Agent:  spaced  out ',
    'X-Empty:',
    'Cookie: a=1; b=2',
  ];
  const { seen } = await send([
    ...fields,
    'Authorization: Basic x',
    'Range: bytes=0-1',
    'Accept-Encoding: br',
  ]);
  t.strictSame(seen.all('accept'), ['a', 'b'], 'what came twice goes twice');
  t.equal(seen.header('x-b'), '\u00e9\u00ff', 'bytes are bytes');
  t.equal(seen.header('user-agent'), 'spaced  out');
  t.equal(seen.header('x-empty'), '');
  t.equal(seen.header('cookie'), 'a=1; b=2');
  t.equal(seen.header('authorization'), 'Basic x');
  t.match(
    [seen.header('range'), seen.header('accept-encoding')],
    ['bytes=0-1', 'br'],
    'answers are not ours to ask for',
  );
  t.ok(seen.rawHeaders.includes('X-B') && seen.rawHeaders.includes('accept'), 'in its spelling');
});

const claims = [
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-For: 192.0.2.2, 192.0.2.3',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: public.example',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Prefix: /api',
  'X-Forwarded-User: root',
  'Forwarded: for=192.0.2.1;proto=https',
  'X-Real-IP: 192.0.2.1',
  'X-Request-Id: from-the-proxy.1',
];

t.test('the order of a client’s headers changes nothing', async (t) => {
  const send = await compileSend(t);
  const claim =
    'GET /x HTTP/1.1\r\nX-Forwarded-Host: evil.example\r\nX_Forwarded_Host: evil.example\r\nHost: shop.example';
  const { seen } = await send([], `${claim}\r\nX-Forwarded-Host: evil.example\r\n\r\n`);
  t.strictSame([seen.all('host'), seen.all('x-forwarded-host')], [['shop.example'], ['shop.example']]);
  const trusting = await compileSend(t, { listen: { trustedProxies: ['127.0.0.1'] } });
  const { seen: kept } = await trusting([], `${claim}\r\n\r\n`);
  t.strictSame([kept.all('host'), kept.all('x-forwarded-host')], [['shop.example'], ['evil.example']]);
});

t.test('a trusted proxy is appended to', async (t) => {
  const send = await compileSend(t, { listen: { trustedProxies: ['127.0.0.0/8'] } });
  const { seen } = await send([...claims, 'Connection: X-Forwarded-For, X-Forwarded-Proto']);
  t.equal(seen.header('x-forwarded-for'), '192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1');
  for (const field of claims.slice(2)) {
    const [name = '', value] = field.split(': ');
    t.strictSame(seen.all(name.toLowerCase()), [value], name);
  }
  const { seen: bare, gateway } = await send([]);
  t.equal(bare.header('x-forwarded-for'), '127.0.0.1', 'what it did not say is completed');
  t.equal(bare.header('x-forwarded-proto'), 'http');
  t.equal(bare.header('x-forwarded-host'), 'shop.example');
  t.equal(bare.header('x-forwarded-port'), String(gateway.port));
  t.match(bare.header('x-request-id'), /^[0-9a-f-]{36}$/);
});

t.test('a request id is kept from a trusted proxy alone, and only if well formed', async (t) => {
  const send = await compileSend(t, { listen: { trustedProxies: ['127.0.0.1'] } });
  for (const id of ['a', 'A-b_c.9', 'x'.repeat(128)]) {
    const { seen, gateway } = await send([`X-Request-Id: ${id}`]);
    t.equal(seen.header('x-request-id'), id);
    t.match(await gateway.line(id), { requestId: id }, 'and it is that of the log');
  }
  for (const id of ['', 'a b', 'a"b', '<script>', 'x'.repeat(129), '\u00e9', 'a,b', '{}']) {
    const { seen } = await send([`X-Request-Id: ${id}`]);
    t.match(seen.header('x-request-id'), /^[0-9a-f-]{36}$/, JSON.stringify(id));
  }
  const { seen: twice } = await send(['X-Request-Id: a', 'X-Request-Id: b']);
  t.match(twice.header('x-request-id'), /^[0-9a-f-]{36}$/, 'two are none');
  const raw = await (await send([])).gateway.raw();
  await raw.send(ask('GET /a/../b', 'X-Request-Id: mine'));
  const refused = await raw.response();
  t.match(
    [refused.header('x-request-id'), refused.json().requestId],
    ['mine', 'mine'],
    'and that of a refusal',
  );
  const ids = new Set<string | undefined>();
  for (let at = 0; at < 20; at++) ids.add((await send([])).seen.header('x-request-id'));
  t.equal(ids.size, 20, 'ours are all different');
});

t.test('traces pass', async (t) => {
  const send = await compileSend(t);
  const fields = [
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'tracestate: a=1,b=2',
    'baggage: c=3',
  ];
  const { seen } = await send(fields);
  for (const field of fields) {
    const [name = '', value] = field.split(': ');
    t.equal(seen.header(name), value);
  }
});

t.test('Host is the client’s, or the upstream’s', async (t) => {
  const own = await (await compileSend(t))([]);
  t.equal(own.seen.header('host'), 'shop.example');
  const other = await (await compileSend(t, { upstream: { preserveHost: false } as never }))([]);
  t.match(other.seen.header('host'), /^127\.0\.0\.1:\d+$/);
  t.equal(other.seen.header('x-forwarded-host'), 'shop.example', 'which is told all the same');
  const none = await (await compileSend(t))([], 'GET /x HTTP/1.0\r\n\r\n');
  t.match(none.seen.header('host'), /^127\.0\.0\.1:\d+$/, 'where the client has none');
  t.strictSame(none.seen.all('x-forwarded-host'), []);
});

t.test('what the config sets for an upstream is never the client’s', async (t) => {
  const setHeaders = { Authorization: 'Basic b3Vycw==', 'X-Env': 'live' };
  const send = await compileSend(t, { upstream: { setHeaders } as never });
  for (const fields of [
    [],
    ['Authorization: Basic mine', 'X_Env: test', 'x-env: test', 'Connection: X-Env, Authorization'],
  ]) {
    const { seen } = await send(fields);
    t.strictSame(
      [seen.all('authorization'), seen.all('x-env'), seen.all('x_env')],
      [['Basic b3Vycw=='], ['live'], []],
    );
  }
});

t.test('a prefix that is taken off is told', async (t) => {
  const config = {
    rules: [{ path: '/x/*', auth: 'none', stripPrefix: '/x' }, ...open.rules],
    listen: { trustedProxies: ['127.0.0.1'] },
  } as const;
  const send = await compileSend(t, config as never);
  const { seen } = await send(['X-Forwarded-Prefix: /other', 'X_Forwarded_Prefix: /other']);
  t.strictSame([seen.url, seen.all('x-forwarded-prefix'), seen.all('x_forwarded_prefix')], ['/', ['/x'], []]);
});

t.test('on the way back', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    const headers = [
      ['Connection', 'X-Hop'],
      ['Keep-Alive', 'timeout=99'],
      ['X-Hop', 'secret'],
      ['Proxy-Authenticate', 'Basic'],
      ['Upgrade', 'h2c'],
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['X-Kept', 'k\u00e9pt'],
      ['X-Request-Id', 'of the upstream'],
      ['WWW-Authenticate', 'Basic realm="upstream"'],
      ['Server', 'theirs'],
    ];
    response.writeHead(401, headers.flat() as never).end('no');
  });
  const gateway = await startGateway(t, { ...open, upstream });
  const answer = await gateway.get('/x');
  t.match([answer.status, answer.text], [401, 'no'], 'its own refusals are its own');
  t.strictSame(answer.all('set-cookie'), ['a=1', 'b=2']);
  t.match([answer.header('x-kept'), answer.header('server')], ['k\u00e9pt', 'theirs']);
  t.equal(answer.header('www-authenticate'), 'Basic realm="upstream"');
  for (const name of ['x-hop', 'proxy-authenticate', 'upgrade'])
    t.equal(answer.header(name), undefined, name);
  t.not(answer.header('keep-alive'), 'timeout=99');
});
