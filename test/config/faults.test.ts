import t from 'tap';
import { completeConfig } from '../../src/config/complete.ts';
import { ConfigError } from '../../src/config/fault.ts';

const issuer = { issuer: 'https://idp.example.com', audience: 'api://orders' };
const base = { upstream: 'http://127.0.0.1:3000', issuers: [issuer] };

function check(input: object): { faults: string[]; warnings: string[]; notes: string[] } {
  const say = ({ path, message, hint }: { path: string; message: string; hint?: string }) =>
    `${path}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
  try {
    const { warnings, notes } = completeConfig(input as never);
    return { faults: [], warnings: warnings.map(say), notes: notes.map(say) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { faults, warnings, notes } = error;
    return { faults: faults.map(say), warnings: warnings.map(say), notes: notes.map(say) };
  }
}

t.test('faults, each with its path', async (t) => {
  const rule = (options: object) => ({ ...base, rules: [{ path: '/a/:id/*', ...options }] });
  const from = (options: object) => ({ ...base, issuers: [{ ...issuer, ...options }] });
  const cases: { name: string; config: object; fault: RegExp }[] = [
    { name: 'no upstream', config: { issuers: [issuer] }, fault: /^upstream: is missing/ },
    { name: 'no issuers', config: { ...base, issuers: [] }, fault: /^issuers: must not be empty/ },
    {
      name: 'no audience',
      config: { ...base, issuers: [{ issuer: 'https://a.example' }] },
      fault: /^issuers\[0\]\.audience: is missing/,
    },
    {
      name: 'a misspelled key',
      config: { ...base, failurelimit: {} },
      fault: /^failurelimit: unknown key \(did you mean "failureLimit"\?\)/,
    },
    {
      name: 'a key of another section',
      config: { ...base, port: 1 },
      fault: /^port: unknown key \(did you mean "listen.port"\?\)/,
    },
    {
      name: 'a key of an earlier version',
      config: { ...base, paths: { caseSensitive: false } },
      fault:
        /^paths\.caseSensitive: unknown key \(write `case: insensitive` for `caseSensitive: false`; for `true`, /,
    },
    { name: 'a key of a later version', config: { ...base, workers: 2 }, fault: /^workers: unknown key/ },
    {
      name: 'no duration',
      config: { ...base, drain: { delay: 'soon' } },
      fault: /^drain\.delay: must be a duration such as 30s.*got "soon"/,
    },
    {
      name: 'no such algorithm',
      config: from({ algorithms: ['RS257'] }),
      fault: /^issuers\[0\]\.algorithms\[0\]: must be one of RS256/,
    },
    {
      name: 'HS256',
      config: from({ algorithms: ['HS256'] }),
      fault: /HS256 and its like cannot be configured/,
    },
    { name: 'none', config: from({ algorithms: ['none'] }), fault: /"none" cannot be configured/ },
    {
      name: 'two sources of keys',
      config: from({ jwksUri: 'https://a.example', jwks: { keys: [] } }),
      fault: /^issuers\[0\]: exactly one of/,
    },
    {
      name: 'no source of keys',
      config: from({ discovery: false }),
      fault: /^issuers\[0\]: exactly one of.*there is none/,
    },
    {
      name: 'keys over http',
      config: from({ jwksUri: 'http://idp.example.com/jwks' }),
      fault: /must be https/,
    },
    {
      name: 'discovery without a URL',
      config: from({ issuer: 'accounts' }),
      fault: /^issuers\[0\]\.issuer: must be a URL/,
    },
    {
      name: 'a private key inline',
      config: from({ jwks: { keys: [{ kty: 'RSA', d: 'secret' }] } }),
      fault: /^issuers\[0\]\.jwks\.keys\[0\]: is not a public key/,
    },
    {
      name: 'a symmetric key inline',
      config: from({ jwks: { keys: [{ kty: 'oct', k: 'secret' }] } }),
      fault: /is not a public key/,
    },
    {
      name: 'a cache file for two issuers',
      config: {
        ...base,
        issuers: ['https://a.example', 'https://b.example'].map((name) => ({
          ...issuer,
          issuer: name,
          keys: { cacheFile: '/tmp/x' },
        })),
      },
      fault: /^issuers\[1\]\.keys\.cacheFile: is that of another issuer/,
    },
    {
      name: 'an issuer twice',
      config: { ...base, issuers: [issuer, { ...issuer, audience: 'x' }] },
      fault: /^issuers\[1\]\.issuer: is configured twice/,
    },
    {
      name: 'short RSA keys',
      config: from({ minRsaBits: 1024 }),
      fault: /^issuers\[0\]\.minRsaBits: must be a whole number from 2048/,
    },
    {
      name: 'refresh under a second',
      config: from({ keys: { refresh: '200ms' } }),
      fault: /^issuers\[0\]\.keys\.refresh: must be at least 1s, got "200ms"$/,
    },
    {
      name: 'credentials in an upstream',
      config: { ...base, upstream: 'http://u:p@127.0.0.1' },
      fault: /^upstream(\.url)?: must be an http or https URL[^@]*$/,
    },
    {
      name: 'an address where TLS has a name',
      config: { ...base, upstream: { url: 'https://orders.example', tls: { serverName: '10.0.0.1' } } },
      fault: /^upstream\.tls\.serverName: must be a name, not an address$/,
    },
    {
      name: 'another scheme',
      config: { ...base, upstream: 'ftp://127.0.0.1' },
      fault: /^upstream(\.url)?: must be an http or https URL/,
    },
    {
      name: 'a rule for an unknown upstream',
      config: rule({ upstream: 'billing' }),
      fault: /^rules\[0\]\.upstream: is not one of upstreams/,
    },
    {
      name: 'a rule for an unknown issuer',
      config: rule({ issuers: ['https://b.example'] }),
      fault: /^rules\[0\]\.issuers\[0\]: is not one of issuers/,
    },
    {
      name: 'a bad path',
      config: { ...base, rules: [{ path: '/a*' }] },
      fault: /^rules\[0\]\.path: .*"\*" may only be/,
    },
    {
      name: 'a bad claim path',
      config: rule({ claims: { 'a..b': { equals: 1 } } }),
      fault: /^rules\[0\]\.claims/,
    },
    { name: 'an empty matcher', config: rule({ claims: { a: {} } }), fault: /^rules\[0\]\.claims\.a/ },
    {
      name: 'a bad expression',
      config: rule({ claims: { a: { matches: '(' } } }),
      fault: /^rules\[0\]\.claims\.a: .*RE2/,
    },
    {
      name: 'an unknown parameter',
      config: rule({ claims: { a: { equals: '{tenant}' } } }),
      fault: /needs the parameter "tenant"/,
    },
    {
      name: 'scopes without a token',
      config: rule({ auth: 'none', scopes: ['x'] }),
      fault: /^rules\[0\]\.auth: is none/,
    },
    {
      name: 'a prefix of another path',
      config: rule({ stripPrefix: '/b' }),
      fault: /^rules\[0\]\.stripPrefix/,
    },
    {
      name: 'a method in lower case',
      config: rule({ methods: ['get'] }),
      fault: /^rules\[0\]\.methods\[0\]: must be a method in upper case/,
    },
    {
      name: 'one name twice',
      config: {
        ...base,
        rules: [
          { name: 'a', path: '/a' },
          { name: 'a', path: '/b' },
        ],
      },
      fault: /^rules\[1\]\.name/,
    },
    {
      name: 'an identity header that frames',
      config: { ...base, identity: { headers: { 'Content-Length': 'sub' } } },
      fault: /^identity\.headers(\.Content-Length|\["Content-Length"\])/,
    },
    {
      name: 'two spellings of one header',
      config: { ...base, identity: { headers: { 'X-User': 'sub', X_User: 'iss' } } },
      fault: /is the name of another identity header/,
    },
    {
      name: 'a line break in a header',
      config: { ...base, upstream: { url: 'http://127.0.0.1', setHeaders: { 'X-A': 'a\r\nb' } } },
      fault: /^upstream\.setHeaders\.X-A: must be a header value$/,
    },
    {
      name: 'a bad network',
      config: { ...base, listen: { trustedProxies: ['10.0.0.0/33'] } },
      fault: /^listen\.trustedProxies\[0\]: must be an address or a CIDR/,
    },
    {
      name: 'one port twice',
      config: { ...base, admin: { port: 8080 } },
      fault: /^admin\.port: must be another one/,
    },
    {
      name: 'an admin token that is required and is none',
      config: { ...base, admin: { tokenRequired: true } },
      fault: /^admin\.tokenFile: is needed with tokenRequired/,
    },
    {
      name: 'a drain that ends before it begins',
      config: { ...base, drain: { delay: '30s' } },
      fault: /^drain\.timeout: must be longer/,
    },
    {
      name: 'TLS without a key',
      config: { ...base, listen: { tls: { certFile: '/x' } } },
      fault: /^listen\.tls\.keyFile: is missing/,
    },
    {
      name: 'a source twice',
      config: { ...base, token: { sources: [{ type: 'bearer' }, { type: 'bearer' }] } },
      fault: /^token\.sources/,
    },
    {
      name: 'a source of no type',
      config: { ...base, token: { sources: [{ type: 'query', name: 'x' }] } },
      fault: /^token\.sources\[0\]/,
    },
    {
      name: 'an origin with a path',
      config: { ...base, token: { allowedOrigins: ['https://a.example/x'] } },
      fault: /^token\.allowedOrigins\[0\]: must be an origin/,
    },
  ];
  for (const { name, config, fault } of cases) {
    const { faults } = check(config);
    t.ok(
      faults.some((each) => fault.test(each)),
      name,
      { faults, fault: String(fault) },
    );
  }
});

t.test('all at once', async (t) => {
  const { faults } = check({
    ...base,
    port: 1,
    listen: { headersTimeout: 'x' },
    rules: [{ path: '/a*', upstream: 'x', upstrem: 'y' }],
  });
  t.equal(faults.length, 5, faults.join('\n'));
});

t.test('no secret is repeated', async (t) => {
  const secret = 'hunter2\n';
  const { faults } = check({
    ...base,
    upstream: { url: 'http://127.0.0.1', setHeaders: { Authorization: secret, 'X-B': 5 } },
  });
  t.ok(faults.length > 0);
  t.notMatch(faults.join(), /hunter2/);
});

t.test('warnings', async (t) => {
  const cases: { name: string; config: object; warning: RegExp }[] = [
    {
      name: 'audience null',
      config: { ...base, issuers: [{ ...issuer, audience: null }] },
      warning: /^issuers\[0\]\.audience: is not checked/,
    },
    { name: 'report mode', config: { ...base, mode: 'report' }, warning: /^mode: is report/ },
    {
      name: 'keys over http',
      config: { ...base, issuers: [{ ...issuer, keys: { allowInsecureHttp: true } }] },
      warning: /allowInsecureHttp/,
    },
    {
      name: 'a rule in the shadow',
      config: { ...base, rules: [{ path: '/*' }, { path: '/a' }] },
      warning: /^rules\[1\]: never decides/,
    },
    {
      name: 'nothing verified',
      config: { ...base, rules: [{ path: '/*', auth: 'none' }] },
      warning: /^rules\[0\]\.auth/,
    },
    {
      name: 'cacheFile',
      config: { ...base, issuers: [{ ...issuer, jwks: { keys: [] }, keys: { cacheFile: '/tmp/x' } }] },
      warning: /cacheFile: is not used/,
    },
  ];
  for (const { name, config, warning } of cases) {
    const { faults, warnings } = check(config);
    t.same(faults, [], name);
    t.ok(
      warnings.some((each) => warning.test(each)),
      name,
      { warnings },
    );
  }
  const quiet = check({
    ...base,
    listen: { host: '127.0.0.1' },
    issuers: [{ ...issuer, maxLifetime: '1h' }],
  });
  t.same(quiet, { faults: [], warnings: [], notes: [] }, 'nothing to say of a careful config');
});

t.test('the smallest config gives advice and no warning', async (t) => {
  const { faults, warnings, notes } = check(base);
  t.same({ faults, warnings }, { faults: [], warnings: [] });
  t.match(notes, [/^listen\.trustedProxies: is empty/, /^issuers\[0\]\.maxLifetime: is best at most 1h/]);
});

t.test('a note says where the client chooses the service', async (t) => {
  const notesOf = (config: object) =>
    check({ ...base, ...config })
      .notes.filter((note) => note.includes('preserveHost'))
      .map((note) => note.split(':', 1)[0]);
  t.same(notesOf({ upstream: 'http://orders.shop.svc:8080' }), ['upstream.preserveHost']);
  t.same(notesOf({ upstreams: { b: 'https://10.0.0.1', c: 'http://[::1]:1' } }), [
    'upstreams.b.preserveHost',
  ]);
  t.same(notesOf({ upstream: { url: 'http://orders.shop.svc', preserveHost: false } }), []);
  for (const url of ['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1', 'http://app.localhost:1'])
    t.same(notesOf({ upstream: url }), [], url);
});

t.test('defaults and units', async (t) => {
  const { config } = completeConfig({
    ...base,
    listen: { headersTimeout: 2.5, maxBodySize: '4MiB' },
    drain: { timeout: '1m' },
  });
  t.equal(config.listen.headersTimeout, 2500);
  t.equal(config.listen.maxBodySize, 4 * 1024 * 1024);
  t.equal(config.drain.timeout, 60_000);
  t.equal(config.upstream.url, base.upstream);
  t.same(config.issuers[0]?.audience, ['api://orders'], 'one audience is a list of one');
  t.equal(completeConfig({ ...base, failureLimit: null }).config.failureLimit, null, 'null switches off');
  t.strictSame(
    Object.keys(
      completeConfig({ ...base, identity: { headers: { 'X-User': 'sub' } } }).config.identity.headers,
    ),
    ['X-User'],
    'a map replaces the default one',
  );
  t.equal(
    completeConfig({ ...base, issuers: [{ ...issuer, jwksUri: 'https://a.example/jwks' }] }).config.issuers[0]
      ?.discovery,
    false,
  );
  t.ok(Object.isFrozen(config) && Object.isFrozen(config.issuers[0]) && Object.isFrozen(config.token.cache));
});
