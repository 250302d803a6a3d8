import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, formatFault } from '../../src/config/fault.ts';
import { type LoadOptions, loadConfig } from '../../src/config/load.ts';

const minimal =
  'upstream: http://127.0.0.1:3000\nissuers:\n  - issuer: https://idp.example.com\n    audience: api://orders\n';
const three = {
  SIDECAR_UPSTREAM: 'http://127.0.0.1:3000',
  SIDECAR_ISSUER: 'https://idp.example.com',
  SIDECAR_AUDIENCE: 'api://orders',
};

function faultsOf(options: Partial<LoadOptions>): string[] {
  try {
    loadConfig({ env: {}, cwd: '/nonexistent', ...options });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(formatFault);
  }
}

t.test('where it is looked for', async (t) => {
  const cwd = t.testdir({
    'a.yaml': minimal,
    'large.yaml': `${minimal}# ${'x'.repeat(1024 * 1024)}`,
    'b.json': JSON.stringify({
      upstream: 'http://127.0.0.1:4000',
      issuers: [{ issuer: 'https://b.example', audience: 'b' }],
    }),
  });
  mkdirSync(join(cwd, 'config'));
  t.equal(
    loadConfig({ file: 'a.yaml', env: { SIDECAR_CONFIG: 'b.json' }, cwd }).source,
    'a.yaml',
    '--config first',
  );
  t.equal(
    loadConfig({ env: { SIDECAR_CONFIG: 'b.json' }, cwd }).config.upstream.url,
    'http://127.0.0.1:4000',
    'then SIDECAR_CONFIG; JSON will do',
  );
  t.match(faultsOf({ file: 'c.yaml', cwd })[0], /^c\.yaml: cannot be read \(ENOENT\)/);
  t.match(faultsOf({ file: 'large.yaml', cwd })[0], /^large\.yaml: is larger than 1 MiB/);
  t.match(
    faultsOf({ cwd })[0],
    /there is no config.*SIDECAR_UPSTREAM, SIDECAR_ISSUER and SIDECAR_AUDIENCE are enough/,
  );
  const usual = t.testdir({ config: { 'sidecar.yaml': minimal } });
  t.equal(loadConfig({ env: {}, cwd: usual }).source, 'config/sidecar.yaml');
});

t.test('three variables are enough', async (t) => {
  const { config, source } = loadConfig({ env: three, cwd: '/nonexistent' });
  t.equal(source, 'environment');
  t.equal(config.upstream.url, three.SIDECAR_UPSTREAM);
  t.same(config.issuers[0]?.audience, ['api://orders']);
  t.match(faultsOf({ env: { SIDECAR_UPSTREAM: 'http://127.0.0.1:1' } }).join(), /issuers: is missing/);
});

t.test('variables over the file', async (t) => {
  const cwd = t.testdir({ 'a.yaml': minimal });
  const load = (env: Record<string, string>) => loadConfig({ file: 'a.yaml', env, cwd });
  const { config, warnings } = load({
    SIDECAR_LISTEN__PORT: '8081',
    SIDECAR_FAILURE_LIMIT__MAX: '50',
    SIDECAR_ISSUERS__0__AUDIENCE: 'api://billing',
    SIDECAR_ISSUERS__0__KEYS__REFRESH: '1m',
    SIDECAR_PATHS__CASE: 'insensitive',
    SIDECAR_UPSTREAM__CONNECT_TIMEOUT: '250ms',
    SIDECAR_IDENTITY__FORWARD_TOKEN: 'true',
    SIDECAR_LISTEN__MAX_BODY_SIZE: 'null',
    SIDECAR_RULES__0__PATH: '/a/*',
    SIDECAR_TOKEN__SOURCES__0__TYPE: 'cookie',
    SIDECAR_TOKEN__SOURCES__0__NAME: 'session',
  });
  t.equal(config.listen.port, 8081);
  t.equal(config.failureLimit?.max, 50);
  t.same(config.issuers[0]?.audience, ['api://billing']);
  t.equal(config.issuers[0]?.keys.refresh, 60_000);
  t.equal(config.paths.case, 'insensitive');
  t.equal(config.upstream.connectTimeout, 250);
  t.equal(config.upstream.url, 'http://127.0.0.1:3000', 'beside the short form in the file');
  t.equal(config.identity.forwardToken, true);
  t.equal(config.rules[0]?.path, '/a/*');
  t.same(config.token.sources, [{ type: 'cookie', name: 'session' }]);
  t.notOk(warnings.some(({ message }) => message.includes('sets nothing')));

  const odd = load({
    SIDECAR_LISTEN__PROT: '1',
    SIDECAR_PORT: 'tcp://10.0.0.1:80',
    SIDECAR_SERVICE_HOST: '10.0.0.1',
    SIDECAR_PORT_80_TCP_ADDR: '10.0.0.1',
    SIDECAR_LISTEN: 'x',
  });
  const said = odd.warnings.map(formatFault).filter((each) => each.includes('SIDECAR_'));
  t.same(
    said,
    [
      'the variable SIDECAR_LISTEN sets nothing — did you mean SIDECAR_LISTEN__HOST?',
      'the variable SIDECAR_LISTEN__PROT sets nothing — did you mean SIDECAR_LISTEN__PORT?',
    ].sort(),
    'those of Kubernetes are nobody’s fault',
  );
  const hints: Readonly<Record<string, RegExp>> = {
    SIDECAR_FOO: /sets nothing$/,
    SIDECAR_X: /sets nothing$/,
    SIDECAR_: /sets nothing$/,
    SIDECAR_HOME_DIRECTORY: /sets nothing$/,
    SIDECAR_UPSTREM: /did you mean SIDECAR_UPSTREAM\?$/,
    SIDECAR_AUDIENCES: /did you mean SIDECAR_AUDIENCE\?$/,
    SIDECAR_LOG_LEVEL: /did you mean SIDECAR_LOG__LEVEL\?$/,
    SIDECAR_FAILURELIMIT__MAX: /did you mean SIDECAR_FAILURE_LIMIT__MAX\?$/,
  };
  for (const [name, hint] of Object.entries(hints)) {
    const [first] = load({ [name]: 'x' }).warnings.map(formatFault);
    t.match(first, new RegExp(`^the variable ${name} `), name);
    t.match(first, hint, `${name}: only what is near`);
  }
  t.match(
    faultsOf({ file: 'a.yaml', cwd, env: { SIDECAR_LISTEN__PORT: 'http' } })[0],
    /^listen\.port: must be a whole number from 0 to 65535 \(set by SIDECAR_LISTEN__PORT\)/,
  );
});

t.test('interpolation', async (t) => {
  const cwd = t.testdir({
    'c.yaml': `${minimal}identity: { payloadHeader: "\${constructor}" }\n`,
    secret: '  Basic c2VjcmV0  \n',
    'a.yaml': `${minimal}listen: { port: "\${PORT}" }\nidentity: { payloadHeader: "X-$\${A}" }\n`,
    'b.yaml':
      'upstream: { url: "http://${HOST}:3000", setHeaders: { Authorization: "${file:secret}" } }\nissuers: [{ issuer: https://idp.example.com, audience: "${AUD}" }]\n',
  });
  const { config } = loadConfig({ file: 'b.yaml', env: { HOST: '127.0.0.1', AUD: 'a: [b]' }, cwd });
  t.equal(config.upstream.url, 'http://127.0.0.1:3000');
  t.equal(config.upstream.setHeaders.Authorization, 'Basic c2VjcmV0', 'a file’s trimmed content');
  t.same(config.issuers[0]?.audience, ['a: [b]'], 'a value never becomes structure');
  t.match(faultsOf({ file: 'a.yaml', env: {}, cwd }), [
    /^a\.yaml:5:17 listen\.port: the environment has no PORT$/,
    /identity\.payloadHeader: must be a header name/,
  ]);
  t.match(
    faultsOf({ file: 'c.yaml', cwd })[0],
    /the environment has no constructor/,
    'nor is anything inherited',
  );
  t.equal(faultsOf({ file: 'a.yaml', env: { PORT: '8081' }, cwd }).length, 1, 'a number where one is wanted');
  t.match(
    faultsOf({ file: 'a.yaml', env: { PORT: 'hunter2' }, cwd }).join('\n'),
    /listen\.port: must be a whole number/,
  );
  t.notMatch(
    faultsOf({ file: 'a.yaml', env: { PORT: 'hunter2' }, cwd }).join('\n'),
    /hunter2/,
    'what came from outside is not repeated',
  );
});

t.test('places in the file', async (t) => {
  const cwd = t.testdir({
    'a.yaml':
      'upstream: http://127.0.0.1:3000\nissuers:\n  - issuer: https://idp.example.com\n    audiences: x\nlisten:\n  port: high\n',
    'b.json':
      '{\n  "upstream": "http://127.0.0.1:3000",\n  "issuers": [{ "issuer": "https://a.example", "audience": "a", "typ": 1 }]\n}',
    'f.yaml': '',
  });
  t.same(
    faultsOf({ file: 'a.yaml', cwd }),
    [
      'a.yaml:3:5 issuers[0].audience: is missing',
      'a.yaml:4:5 issuers[0].audiences: unknown key — did you mean "audience"?',
      'a.yaml:6:9 listen.port: must be a whole number from 0 to 65535, got "high"',
    ],
    'in the order of the file',
  );
  t.match(faultsOf({ file: 'b.json', cwd })[0], /^b\.json:3:\d+ issuers\[0\]\.typ: unknown key/);
  t.ok(faultsOf({ file: 'f.yaml', cwd }).length > 0, 'an empty file configures nothing');
});
