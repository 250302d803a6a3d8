import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { holdClock } from '../gateway/held-clock.ts';
import { ask, deadUrl, sendRaw, startTcp } from '../gateway/wire.ts';
import { startEcho } from '../helpers/echo.ts';
import { type LogLine, startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { codes, docs, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('logs.md');
const shown = readBlocks(text, 'json')
  .flatMap((block) => block.trim().split('\n'))
  .map((line) => JSON.parse(line) as LogLine);

/** Every line that the code can write besides that of a request, with its level. */
function linesOfCode(): Map<string, string> {
  const src = join(docs, '../src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const code = files.map((file) => readFileSync(join(src, file), 'utf8')).join('\n');
  const logged = [...code.matchAll(/logger\.(\w+)\(\{\s*msg: '([^']+)'/g)];
  const written = [...code.matchAll(/\{ level: '(\w+)', time: [^{}]+, msg: '([^']+)'/g)];
  return new Map([...logged, ...written].map(([, level = '', msg = '']) => [msg, level]));
}

t.test('the table has every line that there is, with its level', async (t) => {
  const documented = readTable(text, '`msg`', 'Level', 'When').map((row) => [
    codes(row['`msg`'] ?? '')[0],
    row.Level,
  ]);
  const found = linesOfCode();
  t.ok(found.size > 15);
  t.same(Object.fromEntries(documented), Object.fromEntries(found));
  t.same(
    new Set(shown.map(({ msg }) => msg)),
    new Set(['request', ...found.keys()]),
    'and the page shows each',
  );
});

/** Names and types at every level; of a list those of its first member. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each)]));
}

/** A sidecar to which all happens that the page shows; its lines. */
async function live(t: Test): Promise<readonly LogLine[]> {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const down = () => issuer.respond((_request, response) => response.writeHead(503).end());
  const cutting = await startTcp(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'));
  });
  const folder = t.testdir({ token: 'an-admin-token-of-32-bytes-or-so!!' });
  const cacheFile = join(folder, 'keys.json');
  const base: ConfigInput = {
    upstream: echo.url,
    upstreams: { dead: await deadUrl(), cutting: cutting.url },
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience, keys: { cacheFile } }],
    rules: [
      { name: 'admin', path: '/admin', scopes: ['orders:admin'] },
      { name: 'stock', path: '/stock', mode: 'report' },
      { name: 'tenants', path: '/tenants', claims: { tenant: { equals: 'a' } } },
      { name: 'legacy', path: '/legacy', auth: 'none', upstream: 'dead' },
      { name: 'exports', path: '/exports', auth: 'none', upstream: 'cutting' },
    ],
    log: { level: 'debug' },
    drain: { delay: 0, timeout: '1s' },
  };
  const clock = holdClock();
  const gateway = await startGateway(t, base, { clock });
  const mint: typeof issuer.mint = (options) => issuer.mint(options);
  const get = async (path: string, token: string) => {
    await gateway.get(path, token);
    await gateway.lineWhere((line) => line.path === path);
  };
  await gateway.lineWhere(({ msg }) => msg === 'keys.cacheFile written');
  const good = mint();
  for (const path of ['/x', '/admin', '/tenants', '/legacy', '/x?access_token=x'])
    await gateway.get(path, good);
  await gateway.request({ path: '/x', headers: { 'x-forwarded-for': '203.0.113.7' } });
  await gateway.get('/exports', good).catch(() => {});
  await gateway.lineWhere(({ path }) => path === '/exports');
  await gateway.get('/stock', mint({ claims: { aud: 'other' } }));
  await gateway.get('/x', mint({ claims: { exp: 1 } }));
  await sendRaw(gateway, ask('CONNECT a:80'));
  // More than are explained at once.
  for (let i = 0; i < 12; i++) await gateway.get('/x');
  clock.advance(1000);
  await gateway.get('/x');
  await gateway.lineWhere(({ leftOut }) => leftOut !== undefined);

  await issuer.rotate();
  await get('/1', mint());
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  issuer.publish([issuer.publicJwk(), { ...short, kid: 'short', alg: 'RS256' }]);
  await get('/2', mint({ header: { kid: 'k8' } }));
  down();
  await get('/3', mint({ header: { kid: 'k9' } }));
  gateway.server.toggleDebug();

  await gateway.reload({ ...base, log: { sample: 100 }, listen: { port: 1 } });
  await get('/4', mint());
  await gateway.reload({ ...base, log: { sample: 0 } }).catch(() => {});
  await gateway.server.drain();

  const blocking = await startGateway(t, {
    ...base,
    admin: { tokenFile: join(folder, 'token') },
    failureLimit: { max: 1 },
  });
  await blocking.get('/x', 'x');
  await request(blocking.admin, {
    method: 'DELETE',
    path: '/api/blocks/127.0.0.1',
    headers: { authorization: 'Bearer an-admin-token-of-32-bytes-or-so!!' },
  });
  const stale = await startGateway(t, base);
  writeFileSync(cacheFile, 'junk');
  const broken = await startGateway(t, base);
  return [gateway, blocking, stale, broken].flatMap(({ lines }) => lines);
}

t.test('the lines shown are such as a sidecar writes', async (t) => {
  const lines = await live(t);
  for (const line of shown) {
    // It takes 16 MiB of lines; a suite of its own brings it about.
    if (line.msg === 'log lines lost') continue;
    const same = lines.filter(({ msg, level }) => msg === line.msg && level === line.level);
    const shapes = same.map((each) => JSON.stringify(shapeOf(each)));
    t.ok(
      shapes.includes(JSON.stringify(shapeOf(line))),
      `${line.msg} ${line.reason ?? ''}: ${JSON.stringify(shapeOf(line))}`,
    );
  }
});
