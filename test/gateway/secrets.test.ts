import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { forge } from '../helpers/forge.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { type RequestOptions, request } from '../helpers/request.ts';
import { type HeldClock, holdClock } from './held-clock.ts';

/** Each is told from any other text by its name. */
const secrets = {
  cookie: 'planted-cookie',
  setCookie: 'planted-set-cookie',
  query: 'planted-query',
  password: 'planted-password',
  upstreamKey: 'planted-upstream-key',
  body: 'planted-body',
  claim: 'planted-claim',
  adminToken: 'planted-admin-token-of-at-least-32-bytes',
  fetchToken: 'planted-fetch-token',
};

/** Three parts of a token as they would stand anywhere. */
const partsOf = (token: string) => token.split('.').filter((part) => part.length >= 16);

/** All that the gateway lets anybody see but its upstream and the client whose answer the upstream gave. */
async function allThatIsSaid(gateway: TestGateway): Promise<string> {
  const admin = await Promise.all(
    ['/', '/metrics', '/api/status', '/readyz', '/livez', '/nothing'].map((path) =>
      request(gateway.admin, { path }),
    ),
  );
  return [...gateway.lines.map((line) => JSON.stringify(line)), ...admin.map(({ text }) => text)].join('\n');
}

function assertSilent(t: Test, said: string, tokens: readonly string[]): void {
  for (const [name, secret] of Object.entries(secrets))
    t.notOk(said.includes(secret), `nothing of the ${name}`);
  for (const part of tokens.flatMap(partsOf)) t.notOk(said.includes(part), 'nor any part of a token');
}

async function startUpstream(t: Test): Promise<string> {
  const upstream = createServer((request, response) => {
    if (request.url?.startsWith('/reset')) return void request.socket.resetAndDestroy();
    response
      .writeHead(200, { 'set-cookie': `s=${secrets.setCookie}`, location: `/?${secrets.query}` })
      .end('ok');
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  return `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
}

async function startWithSecrets(t: Test, more: Partial<ConfigInput> = {}) {
  const folder = t.testdir({ admin: secrets.adminToken, fetch: secrets.fetchToken });
  const issuer = await startFakeIssuer(t);
  const clock = holdClock();
  const config: ConfigInput = {
    upstream: { url: await startUpstream(t), setHeaders: { 'X-Key': secrets.upstreamKey } },
    issuers: [
      {
        issuer: issuer.issuer,
        audience: issuer.audience,
        keys: { bearerTokenFile: join(folder, 'fetch') },
      },
    ],
    admin: { tokenFile: join(folder, 'admin') },
    token: { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] },
    log: { level: 'trace' },
    failureLimit: null,
    ...more,
  };
  return { issuer, clock, gateway: await startGateway(t, config, { clock }) };
}

/** One request for every end that a request can come to, each with all secrets in it. */
async function sendAll(gateway: TestGateway, issuer: FakeIssuer, clock: HeldClock): Promise<string[]> {
  const send = async (options: RequestOptions): Promise<void> => {
    await gateway.request(options);
    // So that the line of each refusal has one that explains it.
    clock.advance(100);
  };
  const claims = { sub: secrets.claim, email: secrets.claim, jti: secrets.claim };
  const good = issuer.mint({ claims });
  const tokens = [
    good,
    `${good}=`,
    issuer.mint({ claims: { ...claims, exp: 1 } }),
    // Whom a token is for is said, once its signature holds.
    issuer.mint({ claims: { ...claims, aud: 'api://other' } }),
    `${issuer.mint({ claims: { ...claims, aud: secrets.claim } }).slice(0, -20)}${'A'.repeat(20)}`,
    issuer.mint({ claims: { ...claims, iss: `https://${secrets.claim}.example` } }),
    issuer.mint({ claims: { ...claims, iss: `${issuer.issuer}/${secrets.claim}` } }),
    issuer.mint({ claims: { ...claims, client_id: [secrets.claim] } }),
    issuer.mint({ claims: { ...claims, cnf: { jkt: secrets.claim } } }),
    issuer.mint({ claims: { ...claims, events: { [secrets.claim]: {} } } }),
    issuer.mint({ claims, header: { typ: secrets.claim } }),
    issuer.mint({ claims, header: { typ: [secrets.claim] } }),
    issuer.mint({ claims, header: { alg: secrets.claim } }),
    issuer.mint({ claims, header: { crit: [secrets.claim] } }),
    issuer.mint({ claims, header: { kid: 'unknown' } }),
    issuer.mint({ claims, header: { alg: 'none' } }),
  ];
  const paths = ['/x', '/reset', '/a/../b', '/admin/x'].map((path) => `${path}?token=${secrets.query}`);
  for (const token of tokens) {
    for (const path of paths) {
      const cookie = `a=${secrets.cookie}; session2=${token}`;
      await send({ path, headers: { authorization: `Bearer ${token}`, cookie } });
    }
  }
  for (const method of ['POST', 'TRACE', 'PROPFIND']) {
    const headers = { cookie: `session=${good}; a=${secrets.cookie}` };
    await send({ method, path: '/x', headers, body: secrets.body });
    const from = { 'sec-fetch-site': secrets.claim, origin: `https://a.example/${secrets.claim}` };
    await send({ method, path: '/x', headers: { ...headers, ...from } });
  }
  const basic = Buffer.from(`user:${secrets.password}`).toString('base64');
  await send({
    headers: { authorization: `Basic ${basic}`, referer: `https://a.example/?${secrets.query}` },
  });
  return [...tokens, `${basic}.${basic}`];
}

for (const mode of ['enforce', 'report'] as const) {
  t.test(`nothing secret is said in mode ${mode}`, async (t) => {
    const { issuer, gateway, clock } = await startWithSecrets(t, {
      mode,
      rules: [{ path: '/admin/*', claims: { email: { equals: 'nobody' } } }],
    });
    const tokens = await sendAll(gateway, issuer, clock);
    const last = await gateway.request({ path: '/a/../last' });
    await gateway.line(last.header('x-request-id'));
    const said = await allThatIsSaid(gateway);
    const refused = gateway.lines.filter(({ expected }) => expected !== undefined);
    t.ok(refused.length > 100, 'every request has its line');
    t.notOk(
      gateway.lines.some((line) => 'leftOut' in line),
      'and every refusal is explained',
    );
    assertSilent(t, said, tokens);
  });
}

t.test('nor of what never became a request', async (t) => {
  const { issuer, gateway } = await startWithSecrets(t);
  const token = issuer.mint({ claims: { sub: secrets.claim } });
  const authorization = `Authorization: Bearer ${token}\r\nCookie: a=${secrets.cookie}\r\n`;
  const broken = {
    'two lengths': `POST /x?${secrets.query} HTTP/1.1\r\nHost: a\r\n${authorization}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    'a bad header': `GET /x?${secrets.query} HTTP/1.1\r\nHost: a\r\n${authorization}Bad Header: x\r\n\r\n`,
    'a token for a method': `${token} /x HTTP/1.1\r\nHost: a\r\n\r\n`,
    'a token for a version': `GET /x ${token}\r\nHost: a\r\n\r\n`,
    CONNECT: `CONNECT ${token}.example:443 HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`,
    'too large': `GET /x HTTP/1.1\r\nHost: a\r\n${authorization}X: ${token.repeat(60)}\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(broken)) {
    const raw = await gateway.raw();
    await raw.send(bytes);
    const answer = await raw.response();
    t.ok(answer.status >= 400, name);
    assertSilent(t, `${answer.text}\n${answer.rawHeaders.join('\n')}`, [token]);
  }
  await gateway.lineWhere(({ reason }) => reason === 'headers_too_large');
  assertSilent(t, await allThatIsSaid(gateway), [token]);
});

t.test('a token in a path is masked', async (t) => {
  const { issuer, gateway } = await startWithSecrets(t, {
    rules: [{ path: '/reset-password/*', auth: 'none' }],
  });
  const token = issuer.mint();
  const encoded = token.replaceAll('.', '%2E');
  const paths = [
    `/reset-password/${token}`,
    `/reset-password/${token}/x`,
    `/reset-password/${encoded}`,
    `/${token}`,
    `/a/../${token}`,
    `/a/../${encoded}`,
    `/a/../${token.replaceAll('.', '%252E')}`,
    `/x;token=${token}`,
    `/${'x'.repeat(1000)}/${token}`,
    ...['~', ',', ':', '|', '!', '%2C', '%7C', '_', '-', '/'].map(
      (joint) => `/x/${token.replaceAll('.', joint)}`,
    ),
    ...['~', '%7C'].map((joint) => `/a/../${token.replaceAll('.', joint)}`),
    `/a/../${token.replace('eyJ', '%65%79%4A')}`,
  ];
  const requestLines = () => gateway.lines.filter(({ msg }) => msg === 'request');
  for (const path of paths) {
    const before = requestLines().length;
    await gateway.request({ path });
    await gateway.lineWhere(() => requestLines().length > before);
  }
  assertSilent(t, await allThatIsSaid(gateway), [token]);
});

t.test('a token that does not begin as most do is masked too', async (t) => {
  const { gateway } = await startWithSecrets(t, { rules: [{ path: '/reset/*', auth: 'none' }] });
  const key = await makeKey();
  const tokens = [' {"alg":"RS256"}', '{ "alg":"RS256"}', '\n{"alg":"RS256"}', '{\r\n"alg":"RS256"}'].map(
    (header) => forge({ header, payload: { sub: secrets.claim, exp: 1 }, alg: 'RS256', key: key.privateKey }),
  );
  for (const token of tokens) {
    for (const path of [`/reset/${token}`, `/reset/${token.replaceAll('.', '~')}`]) {
      const before = gateway.lines.length;
      await gateway.get(path, token);
      await gateway.lineWhere((line) => gateway.lines.indexOf(line) >= before && line.msg === 'request');
    }
  }
  assertSilent(t, await allThatIsSaid(gateway), tokens);
});

t.test('a request id of a trusted proxy that looks like a token is replaced', async (t) => {
  const { gateway } = await startWithSecrets(t, { listen: { trustedProxies: ['127.0.0.0/8'] } });
  const key = await makeKey('ES256');
  const header = { alg: 'ES256' };
  const payload = { sub: 'a' };
  const token = forge({ header, payload, alg: 'ES256', key: key.privateKey }).slice(0, 128);
  for (const id of [
    token,
    `a.${token}`.slice(0, 128),
    token.replaceAll('.', '-'),
    `${'b'.repeat(20)}.${'c'.repeat(20)}.d`,
  ]) {
    const answer = await gateway.request({ headers: { 'x-request-id': id } });
    t.match(answer.header('x-request-id'), /^[0-9a-f-]{36}$/, 'the client gets one of ours');
    await gateway.line(answer.header('x-request-id'));
  }
  for (const id of [
    '2f1e9b5c-7a5e-4a53-9c55-0d6f1d3c2b1a',
    'Root-1-67891233-abcdef012345678912345678',
    'a.b_c-9',
  ]) {
    const answer = await gateway.request({ headers: { 'x-request-id': id } });
    t.equal(answer.header('x-request-id'), id, 'any other is kept');
  }
  assertSilent(t, await allThatIsSaid(gateway), [token]);
});

t.test('credentials in a target are not logged', async (t) => {
  const { gateway } = await startWithSecrets(t);
  const user = `user:${secrets.password}`;
  const targets = [
    `GET http://${user}@host/x`,
    `GET http://user:${secrets.password}%40host/x`,
    `GET http:/${user}@host/x`,
    `GET //${user}@host/x`,
    `GET //user%3A${secrets.password}%40host/x`,
    `GET /proxy/http://${user}@host/x`,
    `GET ftp://${user}@host/x`,
    `OPTIONS http://${user}@host`,
    `GET http://user:a/${secrets.password}@host/x`,
    `GET http://user:a?${secrets.password}@host/x`,
    `CONNECT ${user}@host:443`,
    `GET ${user}@host:443`,
    `${secrets.password} /x`,
  ];
  for (const target of targets) {
    const raw = await gateway.raw();
    await raw.send(`${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await raw.response();
    const line = await gateway.line(answer.header('x-request-id'));
    t.notMatch(JSON.stringify(line), secrets.password, target);
  }
  assertSilent(t, await allThatIsSaid(gateway), []);
});

t.test('nothing from a request can begin a log line or color it', async (t) => {
  const { issuer, gateway } = await startWithSecrets(t);
  const evil = '\r\n{"msg":"request","decision":"allow"}\u001b[31m\u0085\u2028\u2029\u202e\0';
  const kid = await gateway.get('/', issuer.mint({ header: { kid: evil } }));
  const line = await gateway.line(kid.header('x-request-id'));
  t.equal(line.reason, 'key_unknown');
  t.notMatch(String(line.kid), /[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
  t.ok(String(line.kid).startsWith('\\u000d\\u000a{'), 'it stands there for all to see');
  const path = await gateway.request({ path: '/%0d%0a%1b[31m/../\u00e9' });
  t.notMatch(String((await gateway.line(path.header('x-request-id'))).path), /[\0-\x1f\x7f-\x9f]/);
  const raw = await gateway.raw();
  await raw.send('GET /\x9b31m\x85x HTTP/1.1\r\nHost: a\r\n\r\n');
  const odd = await raw.response();
  t.notMatch(String((await gateway.line(odd.header('x-request-id'))).path), /[\0-\x1f\x7f-\x9f]/, 'bytes');
});
