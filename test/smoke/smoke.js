// The built program on whatever Node runs this file: no types, no test runner, nothing but dist and jose.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
let passed = 0;
let failed = 0;
function check(name, ok) {
  process.stdout.write(`${ok ? 'ok' : 'not ok'} ${passed + failed + 1} - ${name}\n`);
  if (ok) passed++;
  else failed++;
}

async function listen(handler) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

const { privateKey, publicKey } = await generateKeyPair('RS256');
const jwk = { ...(await exportJWK(publicKey)), kid: 'smoke', alg: 'RS256', use: 'sig' };
const issuer = await listen((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
const upstream = await listen((request, response) => {
  response.end(JSON.stringify({ url: request.url, subject: request.headers['x-verified-subject'] }));
});
const token = await new SignJWT({ scope: 'orders:read' })
  .setProtectedHeader({ alg: 'RS256', kid: 'smoke' })
  .setIssuer(issuer.url)
  .setAudience('api://orders')
  .setSubject('alice')
  .setExpirationTime('5m')
  .sign(privateKey);

const folder = mkdtempSync(join(tmpdir(), 'smoke-'));
const file = join(folder, 'sidecar.json');
writeFileSync(
  file,
  JSON.stringify({
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    upstream: upstream.url,
    issuers: [{ issuer: issuer.url, audience: 'api://orders', jwksUri: `${issuer.url}/jwks` }],
    drain: { delay: 0, timeout: 5 },
  }),
);

const child = spawn(process.execPath, [cli, 'run', '--config', file], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(child, 'exit');
try {
  let base = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.msg !== 'listening') continue;
    base = `http://127.0.0.1:${event.port}`;
    const admin = `http://127.0.0.1:${event.adminPort}`;
    let ready = 503;
    for (let i = 0; i < 50 && ready !== 200; i++) ready = (await fetch(`${admin}/readyz`)).status;
    check('becomes ready', ready === 200);
    const refused = await fetch(`${base}/x`);
    check('no token: 401', refused.status === 401 && (await refused.json()).code === 'token_missing');
    const allowed = await fetch(`${base}/x?y=1`, { headers: { authorization: `Bearer ${token}` } });
    const seen = await allowed.json();
    check(
      'a token: 200 with the subject',
      allowed.status === 200 && seen.subject === 'alice' && seen.url === '/x?y=1',
    );
    const forged = await fetch(`${base}/x`, {
      headers: { authorization: `Bearer ${token.slice(0, -8)}AAAAAAAA` },
    });
    check('a forged token: 401', forged.status === 401 && (await forged.json()).code === 'signature_invalid');
    check(
      'metrics',
      (await (await fetch(`${admin}/metrics`)).text()).includes('jwks_sidecar_requests_total'),
    );
    const page = await (await fetch(`${admin}/`, { headers: { accept: 'text/html' } })).text();
    check('the status page', page.startsWith('<!doctype html>') && page.includes('<b>Ready</b>'));
    break;
  }
  child.stdout.resume();
  child.kill('SIGTERM');
  const [code] = await exited;
  check('SIGTERM drains and exits 0', code === 0);
} finally {
  child.kill('SIGKILL');
  issuer.server.close();
  upstream.server.close();
  rmSync(folder, { recursive: true });
}
process.stdout.write(
  `1..${passed + failed}\n# { total: ${passed + failed}, pass: ${passed}, fail: ${failed} }\n`,
);
process.exit(failed === 0 ? 0 : 1);
