import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { TestGateway } from '../helpers/gateway.ts';
import { request } from '../helpers/request.ts';
import { bearer, type Scene, startScene } from './scene.ts';
import { ask, deadUrl, sendRaw } from './wire.ts';

const prefix = 'jwks_sidecar_';
const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const verification = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01];

/** Section 7 of the contract, written down a second time: names and labels, and the buckets of histograms. */
const promised: Readonly<Record<string, { labels?: readonly string[]; buckets?: readonly number[] }>> = {
  requests_total: { labels: ['rule', 'method', 'status'] },
  request_duration_seconds: { labels: ['rule'], buckets: durations },
  upstream_duration_seconds: { labels: ['upstream'], buckets: durations },
  refusals_total: { labels: ['reason'] },
  decisions_total: { labels: ['decision', 'reason', 'issuer'] },
  verification_duration_seconds: { labels: ['source'], buckets: verification },
  token_cache_hits_total: {},
  token_cache_misses_total: {},
  token_cache_evictions_total: {},
  token_cache_entries: {},
  token_cache_bytes: {},
  jwks_fetches_total: { labels: ['issuer', 'result', 'trigger'] },
  jwks_fetch_duration_seconds: { labels: ['issuer'], buckets: durations },
  jwks_keys: { labels: ['issuer'] },
  jwks_skipped_keys: { labels: ['issuer'] },
  jwks_last_success_timestamp_seconds: { labels: ['issuer'] },
  jwks_stale: { labels: ['issuer'] },
  failure_limit_blocks_total: {},
  failure_limit_blocked_clients: {},
  config_reloads_total: { labels: ['result'] },
  config_last_reload_timestamp_seconds: {},
  mode: { labels: ['mode'] },
  websockets_open: {},
  build_info: { labels: ['version', 'node'] },
};

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

async function scrape(gateway: TestGateway): Promise<Sample[]> {
  const lines = (await gateway.metrics()).split('\n').filter((line) => line.startsWith(prefix));
  return lines.map((line) => {
    const [, name = '', labels = '', value = ''] = /^\w+?_sidecar_(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

/** What changed, by sample, without what depends on time: an issuer that is down is asked again in the background. */
async function changes(
  gateway: TestGateway,
  down: string,
  action: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const read = async () => {
    const samples = (await scrape(gateway)).filter(
      ({ name, labels }) =>
        !/_(sum|bucket|bytes|timestamp_seconds)$/.test(name) &&
        !(name.startsWith('jwks_fetch') && labels.issuer === down),
    );
    return new Map(
      samples.map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(' '), value]),
    );
  };
  const before = await read();
  await action();
  const after = await read();
  const changed = [...after].filter(([key, value]) => value !== (before.get(key) ?? 0));
  return Object.fromEntries(changed.map(([key, value]) => [key, value - (before.get(key) ?? 0)]));
}

const config = {
  rules: [
    { name: 'open', path: '/open/*', auth: 'none' },
    { path: '/indexed/*', auth: 'none' },
    { name: 'reported', path: '/reported', mode: 'report', scopes: ['none:such'] },
    { name: 'dead', path: '/dead', auth: 'none', upstream: 'dead' },
  ],
  failureLimit: { max: 3 },
} satisfies Partial<ConfigInput>;

async function start(t: Test): Promise<Scene & { readonly down: string }> {
  const down = await deadUrl();
  const dead = { issuer: down, audience: 'a', keys: { refresh: '1h' } } as const;
  const scene = await startScene(t, { ...config, upstreams: { dead: down } }, { others: [dead] });
  return { ...scene, down };
}

t.test('every metric has its labels and buckets, and there is no other', async (t) => {
  const { gateway, issuer } = await start(t);
  const token = issuer.mint();
  for (const path of ['/x', '/x', '/open/x']) t.equal((await gateway.get(path, token)).status, 200);
  t.equal((await gateway.get('/x')).status, 401);
  const samples = await scrape(gateway);
  const found = new Set(samples.map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')));
  t.strictSame([...found].sort(), Object.keys(promised).sort());
  for (const [name, { labels = [], buckets }] of Object.entries(promised)) {
    const own = samples.filter((sample) => sample.name.replace(/_(bucket|sum|count)$/, '') === name);
    for (const sample of own) {
      const names = Object.keys(sample.labels).filter((each) => each !== 'le');
      t.strictSame(names.sort(), [...labels].sort(), sample.name);
    }
    if (buckets === undefined) continue;
    const first = own.find((sample) => sample.name.endsWith('_bucket'))?.labels ?? {};
    const bounds = own
      .filter(
        (each) =>
          each.name.endsWith('_bucket') && labels.every((label) => each.labels[label] === first[label]),
      )
      .map((each) => Number(each.labels.le?.replace('+Inf', 'Infinity')));
    t.strictSame(bounds, [...buckets, Number.POSITIVE_INFINITY], name);
  }
  const text = await gateway.metrics();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_seconds',
  ])
    t.match(text, `\n${name} `, 'Node’s own');
});

t.test('what one request changes', async (t) => {
  const { gateway, issuer, down } = await start(t);
  const name = issuer.issuer;
  const token = issuer.mint();
  const { publicJwk, ...rest } = issuer.signingKey;
  const forged = () => `${issuer.mint().slice(0, -6)}AAAAAA`;
  const steps: readonly {
    name: string;
    act: () => Promise<unknown>;
    changed: Readonly<Record<string, number>>;
  }[] = [
    {
      name: 'a token that is new',
      act: () => gateway.get('/x', token),
      changed: {
        'requests_total default GET 200': 1,
        'request_duration_seconds_count default': 1,
        'upstream_duration_seconds_count default': 1,
        [`decisions_total allow ok ${name}`]: 1,
        'verification_duration_seconds_count signature': 1,
        token_cache_misses_total: 1,
        token_cache_entries: 1,
      },
    },
    {
      name: 'a token that is known',
      act: () => gateway.request({ method: 'POST', path: '/y?z', headers: bearer(token) }),
      changed: {
        'requests_total default POST 200': 1,
        'request_duration_seconds_count default': 1,
        'upstream_duration_seconds_count default': 1,
        [`decisions_total allow ok ${name}`]: 1,
        'verification_duration_seconds_count cache': 1,
        token_cache_hits_total: 1,
      },
    },
    {
      name: 'no token',
      act: () => gateway.get('/x'),
      changed: {
        'requests_total default GET 401': 1,
        'request_duration_seconds_count default': 1,
        'refusals_total token_missing': 1,
        'decisions_total deny token_missing none': 1,
      },
    },
    {
      name: 'no token needed, at a rule with a name',
      act: () => gateway.request({ path: '/open/x', method: 'PROPFIND' }),
      changed: {
        'requests_total open PROPFIND 200': 1,
        'request_duration_seconds_count open': 1,
        'upstream_duration_seconds_count default': 1,
        'decisions_total allow ok none': 1,
      },
    },
    {
      name: 'and at one without',
      act: () => gateway.get('/indexed/x'),
      changed: {
        'requests_total 1 GET 200': 1,
        'request_duration_seconds_count 1': 1,
        'upstream_duration_seconds_count default': 1,
        'decisions_total allow ok none': 1,
      },
    },
    {
      name: 'a refusal that is only reported',
      act: () => gateway.get('/reported', token),
      changed: {
        'requests_total reported GET 200': 1,
        'request_duration_seconds_count reported': 1,
        'upstream_duration_seconds_count default': 1,
        [`decisions_total report scope_insufficient ${name}`]: 1,
        'verification_duration_seconds_count cache': 1,
        token_cache_hits_total: 1,
      },
    },
    {
      name: 'an upstream that is down',
      act: () => gateway.get('/dead'),
      changed: {
        'requests_total dead GET 502': 1,
        'request_duration_seconds_count dead': 1,
        'refusals_total upstream_unreachable': 1,
        'decisions_total allow ok none': 1,
      },
    },
    {
      name: 'a path that is none',
      act: () => gateway.get('/open/../x'),
      changed: {
        'requests_total default GET 400': 1,
        'request_duration_seconds_count default': 1,
        'refusals_total path_ambiguous': 1,
        'decisions_total deny path_ambiguous none': 1,
      },
    },
    {
      name: 'what is no request',
      act: () => sendRaw(gateway, ask('FROB /x')),
      changed: {
        'requests_total default OTHER 400': 1,
        'refusals_total request_malformed': 1,
        'decisions_total deny request_malformed none': 1,
      },
    },
    {
      name: 'CONNECT',
      act: () => sendRaw(gateway, ask('CONNECT a:80')),
      changed: {
        'requests_total default OTHER 405': 1,
        'refusals_total method_not_allowed': 1,
        'decisions_total deny method_not_allowed none': 1,
      },
    },
    {
      name: 'a key that nobody knows',
      act: () => gateway.get('/x', issuer.mint({ key: { ...rest, publicJwk, kid: 'unheard of' } })),
      changed: {
        'requests_total default GET 401': 1,
        'request_duration_seconds_count default': 1,
        'refusals_total key_unknown': 1,
        [`decisions_total deny key_unknown ${name}`]: 1,
        'verification_duration_seconds_count signature': 1,
        token_cache_misses_total: 1,
        [`jwks_fetches_total ${name} success unknown_key`]: 1,
        [`jwks_fetch_duration_seconds_count ${name}`]: 1,
      },
    },
    {
      name: 'keys that were never fetched',
      act: () => gateway.get('/x', issuer.mint({ claims: { iss: down } })),
      changed: {
        'requests_total default GET 503': 1,
        'request_duration_seconds_count default': 1,
        'refusals_total keys_unavailable': 1,
        [`decisions_total deny keys_unavailable ${down}`]: 1,
        'verification_duration_seconds_count signature': 1,
        token_cache_misses_total: 1,
      },
    },
    {
      name: 'forged tokens, up to the limit',
      act: async () => {
        for (let i = 0; i < 2; i++) await gateway.get('/x', forged());
      },
      changed: {
        'requests_total default GET 401': 2,
        'request_duration_seconds_count default': 2,
        'refusals_total signature_invalid': 2,
        [`decisions_total deny signature_invalid ${name}`]: 2,
        'verification_duration_seconds_count signature': 2,
        token_cache_misses_total: 2,
        failure_limit_blocks_total: 1,
        failure_limit_blocked_clients: 1,
      },
    },
    {
      name: 'and over it',
      act: () => gateway.get('/x', forged()),
      changed: {
        'requests_total default GET 429': 1,
        'request_duration_seconds_count default': 1,
        'refusals_total client_blocked': 1,
        'decisions_total deny client_blocked none': 1,
        token_cache_misses_total: 1,
      },
    },
  ];
  for (const { name, act, changed } of steps)
    t.strictSame(sorted(await changes(gateway, down, act)), sorted(changed), name);
});

t.test('a request whose client goes away', async (t) => {
  const { gateway, echo, down } = await start(t);
  const changed = await changes(gateway, down, async () => {
    const raw = await gateway.raw();
    await raw.send(`${ask('POST /open/gone', 'Content-Length: 100000')}abc`);
    await echoed(echo, '/open/gone');
    raw.reset();
    await gateway.lineWhere(({ path }) => path === '/open/gone');
  });
  t.equal(changed['requests_total open POST 499'], 1);
  t.equal(changed['decisions_total allow ok none'], 1);
});

t.test('the readings of issuers, mode and build', async (t) => {
  const { gateway, issuer, down } = await start(t);
  const value = (sample: string) => gateway.metric(prefix + sample);
  t.equal(await value(`jwks_fetches_total{issuer="${issuer.issuer}",result="success",trigger="startup"}`), 1);
  const failed = await value(`jwks_fetches_total{issuer="${down}",result="failure",trigger="startup"}`);
  t.ok(failed >= 1, 'an issuer that is down is asked again and again');
  t.equal(await value(`jwks_keys{issuer="${issuer.issuer}"}`), 1);
  t.equal(await value(`jwks_keys{issuer="${down}"}`), 0);
  t.equal(await value(`jwks_stale{issuer="${issuer.issuer}"}`), 0);
  const fetched = await value(`jwks_last_success_timestamp_seconds{issuer="${issuer.issuer}"}`);
  t.ok(Math.abs(fetched - Date.now() / 1000) < 60, 'in epoch seconds');
  const text = await gateway.metrics();
  t.notMatch(
    text,
    `jwks_last_success_timestamp_seconds{issuer="${down}"}`,
    'none where there was no success',
  );
  t.equal(await value('mode{mode="enforce"}'), 1);
  t.notMatch(text, 'mode{mode="report"} 1');
  const loaded = await value('config_last_reload_timestamp_seconds');
  t.ok(Math.abs(loaded - Date.now() / 1000) < 60, 'in epoch seconds');
  t.match(
    text,
    new RegExp(`^${prefix}build_info\\{version="\\d+\\.\\d+\\.\\d+",node="${process.version}"\\} 1$`, 'm'),
  );

  issuer.publish([issuer.publicJwk(), { kty: 'oct', k: 'AAAA', kid: 'secret' }, { kty: 'RSA' }]);
  await gateway.get('/x', issuer.mint({ key: { ...issuer.signingKey, kid: 'unheard of' } }));
  t.equal(await value(`jwks_skipped_keys{issuer="${issuer.issuer}"}`), 2);
  t.equal(await value(`jwks_keys{issuer="${issuer.issuer}"}`), 1);
});

t.test('no label value comes from a request', async (t) => {
  const { gateway, issuer } = await start(t);
  const mark = 'zzmark';
  const send = async (at: number) => {
    const own = `${mark}${at}`;
    await gateway.request({
      method: ['GET', 'PURGE', 'SUBSCRIBE', 'M-SEARCH', 'QUERY'][at % 5] ?? 'GET',
      path: `/${['open', 'indexed', own][at % 3]}/${own}?${own}`,
      headers: {
        host: `${own}.example`,
        'user-agent': own,
        'x-forwarded-for': own,
        'x-request-id': own,
        ...bearer(
          issuer.mint({ header: { kid: own }, claims: { iss: at % 2 ? own : issuer.issuer, sub: own } }),
        ),
      },
    });
    await sendRaw(gateway, ask(`${own.toUpperCase()} /${own}`));
    await sendRaw(gateway, ask(`GET /${own}/..`));
  };
  for (let at = 0; at < 30; at++) await send(at);
  const before = (await scrape(gateway)).length;
  for (let at = 30; at < 60; at++) await send(at);
  const after = await scrape(gateway);
  t.equal(after.length, before, 'no series more, however many requests');
  t.notMatch(await gateway.metrics(), new RegExp(mark, 'i'));
  const closed = { decision: ['allow', 'deny', 'report'], source: ['signature', 'cache'] };
  for (const { labels } of after)
    for (const [label, values] of Object.entries(closed))
      t.ok(labels[label] === undefined || values.includes(labels[label]), `${label}: ${labels[label]}`);
});

t.test('every metric says what it is', async (t) => {
  const { gateway } = await start(t);
  const { text } = await request(gateway.admin, { path: '/metrics' });
  t.ok(text.endsWith('\n'));
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+)/gm)) t.match(text, `# HELP ${name} `, name);
});

/** Once the echo has the head of a request for a path. */
async function echoed({ seen }: Scene['echo'], path: string): Promise<void> {
  while (!seen.some(({ url }) => url === path)) await new Promise((resolve) => setImmediate(resolve));
}

function sorted(record: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
