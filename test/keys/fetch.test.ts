import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import t from 'tap';
import { Agent } from 'undici';
import { createFetchJson, type FetchOptions } from '../../src/keys/fetch.ts';
import { type Handler, startServer } from './server.ts';
import { createTestTime } from './time.ts';

const limits: FetchOptions = {
  timeout: 5000,
  maxSize: 1024,
  caFile: null,
  bearerTokenFile: null,
  allowInsecureHttp: false,
};

const answer =
  (body: string, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);

t.test('a document and how long it may be kept', async (t) => {
  const cases = [
    { name: 'none', header: '', maxAge: undefined },
    { name: 'max-age', header: 'max-age=120', maxAge: 120_000 },
    { name: 'among others', header: 'public, max-age=60, must-revalidate', maxAge: 60_000 },
    { name: 'in capitals', header: 'Public,MAX-AGE=60', maxAge: 60_000 },
    { name: 'quoted', header: 'max-age="60"', maxAge: 60_000 },
    { name: 's-maxage is not ours', header: 's-maxage=60', maxAge: undefined },
    { name: 'negative', header: 'max-age=-1', maxAge: undefined },
    { name: 'a fraction', header: 'max-age=1.5', maxAge: undefined },
    { name: 'absurd', header: `max-age=${'9'.repeat(30)}`, maxAge: undefined },
    { name: 'no-store', header: 'no-store', maxAge: undefined },
  ];
  for (const { name, header, maxAge } of cases) {
    const { url } = await startServer(t, answer('{"keys":[]}', header ? { 'cache-control': header } : {}));
    const fetched = await createFetchJson(limits)(`${url}/jwks`);
    t.same(
      fetched,
      maxAge === undefined ? { document: { keys: [] } } : { document: { keys: [] }, maxAge },
      name,
    );
  }
});

t.test('what is sent', async (t) => {
  const { url, seen } = await startServer(t, answer('{}'));
  await createFetchJson(limits)(`${url}/a%20path/jwks?tenant=a&b`);
  t.equal(seen[0]?.method, 'GET');
  t.equal(seen[0]?.url, '/a%20path/jwks?tenant=a&b');
  t.match(seen[0]?.headers.accept, /application\/json/);
  t.equal(seen[0]?.headers.authorization, undefined);
  t.equal(seen[0]?.headers['accept-encoding'], 'identity');
});

t.test('the content type is not looked at', async (t) => {
  for (const type of ['text/html', 'text/plain', 'application/octet-stream']) {
    const { url } = await startServer(t, answer('{"keys":[]}', { 'content-type': type }));
    t.same((await createFetchJson(limits)(url)).document, { keys: [] }, type);
  }
});

t.test('a byte order mark is no fault', async (t) => {
  const { url } = await startServer(t, answer('\uFEFF{"keys":[]}'));
  t.same((await createFetchJson(limits)(url)).document, { keys: [] });
});

t.test('answers that are refused', async (t) => {
  const secret = 'body-text-that-must-not-be-logged';
  const status =
    (code: number, headers: Record<string, string> = {}): Handler =>
    (_request, response) =>
      response.writeHead(code, headers).end(`{"error":"${secret}"}`);
  const cases: { name: string; handler: Handler; code: string }[] = [
    { name: '500', handler: status(500), code: 'status' },
    { name: '404', handler: status(404), code: 'status' },
    { name: '401', handler: status(401), code: 'status' },
    { name: '201', handler: status(201), code: 'status' },
    { name: '204', handler: (_request, response) => response.writeHead(204).end(), code: 'status' },
    { name: '206', handler: status(206), code: 'status' },
    { name: '301', handler: status(301, { location: '/elsewhere' }), code: 'redirect' },
    { name: '302', handler: status(302, { location: 'http://169.254.169.254/' }), code: 'redirect' },
    { name: '307', handler: status(307, { location: '/elsewhere' }), code: 'redirect' },
    { name: '304', handler: (_request, response) => response.writeHead(304).end(), code: 'redirect' },
    {
      name: 'HTML',
      handler: answer(`<!doctype html><p>${secret}`, { 'content-type': 'text/html' }),
      code: 'not_json',
    },
    { name: 'HTML called JSON', handler: answer(`<html>${secret}`), code: 'not_json' },
    { name: 'nothing', handler: answer(''), code: 'not_json' },
    { name: 'half a document', handler: answer(`{"keys":["${secret}"`), code: 'not_json' },
    {
      name: 'not compressed as it says',
      handler: answer('\x1f\x8b', { 'content-encoding': 'gzip' }),
      code: 'content_coding',
    },
    { name: 'announced too large', handler: answer(`"${secret.repeat(100)}"`), code: 'too_large' },
    { name: 'too large in chunks', handler: endless, code: 'too_large' },
    { name: 'cut short', handler: cutShort, code: 'network' },
    { name: 'reset', handler: (request) => request.socket.destroy(), code: 'network' },
    { name: 'not HTTP', handler: (request) => request.socket.end('SSH-2.0\r\n'), code: 'network' },
  ];
  for (const { name, handler, code } of cases) {
    const { url, seen } = await startServer(t, handler);
    const error = await createFetchJson(limits)(`${url}/jwks?key=${secret}`).catch((error: unknown) => error);
    t.match(error, { name: 'FetchError', code }, name);
    t.notMatch((error as Error).message, secret, `${name}: the message quotes nothing`);
    t.equal(seen.length, 1, `${name}: asked once`);
  }
});

/** Writes for as long as somebody reads. */
function endless(_request: unknown, response: ServerResponse): void {
  const write = () => {
    while (response.writable && response.write('0'.repeat(256)));
  };
  response.on('drain', write);
  write();
}

function cutShort(_request: unknown, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{"keys":', () => response.destroy());
}

t.test('the size limit is exact', async (t) => {
  const body = JSON.stringify('x'.repeat(1022));
  const { url } = await startServer(t, answer(body));
  t.equal((await createFetchJson({ ...limits, maxSize: 1024 })(url)).document, 'x'.repeat(1022));
  await t.rejects(createFetchJson({ ...limits, maxSize: 1023 })(url), { code: 'too_large' });
});

t.test('a length announced beyond the limit is not waited for', async (t) => {
  const { url } = await startServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '1025' }).flushHeaders();
  });
  await t.rejects(createFetchJson(limits)(url), { code: 'too_large' });
});

t.test('the whole fetch has a time limit', async (t) => {
  const stages: { name: string; handler: (response: ServerResponse) => void }[] = [
    { name: 'no answer', handler: () => {} },
    { name: 'headers alone', handler: (response) => response.writeHead(200).flushHeaders() },
    { name: 'a drip', handler: (response) => response.writeHead(200).write('{"keys"') },
  ];
  for (const { name, handler } of stages) {
    const time = createTestTime();
    let reached = () => {};
    const arrived = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const { url, seen } = await startServer(t, (_request, response) => {
      handler(response);
      reached();
    });
    const outcome = createFetchJson({ ...limits, schedule: time.schedule })(url).catch(
      (error: unknown) => error,
    );
    await arrived;
    t.same(time.planned(), [5000], name);
    const gone = new Promise((resolve) => seen[0]!.socket.once('close', resolve));
    time.advance(5000);
    t.match(await outcome, { name: 'FetchError', code: 'timeout' }, name);
    await gone;
    t.pass(`${name}: the connection is closed`);
  }
});

t.test('a host that accepts and says nothing to TLS is given up too', async (t) => {
  const time = createTestTime();
  const server = createServer().listen(0, '127.0.0.1');
  const accepted = once(server, 'connection');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const fetchJson = createFetchJson({ ...limits, schedule: time.schedule });
  const outcome = fetchJson(`https://127.0.0.1:${port}/`).catch((error: unknown) => error);
  const [socket] = await accepted;
  time.advance(5000);
  t.match(await outcome, { code: 'timeout' });
  socket.destroy();
  server.close();
});

t.test('a finished fetch leaves no timer and no connection behind', async (t) => {
  const time = createTestTime();
  const { url, seen } = await startServer(t, answer('{}'));
  await createFetchJson({ ...limits, schedule: time.schedule })(url);
  t.same(time.planned(), []);
  const { socket } = seen[0]!;
  if (!socket.destroyed) await once(socket, 'close');
  t.ok(socket.destroyed);
});

t.test('a port where nobody listens', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  await t.rejects(createFetchJson(limits)(`http://127.0.0.1:${port}/`), {
    code: 'network',
    message: /ECONNREFUSED/,
  });
  await t.rejects(createFetchJson(limits)(`http://localhost:${port}/`), {
    code: 'network',
    message: /ECONNREFUSED/,
  });
});

t.test('plain http and other schemes', async (t) => {
  const dispatcher = () => {
    throw new Error('nothing may be sent');
  };
  const refused = [
    'http://idp.example.com/jwks',
    'http://10.0.0.1/jwks',
    'http://localhost.example.com/',
    'ftp://localhost/',
    'file:///etc/passwd',
    'data:application/json,{}',
    'jwks',
    '',
  ];
  for (const url of refused) {
    await t.rejects(createFetchJson({ ...limits, dispatcher })(url), { code: 'insecure' }, url);
  }
  const { url } = await startServer(t, answer('{}'));
  // Sends the request for another host to the server of this test.
  const diverted = () => {
    const agent = new Agent();
    const request = agent.request.bind(agent) as (options: object) => ReturnType<Agent['request']>;
    return Object.assign(agent, { request: (options: object) => request({ ...options, origin: url }) });
  };
  const allowed = createFetchJson({
    ...limits,
    allowInsecureHttp: true,
    dispatcher: diverted as () => Agent,
  });
  t.same((await allowed('http://idp.example.com/jwks')).document, {});
  await t.rejects(allowed('ftp://idp.example.com/jwks'), { code: 'insecure' });
});

t.test('the bearer token is read at every fetch', async (t) => {
  const bearerTokenFile = `${t.testdir({})}/token`;
  const { url, seen } = await startServer(t, answer('{}'));
  const fetchJson = createFetchJson({ ...limits, bearerTokenFile });
  const withToken = true;
  await t.rejects(fetchJson(url, { withToken }), {
    code: 'file_unreadable',
    message: /bearerTokenFile.*ENOENT/,
  });
  for (const token of ['first', 'second']) {
    writeFileSync(bearerTokenFile, `${token}\n`);
    await fetchJson(url, { withToken });
  }
  await fetchJson(url);
  t.same(
    seen.map(({ headers }) => headers.authorization),
    ['Bearer first', 'Bearer second', undefined],
    'and sent only where it is meant to be',
  );
});

t.test('a bearer token that breaks the header is not quoted', async (t) => {
  const bearerTokenFile = `${t.testdir({ token: 'secret\r\nX-Other: 1' })}/token`;
  const { url, seen } = await startServer(t, answer('{}'));
  const fetchJson = createFetchJson({ ...limits, bearerTokenFile });
  const error = await fetchJson(url, { withToken: true }).catch((error: unknown) => error);
  t.match(error, { code: 'network' });
  t.notMatch((error as Error).message, 'secret');
  t.same(seen, []);
});
