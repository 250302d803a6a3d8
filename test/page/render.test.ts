import t from 'tap';
import { reasons } from '../../src/errors.ts';
import type { Explanation } from '../../src/explain/explain.ts';
import { listChecks } from '../../src/explain/steps.ts';
import { renderPage } from '../../src/page/render.ts';
import { concludeState } from '../../src/page/state.ts';
import type { Status, UpstreamStatus } from '../../src/status.ts';
import { issuer, past, quiet, upstream, well } from './status.ts';

/** What a reader sees, without markup; each piece of text after a space. */
function seen(status: Partial<Status>, explanation: Explanation | null = null): string {
  return renderPage({ ...well, ...status }, explanation)
    .replace(/<(style|script)>.*?<\/\1>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
}

const denied: Explanation = {
  allowed: false,
  decision: 'deny',
  reason: 'audience_mismatch',
  status: 401,
  method: 'GET',
  path: '/orders/42',
  rule: { name: 'orders', auth: 'required', upstream: 'default' },
  issuer: issuer.issuer,
  steps: listChecks('audience', 'audience_mismatch', {
    rule: { hint: 'a remark' },
    audience: { expected: 'api://orders', got: 'api://billing', hint: 'for another' },
  }),
};

const failed: Status['config'] = {
  ...well.config,
  lastReload: { at: '2026-11-25T11:59:00.000Z', result: 'failure', faults: ['upstream: is missing'] },
};
const broken: UpstreamStatus = {
  ...upstream,
  state: 'fails',
  lastError: { reason: 'upstream_timeout', at: '2026-11-25T11:59:58.000Z' },
  failedInRow: 5,
  errors: { upstream_timeout: 7, upstream_unreachable: 1 },
};

t.test('the sentence at the top', async (t) => {
  const never = { ...issuer, state: 'never' as const };
  const keys = { code: 'keys_unavailable', detail: '', issuer: issuer.issuer };
  const cases: readonly { name: string; status: Partial<Status>; tone: string; says: RegExp }[] = [
    { name: 'all is well', status: {}, tone: 'good', says: /^Ready to verify tokens of https:\/\/idp/ },
    { name: 'several', status: { issuers: [issuer, issuer] }, tone: 'good', says: /of 2 issuers\.$/ },
    {
      name: 'no keys yet',
      status: { ready: false, reasons: [keys] },
      tone: 'bad',
      says: /^Not ready because the keys of https:\/\/idp\S+ could not be fetched yet/,
    },
    {
      name: 'leaving',
      status: { ready: false, phase: 'leaving', reasons: [{ code: 'draining', detail: '' }] },
      tone: 'bad',
      says: /^Not ready because this sidecar is shutting down/,
    },
    {
      name: 'leaving, and no keys',
      status: { ready: false, reasons: [{ code: 'draining', detail: '' }, keys] },
      tone: 'bad',
      says: /shutting down/,
    },
    {
      name: 'one without keys',
      status: { issuers: [issuer, never] },
      tone: 'bad',
      says: /^Ready, but tokens of .* 503/,
    },
    {
      name: 'one past maxStale',
      status: { issuers: [{ ...issuer, state: 'expired' }] },
      tone: 'bad',
      says: /^Ready, but tokens/,
    },
    {
      name: 'one stale',
      status: { issuers: [{ ...issuer, state: 'stale' }] },
      tone: 'warn',
      says: /^Ready, but the keys of .* could not be refreshed/,
    },
    { name: 'report mode', status: { mode: 'report' }, tone: 'warn', says: /^Ready in report mode/ },
    {
      name: 'a reload that failed',
      status: { config: failed },
      tone: 'warn',
      says: /^Ready, but the last reload of the config failed\. The config before it stays in force\.$/,
    },
    {
      name: 'that, and one without keys',
      status: { config: failed, issuers: [issuer, never] },
      tone: 'bad',
      says: /^Ready, but the last reload of the config failed\. .* Also, tokens of .* 503/,
    },
    {
      name: 'that, in report mode',
      status: { config: failed, mode: 'report' },
      tone: 'warn',
      says: /^Ready, but the last reload/,
    },
    {
      name: 'that, and not ready',
      status: { config: failed, ready: false, reasons: [keys] },
      tone: 'bad',
      says: /^Not ready because .* Also, the last reload of the config failed\.$/,
    },
    {
      name: 'a reload that succeeded',
      status: { config: { ...failed, lastReload: { at: well.now, result: 'success', faults: [] } } },
      tone: 'good',
      says: /^Ready to verify/,
    },
    {
      name: 'an upstream that fails',
      status: { upstreams: [upstream, { ...broken, name: 'billing' }] },
      tone: 'warn',
      says: /^Ready, but the upstream billing has failed its last request\.$/,
    },
    {
      name: 'several',
      status: { upstreams: [broken, broken] },
      tone: 'warn',
      says: /^Ready, but 2 upstreams have failed their last requests\.$/,
    },
  ];
  for (const { name, status, tone, says } of cases) {
    const state = concludeState({ ...well, ...status });
    t.equal(state.tone, tone, name);
    t.match(`${state.word} ${state.sentence}`, says, name);
  }
});

t.test('what the page shows', async (t) => {
  const busy = {
    ...quiet,
    requests: 1200,
    refused: 30,
    reported: 4,
    cacheHits: 900,
    cacheMisses: 100,
    requestMs: { p50: 1.5, p95: 12, p99: 2500 },
  };
  const error = { code: 'status', message: 'https://idp.example.com/jwks answered 503' };
  const row = {
    rule: 'orders',
    reason: 'token_expired',
    issuer: 'none',
    who: '192.0.2.x',
    count: 7,
    lastSeen: well.now,
  };
  const cases: readonly { name: string; status: Partial<Status>; says: readonly (string | RegExp)[] }[] = [
    {
      name: 'the process',
      status: {},
      says: ['1.2.3', '26.10.0', /Up for 2 h/, /enforce, for 2 h/, /Open WebSockets 2/],
    },
    {
      name: 'an issuer',
      status: {},
      says: [/Fresh\./, /Keys 1/, /Last fetched 3 min ago/, /in 7 min/, 'RS256, PS256', 'k1', 'thumb-1'],
    },
    {
      name: 'a stale one',
      status: { issuers: [{ ...issuer, state: 'stale', ageMs: 3_600_000, lastError: error }] },
      says: [/serve for 23 h more/, /maxStale is 1 d/, error.message],
    },
    {
      name: 'an expired one',
      status: { issuers: [{ ...issuer, state: 'expired' }] },
      says: [/Past maxStale\./, /503/],
    },
    {
      name: 'one without keys',
      status: { issuers: [{ ...issuer, state: 'never', keys: [], lastSuccess: null, nextRefreshMs: null }] },
      says: [/No keys\./, /Last fetched never/, /Next fetch under way/],
    },
    {
      name: 'a cache file',
      status: { issuers: [{ ...issuer, fromCacheFile: true }] },
      says: ['from keys.cacheFile'],
    },
    {
      name: 'a skipped key, and one without kid',
      status: {
        issuers: [
          {
            ...issuer,
            keys: [{ kid: null, thumbprint: 't', type: 'EC', algorithms: ['ES256'] }],
            skipped: [{ kid: 'enc', why: 'it is for encryption' }],
          },
        ],
      },
      says: [
        /Key id Algorithms Type Thumbprint none ES256/,
        '1 published key cannot be used',
        'enc it is for encryption',
      ],
    },
    {
      name: 'traffic',
      status: { history: { ...past(busy), refusals: { token_expired: 20, token_missing: 10 } } },
      says: [
        /120 a second now/,
        '900 of 1,000 tokens',
        'Half took at most 1.5 ms, 95 % at most 12 ms, 99 % at most 2.5 s.',
        /token_expired 20/,
      ],
    },
    { name: 'no traffic', status: {}, says: ['Nothing was refused.', 'No token came.', 'No request came.'] },
    {
      name: 'blocked clients',
      status: {
        failureLimit: {
          clients: 40,
          blocked: 33,
          blockedClients: [{ client: '203.0.113.x', until: '2026-11-25T12:05:00.000Z' }],
        },
      },
      says: [
        /203\.0\.113\.x in 5 min \(2026-11-25 12:05:00 UTC\)/,
        'And 32 other clients.',
        '40 clients with forged tokens',
      ],
    },
    {
      name: 'no failure limit',
      status: { failureLimit: null },
      says: ['The failure limit is switched off.'],
    },
    { name: 'the cache', status: {}, says: ['3 of at most 10,000', '4 KiB of at most 32 MiB', '90 (90 %)'] },
    {
      name: 'no cache',
      status: { tokenCache: { ...well.tokenCache, maxEntries: 0 } },
      says: ['The cache is switched off'],
    },
    { name: 'the config', status: {}, says: ['sidecar.yaml', 'none since the start'] },
    {
      name: 'a reload that failed, and settings that wait',
      status: {
        config: { ...failed, needsRestart: ['listen.port'] },
      },
      says: [
        /The last reload failed It was tried 1 min ago \(2026-11-25 11:59:00 UTC\).*upstream: is missing.*The last 15 minutes/,
        'failed , 1 min ago',
        'A restart is needed for 1 setting: listen.port',
      ],
    },
    {
      name: 'an upstream',
      status: {
        history: {
          ...past(quiet),
          upstreams: [{ upstream: 'default', answered: 1234, answerMs: { p50: 3, p95: 8, p99: 1500 } }],
        },
      },
      says: [
        'default http://127.0.0.1:3000 Answers. It last answered 3 s ago (2026-11-25 11:59:57 UTC) .',
        /Answers 1,234 Latency p50 3 ms Latency p99 1\.5 s In use 3 of 256 Waiting 0/,
      ],
    },
    {
      name: 'one that fails',
      status: { upstreams: [broken] },
      says: [
        /Fails\. The last 5 requests failed, the latest 2 s ago \(.*\) : Upstream timeout \( upstream_timeout \)\. It last answered 3 s ago/,
        /7 × upstream_timeout , 1 × upstream_unreachable/,
      ],
    },
    {
      name: 'one that nobody has asked',
      status: { upstreams: [{ ...upstream, state: 'unused', lastAnswer: null }] },
      says: ['Not used yet. No request to it has ended.'],
    },
    {
      name: 'traffic by rule and by issuer',
      status: {
        history: {
          ...past(quiet),
          rules: Array.from({ length: 22 }, (_, i) => ({
            rule: `r${i}`,
            requests: 1000 - i,
            clientErrors: 7,
            serverErrors: 3,
          })),
          issuers: [{ issuer: 'https://idp.example.com', allowed: 900, reported: 5, denied: 70 }],
        },
      },
      says: [
        'Rule Requests 4xx 5xx r0 1,000 7 3 r1 999 7 3',
        'And 2 others, in /api/status',
        'Issuer Allowed Denied Reported https://idp.example.com 900 70 5',
      ],
    },
    {
      name: 'report mode',
      status: {
        mode: 'report',
        reporting: { exceptions: ['strict'], rows: [row], forgotten: 3 },
        history: past(busy),
      },
      says: [
        'Report mode: refusals are not enforced Since 2026-11-25 10:00:00 UTC',
        'Only rule strict enforce',
        '4 of 1,200 requests in the last 15 minutes would have been refused (0.3 %)',
        /orders token_expired none 192\.0\.2\.x 7 just now/,
        '3 older rows made room',
      ],
    },
    {
      name: 'one rule that reports',
      status: { reporting: { exceptions: ['trial'], rows: [], forgotten: 0 } },
      says: ['Some rules only report', 'What rule trial would refuse', 'Nothing yet since the start.'],
    },
  ];
  for (const { name, status, says } of cases) {
    const text = seen(status);
    for (const each of says) {
      t.ok(typeof each === 'string' ? text.includes(each) : each.test(text), `${name}: ${each}`);
    }
  }
  t.match(seen({}), /By issuer No request came\./);
  t.notMatch(seen({}), /report mode|would have been refused/i, 'nothing of report mode where there is none');
});

t.test('an explanation, step by step', async (t) => {
  const text = seen({}, denied);
  for (const each of [
    'It is denied: 401 audience_mismatch — The token is meant for another audience.',
    'GET /orders/42',
    'Passed a rule decides Hint a remark',
    'Failed it is for this audience Reason audience_mismatch Expected api://orders Got api://billing Hint for another',
    'Not reached it has the required claims',
  ])
    t.ok(text.includes(each), each);
  t.equal(text.match(/Passed|Failed|Not reached/g)?.length, denied.steps.length, 'every step');
  const reported = { ...denied, decision: 'report' as const };
  t.match(seen({}, reported), /Reported It is refused \(audience_mismatch\), but forwarded/);
  const allowed = {
    ...denied,
    decision: 'allow' as const,
    reason: 'ok' as const,
    steps: listChecks(null, null, {}),
  };
  t.match(seen({}, allowed), /Allowed Every check/);
  const odd = seen({}, { ...denied, method: 'EYJHBGCI', rule: null, issuer: null });
  t.match(odd, /another method \/orders/);
  t.notMatch(odd, 'EYJHBGCI', 'what is no method could be anything');
});

t.test('one form of a moment', async (t) => {
  const text = renderPage({ ...well, config: failed, upstreams: [broken] }, denied);
  t.notMatch(text.replace(/datetime="[^"]*"/g, ''), /\d{4}-\d\d-\d\dT/, 'no other one is shown');
  for (const [moment] of seen({ config: failed, upstreams: [broken] }).matchAll(/\d\d:\d\d:\d\d.{4}/g)) {
    t.match(moment, / UTC$/);
  }
});

t.test('a reason leads to what it means', async (t) => {
  const history = { ...past(quiet), refusals: { token_missing: 3, [String('<b>')]: 1 } };
  const row = { rule: 'a', reason: 'token_expired', issuer: 'b', who: 'c', count: 1, lastSeen: well.now };
  const reporting = { exceptions: ['a'], rows: [row], forgotten: 0 };
  const text = renderPage({ ...well, history, reporting, upstreams: [broken] }, denied);
  const linked = new Set([...text.matchAll(/href="#reason-(\w+)"/g)].map(([, code]) => code));
  t.strictSame([...linked].sort(), [
    'audience_mismatch',
    'token_expired',
    'token_missing',
    'upstream_timeout',
    'upstream_unreachable',
  ]);
  const ids = new Set([...text.matchAll(/id="reason-(\w+)"/g)].map(([, code]) => code));
  t.strictSame([...ids], Object.keys(reasons), 'all of them are there');
  t.match(seen({}), 'token_missing 401 Token missing. The request carries no token.');
});

t.test('blocked clients in full, for the admin token', async (t) => {
  const block = {
    network: '2001:db8::/64',
    since: '2026-11-25T11:00:00.000Z',
    until: '2026-11-25T12:05:00.000Z',
    remainingMs: 300_000,
  };
  const status: Status = {
    ...well,
    failureLimit: {
      clients: 4,
      blocked: 3,
      blockedClients: [{ client: '2001:db8:0:…', until: block.until }],
    },
  };
  const view = { kind: 'full', blocks: [block], total: 3, asksToken: true, done: 'Done "so".' } as const;
  const full = renderPage(status, null, view);
  t.match(
    full,
    '<button type="submit" name="release" value="2001:db8::/64" aria-label="Release 2001:db8::/64">',
  );
  t.match(full, /in 5 min <small>\(2026-11-25 12:05:00 UTC\)/);
  t.match(full, 'And 2 other clients.');
  t.match(full, 'Done &quot;so&quot;.');
  t.match(full, /<input id="admin-token" name="token" type="password"/);
  t.ok(full.indexOf('name="show"') < full.indexOf('name="release"'), 'the Enter key releases nobody');
  t.match(full, '<section id="clients" aria-', 'and no update masks them again');

  const held = renderPage(status, null, { ...view, asksToken: false, done: null });
  t.match(held, '<section id="clients" data-live aria-');
  t.notMatch(held, 'type="password"', 'whose token comes with every request is not asked for it');
  const masked = renderPage(status, null, { kind: 'masked', hasToken: true });
  t.match(masked, 'type="password"');
  t.notMatch(masked, /2001:db8::\/64|name="release"/);
  const without = renderPage(status, null, { kind: 'masked', hasToken: false });
  t.notMatch(without, 'type="password"');
  t.match(without, 'set <code>admin.tokenFile</code>');
});

t.test('no text can become markup', async (t) => {
  const evil = `"><script>alert('1')</script><img src=x onerror=alert(1)>&lt;`;
  /** Puts the text in the place of every other, however deep. */
  const poison = (value: unknown): unknown => {
    if (typeof value === 'string') return evil;
    if (Array.isArray(value)) return value.map(poison);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, poison(each)]));
  };
  const full: Status = {
    ...well,
    issuers: [{ ...issuer, skipped: [{ kid: 'a', why: 'b' }], lastError: { code: 'a', message: 'b' } }],
    upstreams: [broken],
    failureLimit: { clients: 1, blocked: 1, blockedClients: [{ client: 'a', until: well.now }] },
    config: { ...well.config, needsRestart: ['a'] },
    reporting: {
      exceptions: ['a'],
      rows: [{ rule: 'a', reason: 'b', issuer: 'c', who: 'd', count: 1, lastSeen: well.now }],
      forgotten: 0,
    },
  };
  const poisoned = poison(full) as Status;
  const status: Status = {
    ...poisoned,
    // What the code looks up, and moments.
    mode: 'report',
    now: well.now,
    modeSince: well.now,
    history: {
      ...past(quiet),
      refusals: { [evil]: 1 },
      rules: [{ rule: evil, requests: 1, clientErrors: 1, serverErrors: 1 }],
      issuers: [{ issuer: evil, allowed: 1, reported: 1, denied: 1 }],
      upstreams: [{ upstream: evil, answered: 1, answerMs: null }],
    },
    issuers: poisoned.issuers.map((each) => ({ ...each, state: 'stale', lastSuccess: well.now })),
    upstreams: poisoned.upstreams.map((each) => ({
      ...each,
      state: 'fails',
      lastAnswer: well.now,
      lastError: { reason: 'upstream_timeout', at: well.now },
      errors: { [evil]: 1 },
      connections: upstream.connections,
    })),
    failureLimit: { clients: 1, blocked: 1, blockedClients: [{ client: evil, until: well.now }] },
    config: { ...poisoned.config, lastReload: { at: well.now, result: 'failure', faults: [evil] } },
    reporting: {
      ...poisoned.reporting,
      rows: poisoned.reporting.rows.map((row) => ({ ...row, lastSeen: well.now })),
    },
  };
  const steps = denied.steps.map((step) => ({ ...step, expected: evil, got: evil, hint: evil }));
  const explanation = {
    ...denied,
    steps,
    path: evil,
    issuer: evil,
    rule: { name: evil, auth: 'required', upstream: evil } as const,
  };
  const block = { network: evil, since: well.now, until: well.now, remainingMs: 1 };
  const clients = { kind: 'full', blocks: [block], total: 1, asksToken: true, done: evil } as const;
  const text = renderPage(status, explanation) + renderPage(status, explanation, clients);
  t.equal(text.match(/<script/g)?.length, 2, 'no script but our own, on both pages');
  t.notMatch(text, /<img|alert\('|"><script|onerror=alert\(1\)>/);
  const shown = text.match(/&quot;&gt;&lt;script&gt;alert\(&#39;1&#39;\)&lt;\/script&gt;/g)?.length ?? 0;
  t.ok(shown > 30, `and all of it is shown as it is: ${shown} times`);
  t.notMatch(text, /\sstyle=|\son\w+="|javascript:/i, 'nothing that the content security policy would stop');
});

t.test('headings in order, labels for every field, ids once', async (t) => {
  const text = renderPage(
    { ...well, mode: 'report', reporting: { exceptions: [], rows: [], forgotten: 0 } },
    denied,
  );
  const levels = [...text.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
  levels.forEach((level, index) => {
    t.ok(level <= (levels[index - 1] ?? 0) + 1, `heading ${index} is of level ${level}`);
  });
  const ids = [...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  t.strictSame(ids, [...new Set(ids)]);
  for (const [, name] of text.matchAll(/<(?:input|select|textarea) id="([\w-]+)"/g)) {
    t.ok(text.includes(`<label for="${name}">`), `${name} has a label`);
  }
  for (const [, id] of text.matchAll(/aria-(?:labelledby|describedby)="([^"]+)"/g))
    t.ok(ids.includes(id), `${id} is there`);
  for (const [head] of text.matchAll(/<th[\s>][^>]*/g)) t.match(head, /scope="(row|col)"/);
});
