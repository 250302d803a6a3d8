import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { run } from './command.ts';

const sound = `upstream: http://127.0.0.1:3000
issuers:
  - issuer: https://idp.example.com
    audience: api://orders
    maxLifetime: 1h
listen:
  host: 127.0.0.1
`;

t.test('a sound config', async (t) => {
  const cwd = t.testdir({
    'sidecar.yaml': sound,
    'sidecar.json': JSON.stringify({
      upstream: 'http://127.0.0.1:3000',
      issuers: [{ issuer: 'https://idp.example.com', audience: 'a', maxLifetime: '1h' }],
      listen: { host: '127.0.0.1' },
    }),
    config: { 'sidecar.yaml': sound },
  });
  for (const file of ['sidecar.yaml', 'sidecar.json']) {
    // Nothing else is said where there is nothing to say.
    const outcome = await run(t, ['check', '--config', file], { cwd });
    t.strictSame(outcome, { code: 0, stdout: `${file}: valid\n`, stderr: '' }, file);
  }
  t.match(
    await run(t, ['check'], { cwd }),
    { code: 0, stdout: /config\/sidecar\.yaml: valid/ },
    'found by itself',
  );
  const env = { SIDECAR_CONFIG: join(cwd, 'sidecar.json') };
  t.match(
    await run(t, ['check'], { cwd, env }),
    { code: 0, stdout: /sidecar\.json: valid/ },
    'by SIDECAR_CONFIG',
  );
});

t.test('every fault with its place, all at once', async (t) => {
  const cwd = t.testdir({
    'bad.yaml': `upstream: http://127.0.0.1:3000
issuers:
  - issuer: https://idp.example.com
    audiences: api://orders
    algorithms: [RS256, none]
    clockTolerance: 5 parsecs
listen:
  prot: 8080
rules:
  - path: public
    auth: maybe
    upstream: nowhere
`,
  });
  const { code, stdout, stderr } = await run(t, ['check', '--config', 'bad.yaml'], { cwd });
  t.match({ code, stdout }, { code: 2, stdout: '' });
  const places = {
    'issuers[0].audiences': '4:5',
    'issuers[0].algorithms[1]': '5:25',
    'issuers[0].clockTolerance': '6:21',
    'listen.prot': '8:3',
    'rules[0].auth': '11:11',
  };
  for (const [path, place] of Object.entries(places)) {
    const line = stderr.split('\n').find((each) => each.startsWith(`error: bad.yaml:${place} ${path}: `));
    t.ok(line, `${path} at ${place}`);
  }
  t.match(stderr, 'did you mean "port"?');
  t.match(stderr, /\nbad\.yaml: not valid, 8 errors, \d notes?\n$/, 'the last line counts them');
  t.notMatch(stderr, /^ {4}at /m, 'no stack');
});

t.test('what a config cannot be', async (t) => {
  const cwd = t.testdir({
    'empty.yaml': '',
    'text.yaml': 'hello',
    'list.yaml': '- a\n',
    'broken.yaml': 'upstream: [\n',
    'twice.yaml': 'upstream: http://a\nupstream: http://b\n',
    'broken.json': '{"upstream": ',
    'missing.yaml': `${sound}admin:\n  port: \${NOWHERE}\n`,
  });
  const names = [
    'empty.yaml',
    'text.yaml',
    'list.yaml',
    'broken.yaml',
    'twice.yaml',
    'broken.json',
    'missing.yaml',
    'none.yaml',
  ];
  const all = names.map(async (name) => {
    const { code, stdout, stderr } = await run(t, ['check', '--config', name], { cwd });
    t.match({ code, stdout }, { code: 2, stdout: '' }, name);
    t.match(stderr, /^error: /, name);
    t.match(stderr, name, `${name} is named`);
    t.notMatch(stderr, /^ {4}at |node_modules/m, `${name}: no stack`);
  });
  await Promise.all(all);
  t.match(await run(t, ['check'], { cwd }), { code: 2, stderr: /^error: .*there is no config/ });
});

t.test('warnings are no faults', async (t) => {
  const cwd = t.testdir({
    'warned.yaml':
      'upstream: http://127.0.0.1:3000\nissuers:\n  - issuer: https://idp.example.com\n    audience: null\n',
  });
  const env = { SIDECAR_NONSENSE: '1', SIDECAR_SERVICE_HOST: '10.0.0.1', SIDECAR_PORT: 'tcp://10.0.0.1:80' };
  const { code, stdout, stderr } = await run(t, ['check', '--config', 'warned.yaml'], { cwd, env });
  t.match({ code, stdout }, { code: 0, stdout: 'warned.yaml: valid, 2 warnings, 2 notes\n' });
  const lines = stderr.trimEnd().split('\n');
  t.match(lines, [
    /^warning: the variable SIDECAR_NONSENSE/,
    /^warning: warned\.yaml:4:\d+ issuers\[0\]\.audience/,
    /^note: warned\.yaml:1:1 listen\.trustedProxies/,
    /^note: warned\.yaml:3:5 issuers\[0\]\.maxLifetime/,
  ]);
  t.match(stderr, /warned\.yaml:4:\d+ issuers\[0\]\.audience/, 'with line and column');
  t.notMatch(stderr, /SIDECAR_SERVICE_HOST|SIDECAR_PORT/, 'what Kubernetes sets is ignored');
});

t.test('no secret shows', async (t) => {
  const cwd = t.testdir({ secret: 'Basic aHVzaA\n' });
  const headers = (value: string) => `  setHeaders: {Authorization: "${value}"}\n`;
  for (const [name, value] of [
    ['good.yaml', '${file:secret}'],
    ['bad.yaml', '${file:secret}\\n'],
    ['bad2.yaml', '${SECRET}\\u0000'],
  ] as const) {
    const yaml = sound
      .replace(/^upstream: (.*)\n/, `upstream:\n  url: $1\n`)
      .replace('issuers:', () => `${headers(value)}issuers:`);
    writeFileSync(join(cwd, name), yaml);
    const { stdout, stderr } = await run(t, ['check', '--config', name], {
      cwd,
      env: { SECRET: 'Basic aHVzaA' },
    });
    t.notMatch(stdout + stderr, 'aHVzaA', name);
  }
});

t.test('--online', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['RS256', 'ES256'] });
  issuer.publish([...issuer.keys.map(({ publicJwk }) => publicJwk), { kty: 'oct', k: 'AAAA' }]);
  const rsa = await startFakeIssuer(t, { algorithms: ['RS256'] });
  const own = createCertificate();
  const secure = await startFakeIssuer(t, { tls: own });
  const config = (upstream: string, from: string) =>
    `upstream: ${upstream}\nissuers:\n  - issuer: ${from}\n    audience: a\n    algorithms: [RS256, ES256]\n`;
  const cwd = t.testdir({
    'good.yaml': config(issuer.url, issuer.issuer),
    'dead.yaml': config('http://127.0.0.1:1', 'http://127.0.0.1:2'),
    'half.yaml': `${config(issuer.url, issuer.issuer)}upstreams:\n  billing: http://127.0.0.1:1\n`,
    'other.yaml': config(issuer.url, `${issuer.issuer}/other`),
    'stranger.yaml': config(secure.url, issuer.issuer),
    'algorithm.yaml': config(issuer.url, rsa.issuer).replace('[RS256, ES256]', '[ES256]'),
    'known.yaml': config(`{ url: "${secure.url}", tls: { caFile: ca.pem } }`, issuer.issuer),
    'ca.pem': own.cert,
  });
  const check = (file: string) => run(t, ['check', '--online', '--config', file], { cwd });
  const good = await check('good.yaml');
  t.equal(good.code, 0);
  t.equal(
    good.stdout,
    `ok: issuers[0]: 2 usable keys, 1 skipped\nok: upstream: ${new URL(issuer.url).host} accepts connections\ngood.yaml: valid, 2 notes\n`,
  );
  const dead = await check('dead.yaml');
  t.equal(dead.code, 2);
  t.match(
    dead.stdout,
    /^failed: issuers\[0\]: \S.*\nfailed: upstream: no connection to 127\.0\.0\.1:1: ECONNREFUSED \(nothing listens there\)\n$/,
  );
  const half = await check('half.yaml');
  t.equal(half.code, 2);
  t.match(half.stdout, /^ok: issuers\[0\].*\nok: upstream: .*\nfailed: upstreams\.billing: .*\n$/);
  const other = await check('other.yaml');
  t.equal(other.code, 2, 'metadata of another issuer');
  t.match(other.stdout, /^failed: issuers\[0\]: /);
  const stranger = await check('stranger.yaml');
  t.equal(stranger.code, 2, 'an upstream whose certificate the gateway would refuse');
  t.match(
    stranger.stdout,
    /^failed: upstream: no connection to 127\.0\.0\.1:\d+: DEPTH_ZERO_SELF_SIGNED_CERT \(its certificate/m,
  );
  t.equal((await check('known.yaml')).code, 0, 'and one that it would accept');
  const algorithm = await check('algorithm.yaml');
  t.equal(algorithm.code, 2, 'keys of another algorithm');
  t.match(algorithm.stdout, /^failed: issuers\[0\]: its keys are RS256; algorithms is \[ES256\]$/m);
  const { fetches } = issuer;
  const before = { ...fetches };
  await run(t, ['check', '--config', 'good.yaml'], { cwd });
  t.strictSame(fetches, before, 'without it nobody is asked');
});
