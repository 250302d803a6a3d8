import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { program } from '../helpers/program.ts';
import { run } from './command.ts';

async function world(t: Test) {
  const issuer = await startFakeIssuer(t);
  const config = join(
    t.testdir({
      'sidecar.yaml': JSON.stringify({
        upstream: 'http://127.0.0.1:1',
        issuers: [
          { issuer: issuer.issuer, audience: issuer.audience },
          { issuer: 'https://idp.example.invalid', audience: 'a' },
        ],
        rules: [{ name: 'orders', path: '/orders', methods: ['POST'], scopes: ['write'] }],
        unmatched: 'required',
      }),
    }),
    'sidecar.yaml',
  );
  return { issuer, config };
}

t.test('a token as an argument', async (t) => {
  const { issuer, config } = await world(t);
  const token = issuer.mint({ claims: { scope: 'read' } });
  const good = await run(t, ['explain', '--config', config, token]);
  t.equal(good.code, 0, good.stderr);
  t.match(good.stdout, /^GET \/: rule "default" \(auth required, upstream default\)\n/);
  t.match(good.stdout, /\npassed {7}its signature holds\n/);
  t.match(good.stdout, /\nallowed\n$/);
  t.equal(issuer.fetches.jwks, 1, 'the keys of its issuer are fetched');

  const denied = await run(t, [
    'explain',
    '--config',
    config,
    '--method',
    'POST',
    '--path',
    '/orders',
    token,
  ]);
  t.equal(denied.code, 1);
  t.match(denied.stdout, /\nfailed {7}it grants the scopes of the rule\n +reason: +scope_insufficient\n/);
  t.match(denied.stdout, /\ndenied: 403 scope_insufficient — The token does not grant .*\n$/);
  for (const { stdout, stderr } of [good, denied]) {
    for (const part of token.split('.'))
      t.notOk((stdout + stderr).includes(part), 'nothing of the token is printed');
  }
  const json = await run(t, ['explain', '--config', config, '--json', token]);
  t.match(JSON.parse(json.stdout), { allowed: true, steps: [{ check: 'method', outcome: 'passed' }] });
});

t.test('a token on standard input', async (t) => {
  const { issuer, config } = await world(t);
  for (const args of [[], ['-']]) {
    const child = spawn(process.execPath, [program, 'explain', '--config', config, ...args], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    child.stdin.end(`Bearer ${issuer.mint()}\n`);
    const [[code], stdout] = await Promise.all([once(child, 'close'), text(child.stdout)]);
    t.equal(code, 0);
    t.match(stdout, /allowed\n$/);
  }
});

t.test('keys that cannot be fetched', async (t) => {
  const { issuer, config } = await world(t);
  issuer.respond((_request, response) => response.writeHead(503).end());
  const { code, stdout } = await run(t, ['explain', '--config', config, issuer.mint()]);
  t.equal(code, 1);
  t.match(
    stdout,
    /\nfailed {7}its key is published by the issuer\n +reason: +keys_unavailable\n.*\n +got: .*answered 503/,
  );
});

t.test('the cache file of a running sidecar is left alone', async (t) => {
  const issuer = await startFakeIssuer(t);
  const folder = t.testdir({});
  const cacheFile = join(folder, 'keys.json');
  const config = join(folder, 'sidecar.yaml');
  const trust = { issuer: issuer.issuer, audience: issuer.audience, keys: { cacheFile } };
  writeFileSync(config, JSON.stringify({ upstream: 'http://127.0.0.1:1', issuers: [trust] }));
  t.equal((await run(t, ['explain', '--config', config, issuer.mint()])).code, 0);
  t.same(readdirSync(folder), ['sidecar.yaml'], 'not written');
});

t.test('what it cannot do anything with', async (t) => {
  const { config } = await world(t);
  for (const args of [
    ['explain', '--config', '/nowhere/sidecar.yaml', 'a'],
    ['explain', '--config', config, 'a', 'b'],
    ['explain', '--online'],
    ['run', '--method', 'GET'],
  ])
    t.equal((await run(t, args)).code, 2, args.join(' '));
  t.equal((await run(t, ['explain', '--config', config, 'nonsense'])).code, 1);
  const none = await run(t, ['explain', '--config', config]);
  t.match(none, { code: 1, stdout: /\ndenied: 401 token_missing — .*\n$/ }, 'nothing on standard input');
});
