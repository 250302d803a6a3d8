import t from 'tap';
import { complete } from '../../src/config/complete.ts';
import { formatPath } from '../../src/config/path.ts';

type Entries = Record<string, unknown>;

/** Every finding of a config that cannot be used. */
function faultsOf(config: unknown): string[] {
  return complete(config).faults.map(({ path }) => formatPath(path));
}

/** A config with a part of every kind, which has no fault. */
function whole(): Entries {
  return {
    listen: { port: 8080, headersTimeout: '10s', trustedProxies: ['10.0.0.0/8'] },
    admin: { port: 9090 },
    drain: { delay: '5s', timeout: '20s' },
    upstream: { url: 'http://127.0.0.1:3000', connectTimeout: '2s', setHeaders: { 'X-Key': 'a' } },
    upstreams: { billing: 'http://127.0.0.1:3001' },
    issuers: [
      {
        issuer: 'https://a.example',
        audience: 'api://a',
        algorithms: ['RS256'],
        clockTolerance: '5s',
        requiredClaims: ['sub'],
        claims: { tenant: { equals: 'x' } },
        keys: { refresh: '10m', maxStale: '24h' },
      },
      { issuer: 'https://b.example', audience: 'api://b', jwksUri: 'https://b.example/keys' },
    ],
    token: { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] },
    identity: { headers: { 'X-User': 'sub' } },
    rules: [
      { path: '/a/:id', upstream: 'billing', scopes: ['a'], methods: ['GET'], auth: 'required' },
      { path: '/b/*', issuers: ['https://a.example'], claims: { sub: { exists: true } } },
    ],
    unmatched: 'deny',
  };
}

/** Each breaks one thing, in the section that it names. */
const breaks: { name: string; fault: string; set(config: Entries, value?: unknown): void }[] = [
  at('upstream.url', 'ftp://x'),
  at('upstream.connectTimeout', '2 seconds'),
  at('upstream.setHeaders.Content-Length', '5', 'upstream.setHeaders.Content-Length'),
  at('upstream.nonsense', 1),
  at('upstreams.billing', 'http://u:p@127.0.0.1'),
  at('listen.headersTimeout', '10 s'),
  at('listen.trustedProxies', '10.0.0.0/8'),
  at('listen.prot', 1),
  at('admin.tokenFile', '/nonexistent/token'),
  at('admin.port', '9090'),
  at('drain.timeout', '1s'),
  at('issuers.0.issuer', 'https://a.example/.well-known/openid-configuration', 'issuers[0].issuer'),
  at('issuers.0.audience', undefined, 'issuers[0].audience'),
  at('issuers.0.algorithms', 'RS256', 'issuers[0].algorithms'),
  at('issuers.0.clockTolerance', '1d', 'issuers[0].clockTolerance'),
  at('issuers.0.requiredClaims.0', 'https://a.example/roles', 'issuers[0].requiredClaims[0]'),
  at('issuers.0.claims.tenant', {}, 'issuers[0].claims.tenant'),
  at('issuers.0.keys.maxStale', '1m', 'issuers[0].keys.maxStale'),
  at('issuers.1.jwksUri', 'http://b.example/keys', 'issuers[1].jwksUri'),
  at('issuers.1.tokenType', 'jwt', 'issuers[1].tokenType'),
  at('token.sources.1', { type: 'query', name: 'x' }, 'token.sources[1].type'),
  at('token.cache', { maxEntries: 'many' }, 'token.cache.maxEntries'),
  at('identity.headers.X_User', 'iss', 'identity.headers.X_User'),
  at('identity.headers.Content-Length', 'sub'),
  at('rules.0.path', 'a*', 'rules[0].path'),
  at('rules.0.upstream', 'nowhere', 'rules[0].upstream'),
  at('rules.0.scopes', 'a b', 'rules[0].scopes'),
  at('rules.0.auth', 'maybe', 'rules[0].auth'),
  at('rules.1.issuers.0', 'https://c.example', 'rules[1].issuers[0]'),
  at('rules.1.claims.sub', { matches: '(' }, 'rules[1].claims.sub'),
  at('rules.1.nonsense', 1, 'rules[1].nonsense'),
  at('rules.1.claims.tenant', { equal: 'a' }, 'rules[1].claims.tenant.equal'),
  at('mode', 'enforced'),
  at('unmatched', 'allow'),
  at('failureLimit', 0),
];

function at(place: string, value: unknown, fault = place) {
  const keys = place.split('.');
  return {
    name: `${place} = ${JSON.stringify(value)}`,
    fault,
    set(config: Entries) {
      const last = keys.at(-1) as string;
      const target = keys.slice(0, -1).reduce((part, key) => part[key] as Entries, config);
      if (value === undefined) delete target[last];
      else target[last] = structuredClone(value);
    },
  };
}

t.test('the whole config has no fault, and each break has exactly the one that it names', async (t) => {
  t.same(faultsOf(whole()), []);
  for (const { name, fault, set } of breaks) {
    const config = whole();
    set(config);
    t.same(faultsOf(config), [fault], name);
  }
});

t.test('no fault hides behind another: every pair of them is told', async (t) => {
  for (const [index, one] of breaks.entries()) {
    for (const other of breaks.slice(index + 1)) {
      const config = whole();
      one.set(config);
      other.set(config);
      const missing = [one.fault, other.fault].filter((fault) => !faultsOf(config).includes(fault));
      if (missing.length > 0) t.fail(`${one.name} and ${other.name}`, { missing, found: faultsOf(config) });
    }
  }
});

t.test('all of them together are told, and nothing of what was put in their place', async (t) => {
  const config = whole();
  for (const { set } of breaks) set(config);
  const found = new Set(faultsOf(config));
  // What is missing needs the value that another of them has broken.
  const resting = ['drain.timeout'].filter((fault) => !found.has(fault));
  t.same(
    breaks.map(({ fault }) => fault).filter((fault) => !found.has(fault)),
    resting,
  );
  t.same(
    [...found].filter((fault) => !breaks.some((each) => each.fault === fault)),
    [],
    'no fault of a placeholder',
  );
});

t.test('what was concluded from a broken value is not told', async (t) => {
  const of = (change: object) => faultsOf({ ...whole(), ...change });
  t.same(of({ listen: { port: 'x' }, admin: { port: 8080 } }), ['listen.port'], 'nothing of its default');
  t.same(of({ drain: { delay: 'x', timeout: '1s' } }), ['drain.delay']);
  const issuer = { issuer: 5, audience: 'a' };
  t.same(of({ issuers: [issuer], rules: [{ path: '/', issuers: ['https://a.example'] }] }), [
    'issuers[0].issuer',
  ]);
  const anyOf = [{ issuers: ['https://a.example'] }, { claims: { a: { equals: '{id}' } } }];
  t.same(of({ issuers: [issuer], rules: [{ path: '/', anyOf }] }), [
    'issuers[0].issuer',
    'rules[0].anyOf[1].claims.a',
  ]);
  t.same(of({ upstreams: 'x', rules: [{ path: '/', upstream: 'billing' }] }), ['upstreams']);
  t.same(of({ rules: [{ path: 5, claims: { a: { equals: '{id}' } } }] }), ['rules[0].path']);
  t.same(of({ issuers: [{ ...issuer, issuer: 'accounts', jwksUri: 5 }], rules: [] }), ['issuers[0].jwksUri']);
});

t.test('no config is too broken to be told so', async (t) => {
  for (const config of [null, 5, 'x', [], [1], true]) t.same(faultsOf(config), [''], JSON.stringify(config));
  t.same(faultsOf({}), ['upstream', 'issuers']);
  const odd = [null, 5, 'x', [], {}, [[]], [null], true, { a: 1 }, '', -1];
  for (const key of Object.keys(whole())) {
    for (const value of odd) {
      const one = { ...whole(), [key]: value };
      t.doesNotThrow(() => complete(one), `${key}: ${JSON.stringify(value)}`);
      const other = { ...one, nonsense: 1 };
      t.ok(faultsOf(other).includes('nonsense'), `${key}: ${JSON.stringify(value)}, and an unknown key`);
    }
  }
});
